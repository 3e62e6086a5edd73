/**
 * The workspaces in which threads of this data folder could write. The worker never runs programs or libraries from one
 * of them, for any thread. Stored in a file, because the written files stay.
 *
 * One that exists is never forgotten. Those that are gone are kept up to a number, since a drive may be mounted again.
 */
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { dataDirectory, isInsideReal, workspacesDirectory } from '../folders/folders.ts';
import { followLinks } from '../folders/real-path.ts';

/** Maximum number of those that are gone; the newest are kept. */
const MAX_GONE = 1_000;
/** A workspace that contains these would exclude all programs. Threads there run without a sandbox or read only. */
const AROUND = ['/usr/bin', homedir()];
/** Folders in that of workspaces. Everything in them is a workspace, so one note of each is enough. */
const OWN_FOLDERS = ['managed', 'worktrees', 'targets'];

/** The oldest first. */
let known: Set<string> | undefined;
/** Which state of the file was read; other processes change it. */
let readState = '';
/** Notes in the file until it is written anew. */
let maxNotes = 2 * MAX_GONE;

/** Real paths. */
export function knownWorkspaces(): ReadonlySet<string> {
  known ??= new Set();
  // Read again if another process has set the file aside meanwhile.
  for (let state = fileState(); state !== readState; state = fileState()) {
    known = new Set([...known, ...readFiles()]);
    readState = state;
  }
  return known;
}

/** Must be called before anything is written there. */
export function noteWorkspace(path: string): void {
  const real = followLinks(resolve(path));
  if (isIn(knownWorkspaces(), real) || isAround(real)) return;
  const noted = ownFolders().find((own) => isInsideReal(real, own)) ?? real;
  known?.add(noted);
  try {
    mkdirSync(dirname(toFile()), { recursive: true, mode: 0o700 });
    append([noted]);
    if (knownWorkspaces().size > maxNotes) writeAnew();
  } catch {
    // It counts at least in this process.
  }
}

/** Whether a path is one of the folders or below one. */
function isIn(folders: ReadonlySet<string>, path: string): boolean {
  return folders.has(path) || (dirname(path) !== path && isIn(folders, dirname(path)));
}

function isAround(folder: string): boolean {
  return AROUND.some((inner) => isInsideReal(inner, folder));
}

function ownFolders(): string[] {
  const directory = workspacesDirectory(process.env, dataDirectory(process.env));
  return OWN_FOLDERS.map((name) => followLinks(join(directory, name))).filter((own) => !isAround(own));
}

// ------------------------------------------------------------------------------------------------------------- the file

/**
 * Sets the file aside first, where readers and later writers find it if this process is killed. What another process
 * appends meanwhile is copied, or was appended to the new file (`append`).
 */
function writeAnew(): void {
  renameSync(toFile(), `${toFile()}.${randomUUID()}`);
  const aside = filesAside();
  const read = new Set([...(known ?? []), ...aside.flatMap(readLines)]);
  const kept = withoutGone([...read].filter((path) => !isIn(read, dirname(path)) || dirname(path) === path));
  append(kept);
  append(aside.flatMap(readLines).filter((path) => !read.has(path)));
  for (const file of aside) rmSync(file, { force: true });
  known = new Set(kept);
  maxNotes = 2 * Math.max(MAX_GONE, kept.length);
}

function withoutGone(paths: readonly string[]): string[] {
  const gone = paths.filter(isGone);
  const dropped = new Set(gone.slice(0, Math.max(0, gone.length - MAX_GONE)));
  return paths.filter((path) => !dropped.has(path));
}

/** Any other error does not show that it is gone. */
function isGone(path: string): boolean {
  try {
    lstatSync(path);
    return false;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR';
  }
}

/** Repeated if another process has set the file aside meanwhile. */
function append(paths: readonly string[]): void {
  // A killed worker may have left half of a line, which ends here.
  const text = paths.map((path) => `\n${JSON.stringify(path)}\n`).join('');
  for (let isThere = text === ''; !isThere;) {
    const file = openSync(toFile(), 'a', 0o600);
    try {
      writeFileSync(file, text);
      isThere = statSync(toFile(), { throwIfNoEntry: false })?.ino === fstatSync(file).ino;
    } finally {
      closeSync(file);
    }
  }
}

function fileState(): string {
  try {
    const { ino, size } = statSync(toFile());
    return `${ino}/${size}`;
  } catch {
    return 'none';
  }
}

function readFiles(): string[] {
  const notes = readLines(toFile());
  return [...filesAside().flatMap(readLines), ...notes];
}

function filesAside(): string[] {
  const folder = dirname(toFile());
  const prefix = `${basename(toFile())}.`;
  try {
    return readdirSync(folder).flatMap((name) => (name.startsWith(prefix) ? [join(folder, name)] : []));
  } catch {
    return [];
  }
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').flatMap(readLine);
  } catch {
    return [];
  }
}

/** A line that is not complete does not affect the others. */
function readLine(line: string): string[] {
  try {
    return line === '' ? [] : [String(JSON.parse(line))];
  } catch {
    return [];
  }
}

function toFile(): string {
  return join(dataDirectory(process.env), 'workspaces.jsonl');
}
