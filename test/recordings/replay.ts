/** Replays recorded histories through the workflows of today, and takes down what they emit. */
import { join } from 'node:path';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import { type ReplayWorkerOptions, Worker } from '@temporalio/worker';
import { buildBundle, payloadConverterPath } from '../../src/worker/bundle.ts';
import { differences } from './commands.ts';

let bundle: Promise<{ code: string }> | undefined;

/** Of each history, by its name: why it cannot be replayed, or what is otherwise different, command by command. */
export async function replayAll(histories: ReadonlyMap<string, History>): Promise<Map<string, string[]>> {
  bundle ??= buildBundle([join(import.meta.dirname, 'tap.ts')]);
  const commands = new Map<string, object[]>();
  const options: ReplayWorkerOptions = {
    workflowBundle: await bundle,
    dataConverter: { payloadConverterPath: payloadConverterPath() },
    sinks: {
      steps: { stop: { fn: () => undefined } },
      contexts: { offer: { fn: () => undefined } },
      tap: {
        take: {
          fn: ({ runId }, taken: object[]) => void commands.set(runId, [...(commands.get(runId) ?? []), ...taken]),
          callDuringReplay: true,
        },
      },
    },
  };
  const given = [...histories].map(([name, history]) => {
    const started = history.events?.[0]?.workflowExecutionStartedEventAttributes;
    // What a workflow calls others by its own name is part of what has to be the same.
    return { name, runId: started?.originalExecutionRunId ?? '', workflowId: started?.workflowId ?? name, history };
  });
  const results = new Map<string, string[]>();
  for await (const { runId, error } of Worker.runReplayHistories(options, given)) {
    for (const { name, history } of given.filter((one) => one.runId === runId)) {
      const found = error === undefined ? differences(history, commands.get(runId) ?? []) : [error.message];
      results.set(name, found);
    }
  }
  return results;
}
