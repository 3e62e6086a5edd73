/** Temporary folders of the worker's own programs. The machine's temporary folder may be in a workspace, or be one. */
import { readdirSync, rmSync, statSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { dataDirectory } from './folders.ts';
import { makePrivateFolder } from './private-folder.ts';

/** No temporary folder is used for longer than this. */
const LEFT_AFTER_MS = 24 * 60 * 60 * 1000;

/** A new folder in the data folder, which sandboxes hide. The caller removes it. */
export async function makePrivateTemp(prefix: string): Promise<string> {
  const folder = toFolder(dataDirectory(process.env));
  makePrivateFolder(folder);
  return mkdtemp(join(folder, prefix));
}

/** Removes the folders of killed processes. */
export function removeLeftTemps(data: string, now = Date.now()): void {
  const folder = toFolder(data);
  for (const name of readNames(folder)) {
    const path = join(folder, name);
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats !== undefined && now - stats.mtimeMs > LEFT_AFTER_MS) rmSync(path, { recursive: true, force: true });
  }
}

function toFolder(data: string): string {
  return join(data, 'tmp');
}

function readNames(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
