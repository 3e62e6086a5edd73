/**
 * Replays recorded histories through today's workflows: a change that would break threads that are already running shows
 * here. `npm run record:histories` records them anew; do that only together with a `patched()` for what is out there.
 */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { historyFromJSON, historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { describe, expect, it } from 'vitest';
import type { ThreadHandle } from '../src/client/index.ts';
import { loadBundle, payloadConverterPath } from '../src/worker/bundle.ts';
import { type Stand, openStand, runTurn, turn, waitForEvent, waitForRequest } from './stand.ts';

const folder = join(import.meta.dirname, 'histories');

/** Each drives one thread to where its history is worth keeping. */
const SCENARIOS: Record<string, (stand: Stand) => Promise<ThreadHandle>> = {
  async 'tools-and-plan'(stand) {
    const thread = await stand.start();
    await runTurn(thread, 'plan: look; change\nrun: echo one\nparallel: ls\nparallel: cat README.md\nsay: done');
    await runTurn(thread, 'patch:\n*** Begin Patch\n*** Add File: recorded.txt\n+one\n*** End Patch');
    return thread;
  },
  async 'interrupt-and-replace'(stand) {
    const thread = await stand.start();
    const slow = turn('run: sleep 30');
    await thread.submit(slow);
    await waitForEvent(thread, 'item/started', ({ item }) => item.type === 'commandExecution');
    await thread.interrupt({ turnId: slow.turnId });
    const streamed = turn('stream: 2000 10');
    await thread.submit(streamed);
    await stand.model.waitForRequest(
      ({ body }) => JSON.stringify(body).includes(thread.threadId) && JSON.stringify(body).includes('stream: 2000'),
    );
    await runTurn(thread, 'say: replaced');
    return thread;
  },
  async 'approval-and-close'(stand) {
    const thread = await stand.start({ approvalPolicy: 'untrusted' });
    const asked = turn('run: touch allowed.txt\nask: Which one?');
    await thread.submit(asked);
    const approval = await waitForRequest(thread);
    await thread.resolve({ requestId: approval.requestId, decision: 'acceptForSession' });
    const question = await waitForEvent(thread, 'item/tool/requestUserInput');
    await thread.resolve({ requestId: question.request.requestId, decision: 'decline' });
    await thread.completion(asked.turnId);
    await runTurn(thread, 'echo beside', { kind: 'user_shell' });
    await thread.close({ reason: 'recorded' });
    await waitForEvent(thread, 'thread/closed');
    return thread;
  },
  async 'continued-as-new'(stand) {
    const thread = await stand.start();
    for (let i = 0; i < 6; i++) await runTurn(thread, `run: echo ${i}\nrun: echo again`);
    return thread;
  },
};

describe('recorded histories', () => {
  it.runIf(process.env['RECORD_HISTORIES'] === '1')(
    'are recorded',
    async () => {
      mkdirSync(folder, { recursive: true });
      const stand = await openStand({ requireAssertion: true, env: { BOBBIN_CONTINUE_AFTER_EVENTS: '60' } });
      try {
        for (const [name, drive] of Object.entries(SCENARIOS)) {
          const { workflowId } = await drive(stand);
          const history = await stand.bobbin.service.client.workflow.getHandle(workflowId).fetchHistory();
          writeFileSync(join(folder, `${name}.json`), `${historyToJSON(history)}\n`);
        }
      } finally {
        await stand.close();
      }
    },
    120_000,
  );

  it.each(Object.keys(SCENARIOS))('%s replays through the workflows of today', async (name) => {
    const history = historyFromJSON(JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')));
    await Worker.runReplayHistory(
      {
        workflowBundle: await loadBundle(),
        dataConverter: { payloadConverterPath: payloadConverterPath() },
        sinks: { steps: { stop: { fn: () => undefined } }, contexts: { offer: { fn: () => undefined } } },
      },
      history,
    );
  });

  it('are all named here', () => {
    const recorded = readdirSync(folder).map((file) => file.replace(/\.json$/, ''));
    expect(recorded.sort()).toEqual(Object.keys(SCENARIOS).sort());
  });
});
