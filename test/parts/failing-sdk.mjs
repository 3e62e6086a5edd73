/** Loaded before a worker: at SIGUSR2 its SDK stops serving, as after an answer that Temporal's core refuses. */
import process from 'node:process';
import { isMainThread } from 'node:worker_threads';
import { Worker } from '@temporalio/worker';

if (isMainThread) {
  const { run } = Worker.prototype;
  Worker.prototype.run = function () {
    process.on('SIGUSR2', () => this.unexpectedErrorSubject.error(new Error('refused by core')));
    return run.call(this);
  };
}
