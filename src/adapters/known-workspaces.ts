/**
 * Every workspace that a worker of this data folder has had something written in: programs and libraries that lie in one
 * are never the worker's own, whichever thread it is that needs them. Kept in a file, since what was written stays.
 */
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { dataDirectory, isInsideReal } from '../folders/folders.ts';
import { followLinks } from '../folders/real-path.ts';

/** As many of the newest ones count. */
const MAX_KNOWN = 1_000;
/** A workspace around these would leave no program at all; who works there, works without a sandbox or reads only. */
const AROUND = ['/usr/bin', homedir()];

let known: Set<string> | undefined;

/** Real paths. */
export function knownWorkspaces(): ReadonlySet<string> {
  known ??= new Set(readLines().slice(-MAX_KNOWN));
  return known;
}

/** To be called before the first thing is written there. */
export function noteWorkspace(path: string): void {
  const real = followLinks(resolve(path));
  if (knownWorkspaces().has(real) || AROUND.some((inner) => isInsideReal(inner, real))) return;
  known?.add(real);
  const file = toFile();
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    appendFileSync(file, `${JSON.stringify(real)}\n`, { mode: 0o600 });
  } catch {
    // It counts for as long as this process runs.
  }
}

function readLines(): string[] {
  try {
    return readFileSync(toFile(), 'utf8').split('\n').flatMap(readLine);
  } catch {
    return [];
  }
}

/** A worker that was killed in the middle may have left half of a line, which takes nothing from the others. */
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
