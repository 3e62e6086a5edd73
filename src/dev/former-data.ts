/**
 * The `.bobbin` folder of a repository, where earlier releases stored everything. A clone can contain one too, so Bobbin
 * imports it only after a person has seen the contents and agreed.
 */
import { existsSync, lstatSync, readFileSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { copyFile, cp } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { dataLayout } from '../folders/folders.ts';
import { closeToOthers, makePrivateFolder } from '../folders/private-folder.ts';
import { readDevState, rememberThread } from './dev-state.ts';
import { isAlive } from '../folders/process-mark.ts';
import { readRecord } from './temporal-service/state/service-record.ts';

const NAME = '.bobbin';
const DATABASE = ['temporal.db', 'temporal.db-wal'];

/** Its path; null if there is none, or if the person has made it the data folder. */
export function findFormerData(folder: string, dataDirectory: string): string | null {
  const path = basename(folder) === NAME ? folder : join(folder, NAME);
  if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return null;
  return existsSync(dataDirectory) && realpathSync(path) === realpathSync(dataDirectory) ? null : path;
}

/** The contents that a person must see before the import. The texts are those of the files. */
export interface FormerData {
  path: string;
  databaseBytes: number;
  keyFiles: number;
  archiveFiles: number;
  /** Remembered answers that would apply without asking. */
  rules: string[];
  /** The file with the programs that would be started. */
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
 * Copies the folder, which stays as it is. Leaves out links and everything else that is not a file. Throws if the data folder
 * already contains threads, or if a service is running on either of the two.
 */
export async function importFormerData(path: string, dataDirectory: string, withMcp: boolean): Promise<void> {
  makePrivateFolder(dataDirectory);
  for (const folder of [path, dataDirectory]) await requireUnused(folder);
  if (DATABASE.some((name) => existsSync(join(dataDirectory, name)))) {
    throw new Error(
      `${dataDirectory} already contains threads, and two databases cannot be merged. Choose another folder with --data-dir.`,
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
  throw new Error(`A Temporal service is running on ${folder} (pid ${record.pid}). Stop it first.`);
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
