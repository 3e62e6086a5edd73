/**
 * What a client of no SDK may forge, for every workflow and every message: whatever it is, no workflow fails over it,
 * none of its tasks does, nothing of a wrong type is kept, and every request that is shown can be answered.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RememberRulesSchema, ThreadRequestSchema } from '../../src/contract/index.ts';
import { type RawPayload, assertHealthy, json, rawPayload, sendSignal, startRawWorkflow } from '../parts/raw-client.ts';
import { type TestEnvironment, openEnvironment, runTurn, waitForRequest } from '../environment.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment({ env: { BOBBIN_IDENTITY_MODE: 'off' } });
});
afterAll(() => environment.close());

const raw = (text: string) => rawPayload('json/plain', text);
const handleOf = (workflowId: string) => environment.bobbin.service.client.workflow.getHandle(workflowId);

/** They stand where something else is expected. */
const VALUES: unknown[] = [null, true, -1, 1e308, '', 'text', 'a\ud800', '/a\0b', 'x'.repeat(5_000), [], [[]], {}];
const DEEP = 50_000;

/** No message at all. */
const PAYLOADS: RawPayload[][] = [
  [],
  ...[...VALUES.map(json), ...['NaN', '1e999', '{"__proto__":{"threadId":"x"}}', '{"toString":1}', '{"a"'].map(raw)],
  ...[raw('['.repeat(DEEP) + ']'.repeat(DEEP)), raw('{"a":'.repeat(DEEP) + '1' + '}'.repeat(DEEP))],
  ...[rawPayload('binary/plain', '{}'), rawPayload('cbor/plain', 'x'), { metadata: {}, data: Buffer.from('{}') }],
].map((payload) => (Array.isArray(payload) ? payload : [payload]));

/** The message once for each of its members, on all levels, with another value there; once with an infinite number. */
function mutants(message: unknown): RawPayload[][] {
  const texts = changed(message, [...OTHERS, INFINITE]).map((one) => JSON.stringify(one));
  const some = texts.filter((_, index) => index % EVERY === 0);
  return some.map((text) => [raw(text.replaceAll(JSON.stringify(INFINITE), '1e999'))]);
}
const OTHERS: unknown[] = [null, true, -1, 'a\ud800', '/a\0b', [[]], {}];
const INFINITE = '<infinite>';

/** One in so many mutants is sent; with 1 the file takes about five minutes. */
const EVERY = Number(process.env['FORGED_EVERY'] ?? 5);

function changed(message: unknown, values: readonly unknown[]): unknown[] {
  if (typeof message !== 'object' || message === null) return [];
  const put = (key: string, value: unknown) =>
    Array.isArray(message) ? message.with(Number(key), value) : { ...message, [key]: value };
  return Object.entries(message).flatMap(([key, member]) =>
    [...values, ...changed(member, values)].map((value) => put(key, value)),
  );
}

async function inTurn<T>(list: readonly T[], body: (one: T) => Promise<void>): Promise<void> {
  for (let from = 0; from < list.length; from += 16) await Promise.all(list.slice(from, from + 16).map(body));
}

/** The words with which a workflow ends. */
async function wordsOf(handle: { result(): Promise<unknown> }): Promise<string> {
  try {
    const { status, reason, message } = (await handle.result()) as Record<string, string>;
    return `${status ?? ''} ${reason ?? message ?? ''}`;
  } catch (error) {
    let cause = (error as Error).cause as { type?: string; message: string; cause?: typeof cause };
    while (cause.cause !== undefined) cause = cause.cause;
    return `${cause.type ?? ''} ${cause.message}`;
  }
}

