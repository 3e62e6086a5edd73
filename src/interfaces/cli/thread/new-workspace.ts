/** The folder or the repository that a command names for a new thread, and its host. */
import { statSync } from 'node:fs';
import { hostname } from 'node:os';
import { isAbsolute, resolve } from 'node:path';
import type { Command } from 'commander';
import { BobbinError } from '../../../client/bobbin-error.ts';
import type { Bobbin } from '../../../client/index.ts';
import type { Workspace } from '../../../contract/index.ts';
import { newThreadOption } from '../option-values.ts';
import { shellWord } from '../text/shell-word.ts';

export interface WorkspaceOptions {
  cwd?: string;
  host?: string;
  repository?: string;
  ref?: string;
  path?: string;
}

/** @param otherwise the folder that is taken without `--cwd` @param old options that name a thread that exists */
export function addWorkspaceOptions(command: Command, otherwise = '.', old: string[] = []): Command {
  return command
    .addOption(newThreadOption('--cwd <path>', `workspace of the new thread (default: ${otherwise})`))
    .addOption(
      newThreadOption('--host <host>', 'host that has the workspace (default: one that has it)').conflicts(old),
    )
    .addOption(
      newThreadOption('--repository <url>', 'repository that a host fetches for it').conflicts(['cwd', ...old]),
    )
    .addOption(newThreadOption('--ref <name>', 'branch, tag or commit of the repository (default: its HEAD)'))
    .addOption(newThreadOption('--path <path>', 'folder in the repository to work in'));
}

/**
 * Refuses a folder that does not exist if the workers are on this machine; else the first step of the thread decides.
 * @param otherwise the folder without `--cwd`
 */
export async function newWorkspace(bobbin: Bobbin, options: WorkspaceOptions, otherwise?: string): Promise<Workspace> {
  const workspace = toWorkspace(options, otherwise);
  const isHere = workspace.cwd !== undefined && workspace.host === undefined;
  if (isHere && !isFolder(workspace.cwd) && (await isServedHere(bobbin))) throw noFolder(workspace.cwd, options);
  return workspace;
}

/** A folder of a host is given by its absolute path there. @param otherwise the folder without `--cwd` */
export function toWorkspace({ cwd, host, repository, ref, path }: WorkspaceOptions, otherwise = '.'): Workspace {
  const on = host === undefined ? {} : { host };
  if (repository !== undefined)
    return { repository, ...(ref === undefined ? {} : { ref }), ...(path === undefined ? {} : { path }), ...on };
  if ((ref ?? path) !== undefined) throw new BobbinError('invalid', '--ref and --path need --repository');
  if (host === undefined) return { cwd: resolve(cwd ?? otherwise) };
  if (cwd !== undefined && isAbsolute(cwd)) return { cwd, host };
  throw new BobbinError('invalid', `--host ${host}: also name the folder there by its absolute path, with --cwd`);
}

/** The options as they are typed. */
export function toWorkspaceFlags({ cwd, host, repository, ref, path }: WorkspaceOptions): string[] {
  return Object.entries({ cwd, host, repository, ref, path }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, shellWord(value)],
  );
}

export function noFolder(cwd: string, { cwd: given = cwd }: WorkspaceOptions): BobbinError {
  return new BobbinError('invalid', `--cwd ${given}: there is no folder ${cwd}`);
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

async function isServedHere(bobbin: Bobbin): Promise<boolean> {
  const workers = await bobbin.workers();
  return workers.length > 0 && workers.every(({ identity }) => identity.endsWith(`@${hostname()}`));
}
