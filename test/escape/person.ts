/** A person who runs Bobbin: a home of its own, the umask that most systems have, and no setting. */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { findTemporalBinary } from '../../src/dev/temporal-service/obtain/binary.ts';
import { CLI } from '../parts/programs.ts';
import type { EscapePlace } from './row.ts';

export interface Person {
  home: string;
  /** Where its state lies unless it says otherwise. */
  data: string;
  cache: string;
  /** Runs the `bobbin` command in a folder, and gives all it printed. */
  bobbin(
    folder: string,
    args: string[],
    env?: Record<string, string>,
  ): Promise<{ code: number | null; output: string }>;
}

export function createPerson({ root, signal }: EscapePlace): Person {
  const home = join(root, 'home');
  mkdirSync(home, { mode: 0o755 });
  const { PATH = '' } = process.env;
  const own = { PATH, HOME: home, XDG_DATA_HOME: join(home, 'data'), XDG_CACHE_HOME: join(home, 'cache') };
  return {
    home,
    data: join(own.XDG_DATA_HOME, 'bobbin'),
    cache: join(own.XDG_CACHE_HOME, 'bobbin'),
    bobbin(folder, args, env = {}) {
      const child = spawn('sh', ['-c', 'umask 022; exec "$@"', 'sh', process.execPath, CLI, ...args], {
        ...{ cwd: folder, env: { ...own, ...env }, signal },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let output = '';
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (text: string) => (output += text));
      return new Promise((resolve, reject) => {
        child.once('error', reject).once('close', (code) => resolve({ code, output }));
      });
    },
  };
}

/** For a person whose home holds none; null where this machine has none. */
export async function temporalProgram(): Promise<string | null> {
  const found = await findTemporalBinary({ allowDownload: false }).catch(() => null);
  return found?.path ?? null;
}

export const noTemporal = { type: 'notTried', why: 'no temporal program; set BOBBIN_TEMPORAL' } as const;
