/** Ends a cluster with the process that started it, however that ends: the input of the guard is closed then. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const SCRIPT = `
cat
[ -f "$1" ] && kill -9 "$(cat "$1")"
folder=$2
shift 2
"$@"
rm -rf "$folder"
`;

export interface Guard {
  /** Ends the server and the database without warning, if they run, and removes the folder. */
  end(): Promise<void>;
}

/** @param pidFile contains the process id of the server while it runs. @param stopDatabase a command line */
export function startGuard(folder: string, pidFile: string, stopDatabase: readonly string[]): Guard {
  const guard = spawn('sh', ['-c', SCRIPT, 'sh', pidFile, folder, ...stopDatabase], {
    // So that an interrupt of the terminal does not reach it.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: '/',
  });
  const ended = once(guard, 'exit');
  guard.unref();
  return {
    async end() {
      guard.ref();
      guard.stdin.end();
      await ended;
    },
  };
}