describe('an argument that cannot be used', () => {
  const target = { repository: '/nowhere', branch: 'main' };
  const identity = { account: 'a', agentRuntimeId: 'x', registeredAt: '' };
  const types: [type: string, prefix: string, valid: unknown, end: RegExp][] = [
    ['thread', 'thread/', { threadId: 't', workspace: { cwd: '/x' }, budget: { turn: { tokens: 1 } } }, /^refused/],
    ['batchReview', 'batch-review/', { targets: [target], concurrency: 1 }, /^batch(Refused|Failed)/],
    [
      ...(['targetReview', 'batch-review/'] as const),
      {
        ...{ runId: 'r/0', batchId: 'r', targetId: 't', target, limits: { tokens: 1 }, fullPassEvery: 0 },
        ...{ model: null, instructions: '', agentIdentity: { mode: 'off', account: 'a' } },
      },
      /^failed/,
    ],
    ['reviewLedger', 'review-ledger/', { targetId: 't', target }, /^(refused|open)/],
    ['approvalRules', 'approval-rules/', { host: 'local', repository: '/nowhere' }, /^refused/],
    ['repositoryRules', 'repository-rules/', { cwd: '/nowhere', revoke: 'r' }, /^(refused|failed .*ENOENT)/],
    ['readArchive', 'archive/', 'segment', /^(malformed|archiveMissing)/],
    ['cleanStore', 'clean-store/', { closedForDays: 30, archive: false, unknown: false }, /^(malformed| $)/],
    ['agentIdentity', 'agent-identity/', { account: 'a', identity }, /^refused/],
  ];

  /** The words of its end; `open` for a ledger whose argument can be used. */
  async function endOf(workflowId: string): Promise<string> {
    const handle = handleOf(workflowId);
    const isOpen = workflowId.startsWith('review-ledger/') && (await handle.query('ledger').catch(() => null)) !== null;
    if (isOpen && (await handle.describe()).status.name === 'RUNNING') {
      await handle.terminate();
      return 'open';
    }
    return wordsOf(handle);
  }

  it.each(types)(
    'ends a %s in words that say what is wrong, and fails none of its tasks',
    async (type, prefix, valid, end) => {
      const started = [...PAYLOADS, ...mutants(valid)].map((payloads) => ({
        payloads,
        workflowId: `${prefix}${randomUUID()}`,
      }));
      await inTurn(started, async ({ payloads, workflowId }) => {
        await startRawWorkflow(environment, { type, workflowId }, ...payloads);
        const words = await endOf(workflowId);
        const sent = Buffer.from(payloads[0]?.data ?? []).toString();
        expect(words, sent.slice(0, 200)).toMatch(end);
        expect(words, sent.slice(0, 200)).not.toMatch(/is not a function|undefined|null bytes|A defect/);
        const { events } = await handleOf(workflowId).fetchHistory();
        expect(events?.filter((event) => event.workflowTaskFailedEventAttributes != null)).toEqual([]);
      });
    },
    280_000,
  );
});

describe('a carried state', () => {
  it.each([
    ['thread', 'thread/', { carriedOver: { version: 99 } }, /refused.*threadId/],
    ['batchReview', 'batch-review/', { carriedBatch: { version: 99 } }, /batch .*targets/],
    ['reviewLedger', 'review-ledger/', { version: 99, findings: [], runs: [] }, /refused.*targetId/],
    ['agentIdentity', 'agent-identity/', { account: '', identity: {} }, /refused.*account/],
    ['approvalRules', 'approval-rules/', { version: 99, rules: [] }, /refused.*host/],
  ])('of a %s is not taken from a client, not even in the later runs of a cron schedule', async (...given) => {
    const [type, prefix, argument, words] = given;
    const workflowId = `${prefix}${randomUUID()}`;
    const newest = async () => (await handleOf(workflowId).describe()).runId;
    await startRawWorkflow(environment, { type, workflowId, cronSchedule: '@every 1s' }, json(argument));
    const first = await newest();
    await expect.poll(newest, { timeout: 20_000 }).not.toBe(first);
    const { workflow } = environment.bobbin.service.client;
    const second = workflow.getHandle(workflowId, await newest(), { followRuns: false });
    // The client takes the next run of the schedule for a continuation, which has no result.
    await second.result().catch(() => undefined);
    const closing = (await second.fetchHistory()).events?.at(-1);
    const result = closing?.workflowExecutionCompletedEventAttributes?.result?.payloads?.[0]?.data;
    const failure = closing?.workflowExecutionFailedEventAttributes?.failure;
    expect(failure?.message ?? Buffer.from(result ?? []).toString()).toMatch(words);
    await handleOf(workflowId).terminate();
  });
});

