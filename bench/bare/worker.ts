/** Worker process of the bare workflow, with the settings that a Bobbin worker has. */
import { fileURLToPath } from 'node:url';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { bareActivities } from './activities.ts';

Runtime.install({ logger: new DefaultLogger('WARN'), shutdownSignals: [] });
const connection = await NativeConnection.connect({ address: process.env['TEMPORAL_ADDRESS'] ?? '' });
const worker = await Worker.create({
  connection,
  namespace: process.env['TEMPORAL_NAMESPACE'] ?? 'default',
  taskQueue: process.env['BOBBIN_TASK_QUEUE'] ?? '',
  workflowsPath: fileURLToPath(new URL('./workflow.ts', import.meta.url)),
  activities: { ...bareActivities },
  maxHeartbeatThrottleInterval: 200,
  stickyQueueScheduleToStartTimeout: '1s',
  maxCachedWorkflows: 500,
  maxConcurrentActivityTaskExecutions: 100,
});
const stop = () => {
  if (worker.getState() === 'RUNNING') worker.shutdown();
};
process.on('SIGTERM', stop);
process.on('disconnect', stop);
const done = worker.run();
process.send?.({ type: 'ready' });
await done;
await connection.close();
if (process.connected) process.disconnect();
