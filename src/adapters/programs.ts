/**
 * Finds the programs that the worker runs outside every sandbox.
 *
 * The first entries of PATH are often folders that a command or a clone can write: npm puts `node_modules/.bin` there.
 * So entries that are relative, lie in a `node_modules` or belong to a virtual environment of Python do not count, and
 * neither does a program that lies below a workspace, that of the thread or any other that commands have written in, by
 * its folder, by its own path or by any symbolic link on the way to it.
 */
import { accessSync, constants, existsSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename, delimiter, dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { isInsideReal } from '../folders/folders.ts';
import { knownWorkspaces } from './known-workspaces.ts';

type Environment = Record<string, string | undefined>;

/** All paths on the way to a program; the first is the one to start. */
type Candidate = readonly [string, ...string[]];

const found = new Map<string, readonly Candidate[]>();
/** More links than this count as a cycle, as in the kernel. */
const MAX_LINKS = 40;

/**
 * The absolute path of a program; undefined if there is none outside of these folders. The path keeps the program's
 * name, which programs of many names go by. Searched once per process: a program that turns up later is not preferred.
 * @param name a bare name, not a path
 * @param outside absolute paths of workspaces
 */
export function findProgram(
  name: string,
  outside: readonly string[],
  env: Environment = process.env,
): string | undefined {
  const workspaces = [...outside.flatMap(toRealPaths), ...knownWorkspaces()];
  return candidatesOf(name, env['PATH'] ?? '').find(
    (paths) => !paths.some((path) => isBelowAny(path, workspaces)),
  )?.[0];
}

/** PATH for a program that runs outside every sandbox, which looks for its own helpers there. */
export function toSearchPath(outside: readonly string[], env: Environment = process.env): string {
  const workspaces = [...outside.flatMap(toRealPaths), ...knownWorkspaces()];
  const entries = trustedEntries(env['PATH'] ?? '');
  return entries.filter((entry) => !toRealPaths(entry).some((path) => isBelowAny(path, workspaces))).join(delimiter);
}

function candidatesOf(name: string, searchPath: string): readonly Candidate[] {
  const key = `${name}\0${searchPath}`;
  const known = found.get(key);
  if (known !== undefined) return known;
  const candidates = trustedEntries(searchPath).flatMap((entry) => toCandidates(join(entry, name)));
  // Not cached, because a missing program may be installed later.
  if (candidates.length > 0) found.set(key, candidates);
  return candidates;
}

function trustedEntries(searchPath: string): string[] {
  return searchPath
    .split(delimiter)
    .filter(
      (entry) => isAbsolute(entry) && !entry.split(sep).includes('node_modules') && !isOfVirtualEnvironment(entry),
    );
}

/** Virtual environments usually are in the folder of a project. */
function isOfVirtualEnvironment(entry: string): boolean {
  return existsSync(join(entry, '..', 'pyvenv.cfg'));
}

function toCandidates(path: string): Candidate[] {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile() ? [followLinks(path)] : [];
  } catch {
    return [];
  }
}

/** The target of each link, because anyone with write access to its folder could change any of them. */
function followLinks(path: string): Candidate {
  const paths: [string, ...string[]] = [inRealFolder(path)];
  for (let target = readLink(paths[0]); target !== undefined && paths.length < MAX_LINKS;) {
    const next = inRealFolder(target);
    paths.push(next);
    target = readLink(next);
  }
  return paths;
}

function inRealFolder(path: string): string {
  return join(realpathSync(dirname(path)), basename(path));
}

function readLink(path: string): string | undefined {
  try {
    return resolve(dirname(path), readlinkSync(path));
  } catch {
    return undefined;
  }
}

/** The given and the real path, because a program's path may use either. */
function toRealPaths(folder: string): string[] {
  try {
    return [resolve(folder), realpathSync(folder)];
  } catch {
    return [resolve(folder)];
  }
}

function isBelowAny(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => isInsideReal(path, folder));
}