describe('forged messages', () => {
  const input = [{ type: 'text', text: 'say: forged' }];
  const budget = { turn: { tokens: 1, costUsd: 1 } };
  const usage = {
    ...{ inputTokens: 1, cachedInputTokens: 0, outputTokens: 1 },
    reasoningOutputTokens: 0,
    totalTokens: 2,
  };
  const completion = {
    ...{ turnId: 'task', kind: 'regular', lastAgentMessage: 'forged', startedAt: 1, durationMs: 1 },
    usage: { ...usage, costMicroUsd: 1 },
  };
  const request = (child: string) => ({
    ...{ type: 'commandExecution', command: 'forged', cwd: '/', sandboxed: true, reason: 'forged' },
    ...{ requestId: `${child}/1:req_77`, turnId: 'task', itemId: null, openedAt: 1, deadlineAt: null },
    ...{
      default: 'decline',
      origin: { threadId: `${child}/1`, path: [`${child}/1`], requestId: 'req_77', answered: false },
    },
  });
  const reports = (child: string): unknown[] => [
    {
      type: 'turnCompleted',
      turn: { status: 'aborted', reason: 'replaced', detail: null, quiescent: true, ...completion },
    },
    { type: 'turnCompleted', turn: { status: 'failed', error: { code: 'c', message: 'm' }, ...completion } },
    { type: 'requestOpened', request: request(child) },
    { type: 'requestOpened', request: { ...request(child), requestId: 'req_78', origin: null } },
    { type: 'requestOpened', request: { ...request(child), requestId: 'req_1', origin: null } },
    { type: 'requestResolved', requestId: 'req_99', decision: 'accept', by: 'person' },
    { type: 'usage', spent: { tokens: 1, costMicroUsd: 1, steps: 1, wallMs: 1 }, waits: false },
  ];
  const messages = (child: string): [signal: string, valid: unknown][] => [
    ['submitTurn', { turnId: 'f', kind: 'user_shell', input: [{ type: 'text', text: 'true' }], overrides: { budget } }],
    [
      'submitTurn',
      { turnId: 'g', kind: 'review', review: { target: { type: 'commit', sha: 'a', title: 'b' } }, onBusy: 'reject' },
    ],
    ['editQueue', { op: 'edit', turnId: 'none', input, overrides: { budget } }],
    ['interruptTurn', { turnId: 'none', reason: 'x', tree: false }],
    [
      'resolveRequest',
      { requestId: 'none', decision: 'accept', answers: { q: { answers: ['a'] } }, remember: { scope: 'turn' } },
    ],
    ['rollbackTurns', { numTurns: 1_000 }],
    ['revokeRule', { ruleId: 'none' }],
    ['agentMessage', { from: 'none', text: 'x' }],
    ['treeBudget', { held: false, limits: { tokens: 1_000_000 } }],
    ...reports(child).map((report): [string, unknown] => ['subThreadReport', { threadId: child, report }]),
  ];

  it('of every kind change nothing for the worse: requests can be answered, and turns go on', async () => {
    const thread = await environment.start();
    await runTurn(thread, 'spawn: ask: Which one?');
    await waitForRequest(thread);
    const child = environment.bobbin.threads.get(`${thread.threadId}/1`);
    for (const to of [thread, child]) {
      const all = messages(child.threadId).flatMap(([name, valid]) =>
        [[json(valid)], [json(valid)], ...mutants(valid)].map((payloads) => ({ name, payloads })),
      );
      await inTurn(all, ({ name, payloads }) => sendSignal(environment, to, name, ...payloads));
    }
    await expect.poll(async () => (await thread.view()).status, { timeout: 60_000 }).toBe('idle');
    const requests = (await thread.view()).openRequests;
    expect(requests.length).toBeGreaterThan(2);
    expect(new Set(requests.map((one) => one.requestId)).size).toBe(requests.length);
    for (const one of requests) expect(ThreadRequestSchema.safeParse(one)).toMatchObject({ success: true, data: one });
    // Those of the child may be withdrawn meanwhile, by one of the messages that it got.
    for (const one of requests)
      await thread.resolve({ requestId: one.requestId, decision: 'decline' }).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'requestNotOpen' });
      });
    await expect.poll(async () => (await thread.view()).openRequests.length, { timeout: 30_000 }).toBe(0);
    for (const to of [thread, child]) {
      expect(await runTurn(to, 'say: on')).toMatchObject({ status: 'completed' });
      const view = await to.view();
      expect(JSON.stringify(view)).not.toMatch(/a\\ud800/);
      await assertHealthy(environment, to.workflowId);
    }
  }, 280_000);
});

