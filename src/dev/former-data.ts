/**
 * The `.bobbin` folder of a repository, where earlier releases kept everything. A clone can bring one as well, so it is
 * taken over only when a person has seen what is in it and says so.
 */
import { existsSync, lstatSync, readFileSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { copyFile, cp } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { dataLayout } from '../folders/folders.ts';
import { closeToOthers, makePrivateFolder } from '../folders/private-folder.ts';
import { readDevState, rememberThread } from './dev-state.ts';
import { isAlive } from './temporal-service/run/process-start.ts';
import { readRecord } from './temporal-service/state/service-record.ts';

const NAME = '.bobbin';
const DATABASE = ['temporal.db', 'temporal.db-wal'];

/** Its path; null if there is none, or if the person has made it the data folder. */
export function findFormerData(folder: string, dataDirectory: string): string | null {
  const path = basename(folder) === NAME ? folder : join(folder, NAME);
  if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return null;
  return existsSync(dataDirectory) && realpathSync(path) === realpathSync(dataDirectory) ? null : path;
}

/** What a person has to see before it is taken over. The texts are those of the files. */
export interface FormerData {
  path: string;
  databaseBytes: number;
  keyFiles: number;
  archiveFiles: number;
  /** Answers that would be given unasked from then on. */
  rules: string[];
  /** Programs that would be started. */
  mcpConfig: string | null;
}

export function readFormerData(path: string): FormerData {
  const { keys, archive, rules, mcpConfig } = dataLayout(path);
  return {
    path,
    databaseBytes: DATABASE.reduce(
      (sum, name) => sum + (isFile(join(path, name)) ? statSync(join(path, name)).size : 0),
      0,
    ),
    keyFiles: filesBelow(keys).length,
    archiveFiles: filesBelow(archive).length,
    rules: filesBelow(rules).map((file) => readFileSync(file, 'utf8')),
    mcpConfig: isFile(mcpConfig) ? readFileSync(mcpConfig, 'utf8') : null,
  };
}

/**
 * Copies it; the folder itself stays as it is. Links and whatever else is no file are left out. Throws if the data folder has
 * threads already, or if a service runs on either of the two.
 */
export async function importFormerData(path: string, dataDirectory: string, withMcp: boolean): Promise<void> {
  makePrivateFolder(dataDirectory);
  for (const folder of [path, dataDirectory]) await requireUnused(folder);
  if (DATABASE.some((name) => existsSync(join(dataDirectory, name)))) {
    throw new Error(
      `${dataDirectory} holds threads already, and two databases cannot become one. Name another folder by --data-dir.`,
    );
  }
  const [from, to] = [dataLayout(path), dataLayout(dataDirectory)];
  const files = [...DATABASE, basename(from.identities), ...(withMcp ? [basename(from.mcpConfig)] : [])];
  for (const name of files) {
    const target = join(dataDirectory, name);
    if (isFile(join(path, name)) && !existsSync(target)) await copyFile(join(path, name), target);
  }
  for (const name of ['keys', 'archive', 'rules'] as const) {
    if (existsSync(from[name])) await cp(from[name], to[name], { recursive: true, force: false, filter: isPlain });
  }
  closeToOthers(dataDirectory);
  const { threadId } = readDevState(path);
  if (typeof threadId === 'string') rememberThread(dataDirectory, realpathSync(dirname(resolve(path))), threadId);
}

async function requireUnused(folder: string): Promise<void> {
  const record = readRecord(folder);
  if (record === undefined || !(await isAlive(record))) return;
  throw new Error(`A Temporal service runs on ${folder} (pid ${record.pid}). Stop it first.`);
}

function filesBelow(folder: string): string[] {
  if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter(isFile)
    .sort();
}

function isFile(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function isPlain(path: string): boolean {
  return isFile(path) || lstatSync(path).isDirectory();
}
