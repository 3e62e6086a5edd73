/** A worker process: serves its task queue until a signal or the end of its parent. The environment configures it. */
import { describeModelChoice } from '../adapters/model/models.ts';
import { connectTarget } from '../dev/temporal-service/run/connect-target.ts';
import { readWorkerConfig } from './config.ts';
import { installRuntime } from './runtime.ts';
import { runWorker } from './worker.ts';
import { readVariable } from '../folders/variables.ts';

const target = connectTarget(process.env);
const address = target?.connectionOptions.address ?? '127.0.0.1:7233';
const namespace = target?.namespace ?? 'default';
const config = readWorkerConfig(
  process.env,
  describeModelChoice(process.env, readVariable(process.env, 'BOBBIN_OFFLINE_MODEL_URL')).model,
);

// Signals are handled here and not by the SDK, so that the end of the parent stops the worker too.
installRuntime(process.env, { shutdownSignals: [] });
// The start may wait for the former worker of its host.
const leave = () => process.exit(1);
process.once('disconnect', leave);
const worker = await runWorker(
  { connection: { ...target?.connectionOptions, address }, namespace },
  config,
  process.env,
);

let stopping = false;
const stop = () => {
  stopping = true;
  void worker.stop();
};
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
process.off('disconnect', leave).on('disconnect', stop);
process.send?.({ type: 'ready' });
process.stderr.write(
  `bobbin worker ${process.pid} serves task queue ${config.taskQueue} at ${address}, namespace ${namespace}\n`,
);
exitIfLost();
await worker.done;
// The channel to a parent would keep this process alive.
if (process.connected) process.disconnect();

/** A worker that the SDK shuts down may never stop. Its process exits, so that its supervisor starts another one. */
function exitIfLost(): void {
  let lostSeconds = 0;
  setInterval(() => {
    lostSeconds = stopping || worker.isServing() ? 0 : lostSeconds + 1;
    if (lostSeconds < 10) return;
    process.stderr.write(`bobbin worker ${process.pid} no longer serves its task queue, and exits\n`);
    process.exit(1);
  }, 1_000).unref();
}
