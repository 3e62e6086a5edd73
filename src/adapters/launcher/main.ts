/**
 * Entry point of a launcher process. It loads next to nothing, because its size is what a start costs. Without its worker
 * it ends, with everything that it started.
 */
import { type Launched, killGroup, launchHere } from './launched.ts';
import type { FromLauncher, ToLauncher } from './wire.ts';

const running = new Set<Launched>();

process.on('message', ({ id, ...launch }: ToLauncher) => {
  const output = (stream: 'stdout' | 'stderr') => (chunk: Buffer) => send({ type: 'output', id, stream, chunk });
  const launched = launchHere(launch, { stdout: output('stdout'), stderr: output('stderr') });
  running.add(launched);
  if (launched.pid !== undefined) send({ type: 'began', id, pid: launched.pid });
  void launched.ended.then((ended) => {
    running.delete(launched);
    send({ type: 'ended', id, ...ended });
  });
});

process.once('disconnect', () => {
  for (const { pid } of running) killGroup(pid, 'SIGKILL');
  process.exit();
});

// A terminal sends them to each process of a group, but the worker decides when this one ends.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

function send(message: FromLauncher): void {
  // The worker may be gone.
  process.send?.(message, () => undefined);
}
