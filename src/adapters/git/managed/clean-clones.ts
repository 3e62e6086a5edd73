/** Removes the clones that nobody needs. Which threads need one is asked of the caller. */
import { readFile, readdir } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { isInsideReal } from '../../../folders/folders.ts';
import { isThere } from '../../../folders/real-path.ts';
import { toRealPath } from '../../shell/sandbox/mounts.ts';
import { listStores, removeStoresIn } from '../snapshots/remove-stores.ts';
import { listRecords, readRecord } from './clone-records.ts';
import { cloneLock, foldersOf, removeClone } from './managed-workspaces.ts';
import { withPatientLock } from './patient-lock.ts';

export interface CleanOptions {
  directory: string;
  records: string;
  /** The data folder, with the snapshots. */
  data: string;
  /** Only clones for threads of that service are looked at. */
  service: string;
  /** Only shows what would be removed. */
  preview: boolean;
  /** Paths in which open threads work. */
  inUse: readonly string[];
  /** Why a thread still needs its files; null if it does not. */
  reasonToKeep(thread: { threadId: string; madeAt: number }): Promise<string | null>;
}

export interface CleanedClone {
  folder: string;
  threadId: string;
  /** Null if it was removed. */
  kept: string | null;
}

export async function cleanClones(options: CleanOptions, signal: AbortSignal): Promise<CleanedClone[]> {
  const folders = toRealPath(foldersOf(options.directory));
  if (folders === undefined) return [];
  const inUse = options.inUse.flatMap((path) => toRealPath(path) ?? []);
  const cleaned: CleanedClone[] = [];
  for (const { name, madeAt, record } of await listRecords(options.records)) {
    if (signal.aborted) return cleaned;
    const clone = { folder: join(folders, name), threadId: record.threadId, madeAt, service: record.service };
    const lock = cloneLock(options.records, name);
    const kept = await withPatientLock(lock, `removes ${clone.folder}`, signal, async () => {
      const reason = await reasonFor({ ...options, inUse }, clone);
      if (reason === null && !options.preview) await removeClone(options, name, clone.folder);
      return reason;
    });
    cleaned.push({ folder: clone.folder, threadId: clone.threadId, kept });
  }
  if (!options.preview) await removeForgottenStores(options, folders, signal);
  return cleaned;
}

type Clone = { folder: string; threadId: string; madeAt: number; service: string };

async function reasonFor(options: CleanOptions, { folder, threadId, madeAt, service }: Clone): Promise<string | null> {
  if (service !== options.service) return 'its thread is one of another service';
  if (options.inUse.some((path) => isInsideReal(path, folder))) return 'an open thread works in it';
  return (await reasonOfFork(folder)) ?? options.reasonToKeep({ threadId, madeAt });
}

/**
 * Earlier releases left the snapshots of the clones that they removed. A folder of the same name on another host that
 * shares the data folder has a record.
 */
async function removeForgottenStores({ records, data }: CleanOptions, folders: string, signal: AbortSignal) {
  for (const store of await listStores(data)) {
    const [name = ''] = relative(folders, store.folder).split(sep);
    const folder = join(folders, name);
    if (!isInsideReal(store.folder, folders) || name === '') continue;
    await withPatientLock(cloneLock(records, name), `removes the snapshots of ${folder}`, signal, async () => {
      if (![folder, `${folder}.draft`].some(isThere) && readRecord(records, name) === null)
        await removeStoresIn(data, folder);
    });
  }
}

/** A linked work tree is of no use without its repository. */
async function reasonOfFork(folder: string): Promise<string | null> {
  const links = join(folder, '.git', 'worktrees');
  for (const name of await readdir(links).catch(() => [])) {
    const file = await readFile(join(links, name, 'gitdir'), 'utf8').catch(() => '');
    if (file !== '' && existsSync(file.trimEnd())) return `the work tree of a fork belongs to it: ${file.trimEnd()}`;
  }
  return null;
}
