/** The folder that a command names for a new thread, and its host. */
import { statSync } from 'node:fs';
import { hostname } from 'node:os';
import { isAbsolute, resolve } from 'node:path';
import { BobbinError } from '../../../client/bobbin-error.ts';
import type { Bobbin } from '../../../client/index.ts';

/** A folder of a host is given by its absolute path there. */
export async function newWorkspace(
  bobbin: Bobbin,
  given?: string,
  host?: string,
): Promise<{ cwd: string; host?: string }> {
  if (host === undefined) return { cwd: await newFolder(bobbin, given) };
  if (given !== undefined && isAbsolute(given)) return { cwd: given, host };
  throw new BobbinError('invalid', `--host ${host}: also name the folder there by its absolute path, with --cwd`);
}

/** Refuses a folder that does not exist if the workers are on this machine; else the first step of the thread decides. */
async function newFolder(bobbin: Bobbin, given = '.'): Promise<string> {
  const cwd = resolve(given);
  if (isFolder(cwd) || !(await isServedHere(bobbin))) return cwd;
  throw new BobbinError('invalid', `--cwd ${given}: there is no folder ${cwd}`);
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

async function isServedHere(bobbin: Bobbin): Promise<boolean> {
  const workers = await bobbin.workers();
  return workers.length > 0 && workers.every(({ identity }) => identity.endsWith(`@${hostname()}`));
}
