/**
 * The folders of Bobbin on this machine: its own state, the workspaces that it makes, and a cache. All three belong to
 * one person and are outside of every workspace, since a workspace may be hostile.
 */
import { homedir, platform } from 'node:os';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { type Environment, readVariable } from './variables.ts';

/** Folders and files of the data folder, by their names in it. */
const DATA_LAYOUT = {
  archive: 'archive',
  keys: 'keys',
  rules: 'rules',
  /** One for each thread: the /tmp of its commands. */
  sandboxes: 'sandboxes',
  /** What is known of clones that threads work in. */
  clones: 'clones',
  /** Files of workspaces from before and after turns. */
  snapshots: 'snapshots',
  mcpConfig: 'mcp.json',
  /** Of the person, for every agent. */
  instructions: 'instructions.md',
  /** Of the person, for every agent; one folder for each. */
  skills: 'skills',
  /** The skills of workspaces that the person has trusted. */
  trustedSkills: 'trusted-skills',
  /** Of the operator: models and providers. */
  models: 'models.json',
  accounts: 'accounts.json',
  /** The id of this host. */
  host: 'host.json',
  devState: 'dev.json',
  devLock: 'dev.lock',
  identities: 'reference-identity.json',
  workerLog: 'worker.log',
  /** What the person typed in chats. */
  prompts: 'chat-prompts.json',
} as const;

export type DataLayout = { root: string } & Record<keyof typeof DATA_LAYOUT, string>;

/** @param root absolute. */
export function dataLayout(root: string): DataLayout {
  const paths = Object.entries(DATA_LAYOUT).map(([name, file]) => [name, join(root, file)] as const);
  return { root, ...(Object.fromEntries(paths) as Record<keyof typeof DATA_LAYOUT, string>) };
}

/**
 * The data folder, absolute: the one given, else `BOBBIN_DATA_DIR`, else the person's own (`$XDG_DATA_HOME/bobbin`,
 * `~/.local/share/bobbin`, `~/Library/Application Support/bobbin`, `%LOCALAPPDATA%\bobbin`).
 */
export function dataDirectory(env: Environment, given?: string): string {
  if (given !== undefined) return resolve(expandHome(given, env));
  const named = readVariable(env, 'BOBBIN_DATA_DIR');
  if (named !== undefined) return requireAbsolute(expandHome(named, env));
  return join(absoluteSetting(env, 'XDG_DATA_HOME') ?? platformData(env), 'bobbin');
}

/** The setting must not depend on the current folder: a relative one would name a data folder inside a clone. */
function requireAbsolute(path: string): string {
  if (isAbsolute(path)) return resolve(path);
  throw new Error(
    `BOBBIN_DATA_DIR must be an absolute path, and ${JSON.stringify(path)} depends on the current folder.`,
  );
}

/** Contains the work trees of forks and the clones of batch targets. Next to the data folder, never inside. */
export function workspacesDirectory(env: Environment, data: string): string {
  const named = readVariable(env, 'BOBBIN_WORKSPACES_DIR');
  return named === undefined ? `${data}-workspaces` : resolve(expandHome(named, env));
}

/** Contains downloaded programs and compiled code: `$BOBBIN_CACHE`, `$XDG_CACHE_HOME/bobbin`, `~/.cache/bobbin`. */
export function cacheDirectory(env: Environment): string {
  const named = readVariable(env, 'BOBBIN_CACHE');
  if (named !== undefined) return resolve(expandHome(named, env));
  return join(absoluteSetting(env, 'XDG_CACHE_HOME') ?? join(home(env), '.cache'), 'bobbin');
}

/** Without the folders that are inside another one of them. */
export function outermost(folders: readonly string[]): string[] {
  const all = [...new Set(folders)];
  return all.filter((one) => !all.some((other) => other !== one && isInside(one, other)));
}

/** Whether a path is a folder or inside it, by their names alone. */
export function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}

/** The same for absolute paths without `..`, by their beginning alone: `path.relative` takes ten times as long. */
export function isInsideReal(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);
}

function platformData(env: Environment): string {
  if (platform() === 'darwin') return join(home(env), 'Library', 'Application Support');
  if (platform() === 'win32') return readVariable(env, 'LOCALAPPDATA') ?? join(home(env), 'AppData', 'Local');
  return join(home(env), '.local', 'share');
}

/** The XDG specification ignores relative paths. */
function absoluteSetting(env: Environment, name: string): string | undefined {
  const value = readVariable(env, name);
  return value !== undefined && isAbsolute(value) ? value : undefined;
}

function expandHome(path: string, env: Environment): string {
  return path.replace(/^~(?=[/\\]|$)/, () => home(env));
}

function home(env: Environment): string {
  return readVariable(env, 'HOME') ?? homedir();
}
