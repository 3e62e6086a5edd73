/**
 * The workspaces in which threads of this data folder could write. The worker never runs programs or libraries from one
 * of them, for any thread. Stored in a file, because the written files stay.
 */
import { appendFileSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { dataDirectory, isInsideReal } from '../folders/folders.ts';
import { followLinks } from '../folders/real-path.ts';

/** Maximum number; the newest count. */
const MAX_KNOWN = 1_000;
/** A workspace that contains these would exclude all programs. Threads there run without a sandbox or read only. */
const AROUND = ['/usr/bin', homedir()];

let known: Set<string> | undefined;
/** Size of the file when it was read; other processes add to it. */
let readBytes = -1;

/** Real paths. */
export function knownWorkspaces(): ReadonlySet<string> {
  const bytes = fileBytes();
  if (known === undefined || bytes !== readBytes) {
    known = new Set([...(known ?? []), ...readLines().slice(-MAX_KNOWN)]);
    readBytes = bytes;
  }
  return known;
}

/** Must be called before anything is written there. */
export function noteWorkspace(path: string): void {
  const real = followLinks(resolve(path));
  if (knownWorkspaces().has(real) || AROUND.some((inner) => isInsideReal(inner, real))) return;
  known?.add(real);
  const file = toFile();
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    appendFileSync(file, `${JSON.stringify(real)}\n`, { mode: 0o600 });
  } catch {
    // It counts at least in this process.
  }
}

function fileBytes(): number {
  try {
    return statSync(toFile()).size;
  } catch {
    return 0;
  }
}

function readLines(): string[] {
  try {
    return readFileSync(toFile(), 'utf8').split('\n').flatMap(readLine);
  } catch {
    return [];
  }
}

/** A killed worker may have left half of a line, which does not affect the others. */
function readLine(line: string): string[] {
  try {
    return [String(JSON.parse(line))];
  } catch {
    return [];
  }
}

function toFile(): string {
  return join(dataDirectory(process.env), 'workspaces.jsonl');
}