describe('a forged update or query', () => {
  /** Refused, or accepted: never without an answer. */
  async function answered(ask: Promise<unknown>): Promise<string> {
    return ask.then(
      () => 'answered',
      (error: unknown) => {
        const { cause, message } = error as Error;
        return `${(cause as { type?: string } | undefined)?.type ?? ''} ${message}`;
      },
    );
  }
  /** As the SDK can send them. */
  const given = (payloads: RawPayload[][]) =>
    payloads.flatMap(([payload]): unknown[] => {
      if (payload === undefined || Buffer.from(payload.metadata['encoding'] ?? []).toString() !== 'json/plain')
        return [];
      try {
        return [JSON.parse(Buffer.from(payload.data).toString())];
      } catch {
        return [];
      }
    });
  const commit = 'a'.repeat(40);
  const location = { path: 'a', startLine: 1, endLine: 2 };
  const standing = { code: { text: 'x', startLine: 1 }, codeHash: 'h', context: { before: null, after: 'b' } };
  const run = { runId: 'r', base: commit, head: commit, full: true, rulesId: 'x' };
  const finding = { title: 't', body: 'b', priority: 1, confidenceScore: 0.5, location, ...standing };
  const updates: [workflow: string, update: string, valid: unknown][] = [
    ['thread', 'startTurn', { turnId: 't', kind: 'review', review: { target: { type: 'custom', instructions: 'x' } } }],
    ['thread', 'steerTurn', { expectedTurnId: 't', input: [{ type: 'text', text: 'x' }] }],
    ['thread', 'editQueue', { op: 'move', turnId: 'none', before: null }],
    ['thread', 'interrupt', { turnId: 'none', reason: 'x', tree: true }],
    ['thread', 'resolve', { requestId: 'none', decision: 'accept', answers: { q: { answers: ['a'] } } }],
    ['thread', 'rollbackTurns', { numTurns: 1_000 }],
    ['thread', 'revokeRule', { ruleId: 'none' }],
    ['thread', 'previewUndo', {}],
    ['ledger', 'beginRun', { ...run, workflowId: 'w', instead: null, fullPassEvery: 1, fullPass: false }],
    [
      ...(['ledger', 'recordRun'] as const),
      {
        ...{ ...run, findings: [finding], looked: ['a'], findingsLeftOut: 0 },
        tracked: [{ findingId: 'f1', location, near: null, changed: false, gone: false, whole: true, now: standing }],
        verdicts: [{ findingId: 'f1', verdict: 'fixed' }],
      },
    ],
    ['ledger', 'dismissFinding', { findingId: 'f1', by: 'ann', why: 'x' }],
    ['ledger', 'reopenFinding', { findingId: 'f1', by: 'ann' }],
    ['rules', 'revokeRule', { ruleId: 'none' }],
    ['identity', 'replaceIdentity', 'x'],
    ['identity', 'replaceIdentity', { agentRuntimeId: 'x', by: 'thread' }],
    ['identity', 'ensureIdentity', { mode: 'strict' }],
    ['identity', 'revokeIdentity', { agentRuntimeId: 'x', reason: 'y' }],
  ];
  const match = { type: 'commandExecution', command: 'forged', cwd: '.', sandbox: 'workspace-write' };
  const rule = { ruleId: 'r', scope: 'repository', match, decision: 'accept', by: 'person', at: 1 };
  const signals: [workflow: string, signal: string, valid: unknown][] = [
    ['ledger', 'abandonRun', { runId: 'r', reason: 'x' }],
    ['ledger', 'dismissFinding', { findingId: 'f1', by: 'ann', why: 'x' }],
    ['ledger', 'reopenFinding', { findingId: 'f1', by: 'ann' }],
    ['rules', 'rememberRules', { rules: [{ ...rule, threadId: 't', turnId: 'u' }] }],
    ['rules', 'revokeRule', { ruleId: 'none' }],
  ];
  const queries: [workflow: string, query: string, valid: unknown][] = [
    ...(['events', 'items', 'context'] as const).map((name): [string, string, unknown] => [
      ...(['thread', name] as const),
      { after: 0, limit: 1, completedTask: { runId: 'x', startedEventId: 1 } },
    ]),
    ['thread', 'closedRun', { ask: 'items', after: 0 }],
    ['rules', 'findRules', match],
    ['batch', 'rows', { after: 0, limit: 1 }],
    ['batch', 'closedRows', { after: 0, limit: 1 }],
  ];

  it('is answered, and every workflow goes on', async () => {
    const { service } = environment.bobbin;
    const thread = await environment.start();
    await runTurn(thread, 'say: hi');
    const [targetId, account, batchId] = [randomUUID(), randomUUID(), randomUUID()];
    const ids: Record<string, string> = {
      ...{ thread: thread.workflowId, ledger: `review-ledger/${targetId}` },
      ...{ rules: `approval-rules/local:/nowhere/${account}` },
      ...{ identity: `agent-identity/${account}`, batch: `batch-review/${batchId}` },
    };
    const start = (type: string, name: string, argument: unknown) =>
      startRawWorkflow(environment, { type, workflowId: ids[name] ?? '' }, json(argument));
    await start('reviewLedger', 'ledger', { targetId, target: { repository: '/nowhere' } });
    await start('agentIdentity', 'identity', { account });
    await start('approvalRules', 'rules', { host: 'local', repository: `/nowhere/${account}` });
    await start('batchReview', 'batch', { targets: [{ repository: environment.cwd }, { repository: '/nowhere' }] });
    await handleOf(ids['batch'] ?? '')
      .result()
      .catch(() => undefined);
    const asked: string[] = [];
    await inTurn(
      updates.flatMap(([name, update, valid]) =>
        given([...PAYLOADS, ...mutants(valid), [json(valid)]]).map((one) => ({ name, update, one })),
      ),
      async ({ name, update, one }) => {
        const ask = service.within(() => handleOf(ids[name] ?? '').executeUpdate(update, { args: [one] as [unknown] }));
        asked.push(`${update} ${await answered(ask)}`);
      },
    );
    await inTurn(
      queries.flatMap(([name, query, valid]) =>
        given([...PAYLOADS, ...mutants(valid), [json(valid)]]).map((one) => ({ name, query, one })),
      ),
      async ({ name, query, one }) => {
        asked.push(`${query} ${await answered(service.within(() => handleOf(ids[name] ?? '').query(query, one)))}`);
      },
    );
    await inTurn(
      signals.flatMap(([workflow, name, valid]) =>
        [...PAYLOADS, ...mutants(valid), [json(valid)]].map((payloads) => ({ workflow, name, payloads })),
      ),
      ({ workflow, name, payloads }) => sendSignal(environment, { workflowId: ids[workflow] ?? '' }, name, ...payloads),
    );
    expect(asked.filter((one) => /is not a function|undefined|deadline|Cannot/i.test(one))).toEqual([]);
    expect(await runTurn(thread, 'say: on')).toMatchObject({ status: 'completed' });
    expect(await handleOf(ids['ledger'] ?? '').query('ledger')).toMatchObject({ targetId });
    const { rules } = await handleOf(ids['rules'] ?? '').query<{ rules: unknown[] }>('rules');
    expect(RememberRulesSchema.safeParse({ rules })).toMatchObject({ success: true, data: { rules } });
    for (const name of ['thread', 'ledger', 'identity', 'rules']) await assertHealthy(environment, ids[name] ?? '');
    for (const name of ['ledger', 'identity', 'rules']) await handleOf(ids[name] ?? '').terminate();
  }, 280_000);
});
