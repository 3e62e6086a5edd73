/** The folder of a run: its record, its stack, its workspaces and its results. */
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { rm } from 'node:fs/promises';
import { dataDirectory } from '../src/folders/folders.ts';
import { makePrivateFolder } from '../src/folders/private-folder.ts';
import { UsageError } from './options.ts';
import { type RunRecord, readRecord } from './record.ts';

export interface RunFolder {
  /** Contains the folders of all runs. */
  root: string;
  name: string;
  path: string;
  recordFile: string;
  workspaces: string;
}

export function runsRoot(env: NodeJS.ProcessEnv, out: string | null): string {
  return out === null ? join(dirname(dataDirectory(env)), 'bobbin-eval') : resolve(out);
}

export function openRunFolder(root: string, name: string): RunFolder {
  const path = join(root, name);
  for (const folder of [path, join(path, 'work')]) makePrivateFolder(folder);
  return { root, name, path, recordFile: join(path, 'run.json'), workspaces: join(path, 'work') };
}

/** `2026-03-02-0915-openai-gpt-5.6`, with a number after it if there is one already. */
export function newRunName(root: string, model: string, now: Date): string {
  const words = model.replaceAll(/[^a-zA-Z0-9.-]+/g, '-').replaceAll(/^[.-]+|-+$/g, '');
  const name = `${now.toISOString().slice(0, 16).replace('T', '-').replace(':', '')}-${words.slice(0, 60)}`;
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? name : `${name}-${number}`;
    if (!existsSync(join(root, candidate))) return candidate;
  }
}

/** @param asked its name, its path, or true for the newest one */
export function findRun(root: string, asked: string | true): { folder: RunFolder; record: RunRecord } {
  const path = asked === true ? join(root, newestRun(root)) : asked.includes('/') ? resolve(asked) : join(root, asked);
  const file = join(path, 'run.json');
  if (!existsSync(file)) throw new UsageError(`There is no run in ${path}.`);
  return { record: readRecord(readFileSync(file, 'utf8')), folder: openRunFolder(dirname(path), basename(path)) };
}

function newestRun(root: string): string {
  const names = existsSync(root) ? readdirSync(root) : [];
  const runs = names.filter((name) => existsSync(join(root, name, 'run.json')));
  const age = (name: string) => statSync(join(root, name, 'run.json')).mtimeMs;
  const newest = runs.sort((a, b) => age(b) - age(a))[0];
  if (newest === undefined) throw new UsageError(`There is no run in ${root}.`);
  return newest;
}

/** What is needed only to continue the run. Without following links of a workspace. */
export async function removeWork({ path, workspaces }: RunFolder): Promise<void> {
  for (const folder of [workspaces, join(path, 'stack'), join(path, 'stack-workspaces'), join(path, 'checks')])
    await rm(folder, { recursive: true, force: true });
}
