/** The folder that a command names for a new thread. */
import { statSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { BobbinError } from '../../../client/bobbin-error.ts';
import type { Bobbin } from '../../../client/index.ts';

/** Refuses a folder that does not exist if the workers are on this machine; else the first step of the thread decides. */
export async function newWorkspace(bobbin: Bobbin, given = '.'): Promise<string> {
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
