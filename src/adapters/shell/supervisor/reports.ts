/**
 * How commands ended, in files: an attempt whose worker was lost before it could deliver the report finds it here. They are
 * removed with their thread, after an hour, and the oldest first if they become too many.
 */
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writePrivateFileSync } from '../../../folders/private-file.ts';
import { type End, shortHash, supervisorsFolder } from './wire.ts';

export interface Reports {
  /** Throws the error of the file system. */
  write(threadId: string, key: string, end: End): void;
  /** Undefined if there is none, or only one that is too old. */
  read(threadId: string, key: string): End | undefined;
  forget(threadId: string): Promise<void>;
  /** Removes what is too old or too much. Never rejects. */
  prune(now: number): Promise<void>;
  /** Does so now, which resolves it, and every minute from then on. It keeps no process alive. */
  keepPruned(): Promise<void>;
}

const KEPT_MS = 60 * 60_000;
const PRUNE_EVERY_MS = 60_000;
const KEPT_BYTES = 64 * 1024 * 1024;

export function createReports(stateDirectory: string): Reports {
  const folder = join(supervisorsFolder(stateDirectory), 'reports');
  const folderOf = (threadId: string): string => join(folder, shortHash(threadId));
  const fileOf = (threadId: string, key: string): string => join(folderOf(threadId), `${shortHash(key)}.json`);
  const prune = async (now: number): Promise<void> => {
    let kept = 0;
    for (const { path, bytes, at } of (await listFiles(folder)).sort((a, b) => b.at - a.at)) {
      kept += bytes;
      if (now - at <= KEPT_MS && kept <= KEPT_BYTES) continue;
      await rm(path, { force: true }).catch(() => undefined);
      // The folder of a thread goes with its last file.
      await rmdir(dirname(path)).catch(() => undefined);
    }
  };
  return {
    write(threadId, key, end) {
      const file = fileOf(threadId, key);
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      writePrivateFileSync(file, JSON.stringify(end));
    },
    read(threadId, key) {
      const file = fileOf(threadId, key);
      try {
        if (Date.now() - statSync(file).mtimeMs > KEPT_MS) return undefined;
        return JSON.parse(readFileSync(file, 'utf8')) as End;
      } catch {
        return undefined;
      }
    },
    forget: (threadId) => rm(folderOf(threadId), { recursive: true, force: true }),
    prune,
    keepPruned() {
      setInterval(() => void prune(Date.now()), PRUNE_EVERY_MS).unref();
      return prune(Date.now());
    },
  };
}

async function listFiles(folder: string): Promise<{ path: string; bytes: number; at: number }[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const stats = files.map(async (path) => {
    const found = await stat(path).catch(() => undefined);
    return found === undefined ? [] : [{ path, bytes: found.size, at: found.mtimeMs }];
  });
  return (await Promise.all(stats)).flat();
}
