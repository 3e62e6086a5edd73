/** Where the thread of `bobbin dev` works: a folder of this machine, or what the options name. */
import { realpathSync, statSync } from 'node:fs';
import type { Bobbin } from '../../../client/index.ts';
import type { ThreadSettings, Workspace } from '../../../contract/index.ts';
import { toWorkspaceWords } from '../../../contract/plain/words/managed-words.ts';
import { dataLayout } from '../../../folders/folders.ts';
import { readHostFile } from '../../../folders/host-file.ts';
import { findWorkTree } from '../../../folders/work-tree.ts';
import { type WorkspaceOptions, noFolder, toWorkspace } from '../thread/new-workspace.ts';
import { readVariable } from '../../../folders/variables.ts';

/** A folder of this machine by its real path. */
export function workspaceOf(options: WorkspaceOptions): Workspace {
  const workspace = toWorkspace(options, findWorkTree(process.cwd()) ?? process.cwd());
  const cwd = folderHere(workspace);
  if (cwd === undefined) return workspace;
  if (statSync(cwd, { throwIfNoEntry: false })?.isDirectory() !== true) throw noFolder(cwd, options);
  return { cwd: realpathSync(cwd) };
}

/** Undefined if the files may be on another machine. */
export function folderHere({ cwd, host }: Workspace): string | undefined {
  return host === undefined ? cwd : undefined;
}

/** What a thread is remembered by; the path of a folder of this machine. */
export const toKey = toWorkspaceWords;

/** Whether a thread works where the person asked for. */
export function worksIn({ cwd, host, managed }: ThreadSettings, workspace: Workspace): boolean {
  if (workspace.host !== undefined && workspace.host !== host) return false;
  if (workspace.cwd !== undefined) return cwd === workspace.cwd;
  const { repository, ref, path } = workspace;
  return managed?.repository === repository && managed.ref === ref && managed.path === path;
}

/** Whether the commands of a new thread run on this machine, so that its sandbox is that of this machine. */
export async function isHere(bobbin: Bobbin, { cwd, host }: Workspace, dataDirectory: string): Promise<boolean> {
  const own = readVariable(process.env, 'BOBBIN_HOST') ?? readHostFile(dataLayout(dataDirectory).host)?.hostId;
  if (host !== undefined) return host === own;
  return cwd !== undefined || (await bobbin.hosts.list()).every(({ hostId }) => hostId === own);
}
