/**
 * Every workspace that a worker of this data folder has had something written in: programs and libraries that lie in one
 * are never the worker's own, whichever thread it is that needs them. Kept in a file, since what was written stays.
 */
import { appendFileSync, mkdirSync, readFileSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve, sep } from 'node:path';
import { dataDirectory } from '../folders/folders.ts';

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
  const real = toReal(path);
  if (knownWorkspaces().has(real) || AROUND.some((inner) => isWithin(inner, real))) return;
  known?.add(real);
  const file = toFile();
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    appendFileSync(file, `${JSON.stringify(real)}\n`, { mode: 0o600 });
  } catch {
    // It counts for as long as this process runs.
  }
}

/** True for the folder itself, too. Both are absolute. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);
}

function readLines(): string[] {
  try {
    const lines = readFileSync(toFile(), 'utf8').split('\n');
    return lines.filter((line) => line !== '').map((line) => String(JSON.parse(line)));
  } catch {
    return [];
  }
}

function toFile(): string {
  return join(dataDirectory(process.env), 'workspaces.jsonl');
}

function toReal(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}
