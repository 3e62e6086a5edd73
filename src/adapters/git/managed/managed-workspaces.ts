/**
 * Folders of threads that work in a clone. The folder of a thread is finished under another name, so that it is there as
 * a whole or not at all; its record is in the data folder, where no command can change it.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, realpath, rename } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { PreparedWorkspace, WantedWorkspace, WorkspacesPort } from '../../../../activities/ports.ts';
import { faultOfWorkspace } from '../../../contract/plain/workspace-rules.ts';
import { withoutSecrets } from '../../../contract/plain/repository-address.ts';
import { isInsideReal } from '../../../folders/folders.ts';
import { followLinks } from '../../../folders/real-path.ts';
import { toRealPath } from '../../shell/sandbox/mounts.ts';
import { flushFileSystem } from '../../files/flush-file-system.ts';
import { removeTree } from '../../files/remove-tree.ts';
import { faultOfHttp, findRemote } from '../remote/remote-source.ts';
import type { ClosedFolders } from '../repository/repository-place.ts';
import { removeStoresIn } from '../snapshots/remove-stores.ts';
import { type CloneRecord, readRecord, removeRecord, writeRecord } from './clone-records.ts';
import { assertSize, checkOut, copyRepository, hasFolder } from './clone.ts';
import { type FetchLimits, withMirror } from './mirror.ts';
import { withPatientLock } from './patient-lock.ts';
import { refused } from './refusals.ts';

export interface ManagedWorkspacesOptions {
  /** The workers' folder of workspaces, absolute. It contains the clones and the mirrors. */
  directory: string;
  /** For the records, absolute; closed to commands. */
  records: string;
  /** The data folder, absolute, with the snapshots. */
  data: string;
  /** The service that has the threads. */
  service: string;
  limits: FetchLimits;
  /** Whether http is allowed to other machines, too, although anybody on the network path can change the data. */
  allowHttp: boolean;
  /** Absolute paths that commands cannot read: no part of a repository on this machine may be there. */
  closed: ClosedFolders;
}

export interface ManagedWorkspaces extends WorkspacesPort {
  /** The address of the repository of which that one is the clone of a thread; null for any other one. */
  originOf(gitFolder: string): string | null;
}

export function createManagedWorkspaces(options: ManagedWorkspacesOptions): ManagedWorkspaces {
  const find = (path: string): { folder: string; record: CloneRecord } | null => {
    const folders = toRealPath(foldersOf(options.directory));
    if (folders === undefined || !isInsideReal(path, folders)) return null;
    const [name = ''] = relative(folders, path).split(sep);
    const record = name === '' ? null : readRecord(options.records, name);
    return record === null ? null : { folder: join(folders, name), record };
  };
  return {
    managedAt(root) {
      const { folder = '', record } = find(root) ?? {};
      if (record === undefined || root !== join(folder, record.path ?? '.')) return null;
      const { threadId: _thread, service: _service, ...managed } = record;
      return managed;
    },
    originOf(gitFolder) {
      const { folder = '', record } = find(gitFolder) ?? {};
      return record !== undefined && gitFolder === join(folder, '.git') ? record.repository : null;
    },
    async prepare({ threadId, key }, wanted, signal) {
      assertAllowed(wanted, options.allowHttp);
      const name = toFolderName(threadId, key);
      const folders = foldersOf(options.directory);
      await mkdir(folders, { recursive: true, mode: 0o700 });
      await mkdir(options.records, { recursive: true, mode: 0o700 });
      const folder = join(await realpath(folders), name);
      return withPatientLock(cloneLock(options.records, name), `clones into ${folder}`, signal, async () => {
        const record = existsSync(folder) ? readRecord(options.records, name) : null;
        const { commit } = record ?? (await make(options, { name, folder, threadId }, wanted, signal));
        return { cwd: join(folder, wanted.path ?? '.'), commit } satisfies PreparedWorkspace;
      });
    },
    async discard({ threadId, key }, signal) {
      const name = toFolderName(threadId, key);
      const folder = join(foldersOf(options.directory), name);
      await mkdir(options.records, { recursive: true, mode: 0o700 });
      await withPatientLock(cloneLock(options.records, name), `removes ${folder}`, signal, () =>
        removeClone(options, name, followLinks(folder)),
      );
    },
  };
}

/** The record goes last: without it nobody would find what a killed process has left. @param folder a real path */
export async function removeClone(
  { records, data }: Pick<ManagedWorkspacesOptions, 'records' | 'data'>,
  name: string,
  folder: string,
): Promise<void> {
  await removeTree(folder);
  await removeTree(`${folder}.draft`);
  await removeStoresIn(data, folder);
  await removeRecord(records, name);
}

/** @param directory of workspaces */
export function foldersOf(directory: string): string {
  return join(directory, 'managed');
}

export function cloneLock(records: string, name: string): string {
  return join(records, `${name}.lock`);
}

function toFolderName(threadId: string, key: string): string {
  const readable = threadId.toLowerCase().replace(/[^a-z0-9_-]+/g, '-');
  return `${readable.slice(0, 60)}-${createHash('sha256').update(key).digest('hex').slice(0, 12)}`;
}

/** Raw clients have not passed through the edge. */
function assertAllowed(wanted: WantedWorkspace, allowHttp: boolean): void {
  const shown = withoutSecrets(wanted.repository);
  const fault = faultOfWorkspace(wanted) ?? faultOfHttp(wanted.repository, allowHttp);
  if (fault !== null) throw refused('repositoryRefused', shown, `The repository cannot be used: ${fault}.`);
}

/** The record comes after the files and before the folder: a folder with its final name is complete, and has one. */
async function make(
  options: ManagedWorkspacesOptions,
  { name, folder, threadId }: { name: string; folder: string; threadId: string },
  wanted: WantedWorkspace,
  signal: AbortSignal,
): Promise<{ commit: string }> {
  const draft = `${folder}.draft`;
  await removeTree(draft);
  try {
    const { commit } = await clone(options, draft, wanted, signal);
    await flushFileSystem(draft, signal);
    const record = { threadId, service: options.service, ...wanted, commit };
    await writeRecord(options.records, name, record);
    await removeTree(folder);
    await rename(draft, folder);
    return { commit };
  } catch (error) {
    await removeTree(draft);
    throw error;
  }
}

async function clone(
  { directory, closed, limits }: ManagedWorkspacesOptions,
  folder: string,
  wanted: WantedWorkspace,
  signal: AbortSignal,
): Promise<{ commit: string }> {
  const { repository, path } = wanted;
  const source = findRemote(repository, closed);
  if (source.type === 'missing')
    throw refused('repositoryMissing', repository, `There is no repository at ${repository}.${source.why}`);
  const mirrors = join(directory, 'mirrors');
  const found = await withMirror(mirrors, source, wanted, { limits, signal }, async (mirror) => {
    if (path !== undefined && !(await hasFolder(mirror, path, signal)))
      throw refused('repositoryPathMissing', repository, `${repository} has no folder ${path} in ${mirror.commit}.`);
    await assertSize(mirror, { repository, maxBytes: limits.maxBytes }, signal);
    await copyRepository(mirror, folder, repository);
    return mirror;
  });
  await checkOut(folder, found, signal);
  return found;
}
