/** The end of a command whose reader has gone, such as `head` or a terminal: quiet, and soon, also if it prints nothing for a while. */
import { spawn } from 'node:child_process';
import { fstatSync } from 'node:fs';
import { EXIT } from './exit-codes.ts';

const STANDARD_OUTPUT = 1;

/** Of a pipe, and of a terminal. */
const CLOSED = new Set<string | undefined>(['EPIPE', 'EIO']);

/** Call it before anything is printed. */
export function endWhenOutputCloses(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (!CLOSED.has(error.code)) throw error;
      const end = onClosed;
      // What is still printed until then fails, too.
      onClosed = () => undefined;
      end();
    });
  }
}

let onClosed = (): void => process.exit(EXIT.outputClosed);

/** Instead of ending the process. */
export function onClosedOutput(end: () => void): void {
  onClosed = end;
}

/**
 * For commands that follow something. A write is the only thing by which Node learns that a reader has gone; GNU `tail`
 * learns it from the system at once. Without it, the next write ends the command.
 */
export function watchOutput(): void {
  if (!fstatSync(STANDARD_OUTPUT).isFIFO()) return;
  const watcher = spawn('tail', ['-f', `--pid=${process.pid}`, '/dev/null'], {
    stdio: ['ignore', STANDARD_OUTPUT, 'ignore'],
  });
  watcher.on('error', () => undefined);
  watcher.on('exit', (_, signal) => {
    if (signal === 'SIGPIPE') onClosed();
  });
  watcher.unref();
  process.on('exit', () => watcher.kill('SIGKILL'));
}
