/**
 * Replays recorded histories through today's workflows: a change that would break what is already running shows here.
 * `npm run record:histories` records them anew; do that only together with a `patched()` for what is out there. With
 * `RECORD_HISTORIES=batch` before it, only those whose names begin so.
 */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { historyFromJSON, historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { describe, expect, it } from 'vitest';
import type { ThreadHandle } from '../src/client/index.ts';
import { loadBundle, payloadConverterPath } from '../src/worker/bundle.ts';
import { commit } from './parts/repositories.ts';
import { type Stand, openStand, runTurn, turn, waitForEvent, waitForRequest } from './stand.ts';

const folder = join(import.meta.dirname, 'histories');

/** Each drives one thread to where its history is worth keeping. */
const THREADS: Record<string, (stand: Stand) => Promise<ThreadHandle>> = {
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

interface DrivenBatch {
  batchId: string;
  /** Of the ledger of its first target. */
  ledgerId: string;
}

/** Workflows of one batch with a target of each kind, in the order of its list. */
const OF_BATCH: Record<string, (batch: DrivenBatch) => string> = {
  'batch-review': ({ batchId }) => `batch-review/${batchId}`,
  'batch-target-reviewed': ({ batchId }) => `batch-review/${batchId}/0`,
  'batch-target-skipped': ({ batchId }) => `batch-review/${batchId}/1`,
  'batch-target-failed': ({ batchId }) => `batch-review/${batchId}/2`,
  'batch-target-split': ({ batchId }) => `batch-review/${batchId}/3`,
  'batch-review-thread': ({ batchId }) => `thread/${batchId}/3/1`,
  'batch-ledger': ({ ledgerId }) => ledgerId,
};

/** The first target was reviewed before and has changed since, and the second has not. */
async function driveBatch(stand: Stand): Promise<DrivenBatch> {
  const { batches, ledgers } = stand.bobbin;
  const [changed, same, large] = [stand.workspace(), stand.workspace(), stand.workspace()];
  commit(changed, { 'a.ts': 'one\n// TODO: two\n' });
  const before = await batches.start({ targets: [{ repository: changed }, { repository: same }] });
  await before.follow();
  const { targetId = '' } = (await before.record()).targets[0]?.row ?? {};
  const ledger = ledgers.get(targetId);
  const [finding] = (await ledger.view()).findings;
  const { findingId = '' } = finding ?? {};
  await ledger.dismiss({ findingId, by: 'ann', why: 'on purpose' });
  await ledger.reopen({ findingId, by: 'ann' });
  commit(changed, { 'a.ts': 'one\n', 'b.ts': '// FIXME: three\n' });
  const lines = 'const long = "line of code"; // with words\n'.repeat(450);
  commit(large, { 'one.ts': lines, 'two.ts': `${lines}// TODO: four\n` });
  const targets = [changed, same, '/nowhere/at/all', large].map((repository) => ({ repository }));
  const batch = await batches.start({ targets, concurrency: 2 });
  const { counts } = await batch.follow();
  expect(counts).toMatchObject({ reviewed: 2, skipped: 1, failed: 1 });
  return { batchId: batch.batchId, ledgerId: `review-ledger/${targetId}` };
}

const NAMES = [...Object.keys(THREADS), ...Object.keys(OF_BATCH)];
const asked = process.env['RECORD_HISTORIES'] ?? '';
const isAsked = (name: string) => asked === '1' || (asked !== '' && name.startsWith(asked));

async function keep({ bobbin }: Stand, name: string, workflowId: string): Promise<void> {
  const history = await bobbin.service.client.workflow.getHandle(workflowId).fetchHistory();
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.json`), `${historyToJSON(history)}\n`);
}

async function withStand(env: Record<string, string>, body: (stand: Stand) => Promise<void>): Promise<void> {
  const stand = await openStand({ requireAssertion: true, env });
  try {
    await body(stand);
  } finally {
    await stand.close();
  }
}

describe('recorded histories', () => {
  it.runIf(NAMES.some(isAsked))(
    'are recorded',
    async () => {
      await withStand({ BOBBIN_CONTINUE_AFTER_EVENTS: '60' }, async (stand) => {
        for (const [name, drive] of Object.entries(THREADS))
          if (isAsked(name)) await keep(stand, name, (await drive(stand)).workflowId);
      });
      const ofBatch = Object.entries(OF_BATCH).filter(([name]) => isAsked(name));
      if (ofBatch.length === 0) return;
      // A window that a small repository fills.
      await withStand({ BOBBIN_CONTEXT_WINDOW: '20000' }, async (stand) => {
        const batch = await driveBatch(stand);
        for (const [name, toWorkflowId] of ofBatch) await keep(stand, name, toWorkflowId(batch));
      });
    },
    120_000,
  );

  it.each(NAMES)('%s replays through the workflows of today', async (name) => {
    const history = historyFromJSON(JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')));
    await Worker.runReplayHistory(
      {
        workflowBundle: await loadBundle(),
        dataConverter: { payloadConverterPath: payloadConverterPath() },
        sinks: { steps: { stop: { fn: () => undefined } }, contexts: { offer: { fn: () => undefined } } },
      },
      history,
      // What a workflow calls others by its own name is part of what has to be the same.
      history.events?.[0]?.workflowExecutionStartedEventAttributes?.workflowId ?? name,
    );
  });

  it('are all named here', () => {
    const recorded = readdirSync(folder).map((file) => file.replace(/\.json$/, ''));
    expect(recorded.sort()).toEqual(NAMES.sort());
  });
});
