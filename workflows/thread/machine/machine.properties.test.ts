/** Any order of legal and illegal inputs keeps the invariants of `machine.ts`; the numbers are those of its header. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Budget, Parent } from '../../../src/contract/index.ts';
import { CARRY_OVER_BYTES, toCarryOver } from '../past/carry-over.ts';
import { bytesOf } from '../state/waiting.ts';
import { readEvents, readItems } from '../state/log.ts';
import { DECISIONS } from '../../../src/contract/plain/decisions.ts';
import { type Play, playOut } from '../testing/play.ts';
import { readAllEvents } from '../testing/reader.ts';
import { EXITED, FEW_PLAYS, testThread } from '../testing/fixtures.ts';
import { toContext } from '../view/view.ts';

const pick = fc.nat(1_000);
const id = fc.nat(9).map((n) => `turn-${n}`);
const kind = fc.constantFrom(
  ...([
    'regular',
    'regular',
    'regular',
    'user_shell',
    'user_shell',
    'compact',
    'review',
    'review',
    'undo',
    'undo',
    'ghost_snapshot',
    'custom',
    'custom',
  ] as const),
);
const onBusy = fc.constantFrom(undefined, 'replace', 'steer', 'queue', 'reject');

/** Answers of the model, as short texts that `test-play.ts` understands. */
const outputs = fc.array(
  fc.constantFrom(
    'say',
    'fill',
    'shout',
    'think',
    'ls',
    'cat',
    'make',
    'serve',
    'serve',
    'look',
    'escalate',
    'patch',
    'patch out',
    'plan',
    'mcp read',
    'mcp write',
    'mcp nonsense',
    'ask',
    'nonsense',
    'twin',
    'spawn',
    'spawn',
    'wait',
    'message',
    'close agent',
  ),
  { maxLength: 4 },
);

const plays: fc.Arbitrary<Play> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('submit'), id, kind, onBusy, override: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('steer'), id, right: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('interrupt'), id, which: fc.constantFrom('active', 'any', 'id') }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('editQueue'),
      op: fc.constantFrom('edit', 'move', 'drop'),
      pick,
      before: fc.option(pick),
      id,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('answer'),
      pick,
      decision: fc.constantFrom('accept', 'acceptForSession', 'decline', 'cancel'),
      remember: fc.constantFrom(undefined, 'call', 'turn', 'thread', 'repository'),
      fitting: fc.boolean(),
      twice: fc.boolean(),
    }),
  },
  {
    weight: 16,
    arbitrary: fc.record({
      do: fc.constant('end'),
      pick,
      how: fc.constantFrom(
        'well',
        'well',
        'well',
        'failed',
        'lost',
        'aborted',
        'left over',
        'rejected',
        'stale',
        'too long',
      ),
      outputs,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('endAgain'), pick, outputs }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('report'),
      pick,
      says: fc.constantFrom(
        'completed',
        'aborted',
        'failed',
        'asks',
        'asks below',
        'resolved',
        'closed',
        'spent',
        'spent',
        'waits',
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('mail') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('revoke'), pick }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('remember'),
      output: fc.constantFrom('make', 'escalate', 'patch', 'patch out', 'mcp write'),
      decision: fc.constantFrom('accept', 'decline'),
      remember: fc.constantFrom('turn', 'thread', 'repository'),
      id,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('serve'), id }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rollback'), numTurns: fc.integer({ min: 1, max: 3 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('tellBudget'),
      budget: fc.record({
        held: fc.boolean(),
        limits: fc.constantFrom({}, { tokens: 20 }, { steps: 3 }, { wallMs: 90 }),
      }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('rollover') }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('postpone') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('malformed') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('resume'), closed: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('manyTurns'), pick }) },
);

const limits = fc.option(
  fc.record(
    {
      tokens: fc.constantFrom(5, 30, 60),
      costUsd: fc.constantFrom(0.000004, 0.000012),
      steps: fc.integer({ min: 1, max: 4 }),
      wallMs: fc.constantFrom(20, 70_000),
    },
    { requiredKeys: [] },
  ),
  { nil: undefined, freq: 2 },
);
const budgets = fc
  .record({ turn: limits, thread: limits, tree: limits })
  .map((given): Budget => JSON.parse(JSON.stringify(given)) as Budget);

const settings = fc.record({
  approvalPolicy: fc.constantFrom('untrusted', 'on-request', 'never'),
  sandbox: fc.constantFrom('read-only', 'workspace-write', 'danger-full-access'),
  agentIdentity: fc.constantFrom('off', 'recoverable', 'strict').map((mode) => ({ mode, account: 'default' })),
  unattended: fc.option(
    fc.constantFrom('accept', 'decline', 'cancel').map((approvals) => ({ approvals })),
    { freq: 2 },
  ),
  parent: fc.constantFrom<Parent | null>(null, null, null, { threadId: 'root', path: ['root'], role: 'agent' }),
  snapshots: fc.boolean(),
  repositoryRules: fc.boolean(),
  waitingApart: fc.boolean(),
  quietFirstStep: fc.boolean(),
  network: fc.boolean(),
  requestDeadlineMs: fc.constantFrom(0, 60_000),
  budget: fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: budgets }),
});

const OFF = { agentIdentity: { mode: 'off', account: 'default' }, snapshots: false } as const;

/** Cases that must have occurred. */
const EXPECTED = [
  'resumed',
  'thread/closed',
  'agentTask/cleared',
  'agentTask/registered',
  'archiveSegment',
  'budgetLimited',
  'awaitSessions',
  'callMcpTool',
  'cleanWorkspace',
  'compactContext',
  'compacted: manual',
  'compacted: midTurn',
  'compacted: overflow',
  'compacted: preTurn',
  'completed',
  'continueAsNew',
  'failed',
  'finishReview',
  'interrupted',
  'item/commandExecution/requestApproval',
  'item/fileChange/requestApproval',
  'item/mcpToolCall/requestApproval',
  'item/tool/requestUserInput',
  'message/rejected',
  'not quiescent',
  'replaced',
  'reviewed',
  'reviewed in vain',
  'resolved by abort',
  'resolved by deadline',
  'resolved by person',
  'resolved by policy',
  'releaseSnapshots',
  'findRules',
  'rememberRule',
  'rule/remembered',
  'rule/revoked',
  'rule applied: accept',
  'rule applied: decline',
  'rule: turn',
  'rule: thread',
  'rule: repository',
  'thread/rolledBack',
  'threadClosed',
  'asked below',
  'sendMessage',
  'startChild',
  'subThread/updated',
  'told by an agent',
  'turn/budget/requestApproval',
  'turn/queueUpdated',
  'watchChild',
  'writeStdin',
  'turn/queued',
  'turn/steered',
  'undo',
  'undoFiles',
];

describe('any sequence of happenings', () => {
  it('keeps every invariant after each one, and every turn that was taken ends exactly once', () => {
    const seen = new Set<string>();
    // The property is meaningful only if all of these occurred, which is up to chance.
    for (
      let batch = 0;
      batch < (FEW_PLAYS === null ? 10 : 1) && (batch === 0 || EXPECTED.some((what) => !seen.has(what)));
      batch++
    ) {
      fc.assert(
        fc.property(
          settings,
          fc.array(plays, { maxLength: 60, size: 'max' }),
          fc.boolean(),
          fc.constantFrom(undefined, DECISIONS),
          (given, sequence, close, decisions) => {
            for (const what of playOut(given, sequence, { close, decisions }).seen) seen.add(what);
          },
        ),
        { numRuns: FEW_PLAYS ?? 400 },
      );
    }
    if (FEW_PLAYS === null) expect([...seen].sort()).toEqual(expect.arrayContaining(EXPECTED));
  }, 900_000);
});

/** Cases that must have occurred with hosts that are lost. */
const EXPECTED_OF_HOSTS = [
  'workspace/moved',
  'relocate',
  'lost with its agents',
  'completed',
  'interrupted',
  'sendMessage',
];

describe('any sequence of happenings on hosts that are lost', () => {
  const managed = { repository: 'https://h/r', commit: 'c'.repeat(40) };
  const onHost = { host: 'a', managed, hostProbeMs: 10_000, hostGraceMs: 60_000, parent: null };
  const away = fc.record({ do: fc.constant('end'), pick, how: fc.constant('away'), outputs });
  const lose = fc.record({ do: fc.constant('lose'), id });
  const ofHosts = fc.oneof({ weight: 7, arbitrary: away }, { weight: 1, arbitrary: lose });
  const all = fc.array(fc.oneof({ weight: 1, arbitrary: ofHosts }, { weight: 4, arbitrary: plays }), {
    maxLength: 60,
    size: 'max',
  });

  it('keeps every invariant, and the thread goes on elsewhere with its agents closed', () => {
    const seen = new Set<string>();
    for (
      let batch = 0;
      batch < (FEW_PLAYS === null ? 10 : 1) && (batch === 0 || EXPECTED_OF_HOSTS.some((what) => !seen.has(what)));
      batch++
    ) {
      fc.assert(
        fc.property(settings, all, fc.boolean(), fc.boolean(), (given, sequence, close, away) => {
          const played = playOut({ ...given, ...onHost }, sequence, { close, away, decisions: DECISIONS });
          for (const what of played.seen) seen.add(what);
        }),
        { numRuns: FEW_PLAYS ?? 200 },
      );
    }
    if (FEW_PLAYS === null) expect([...seen].sort()).toEqual(expect.arrayContaining(EXPECTED_OF_HOSTS));
  }, 900_000);
});

describe('found by that property once', () => {
  it('the request of a thread below that is gone when it is answered does not stay open', () => {
    const end = { do: 'end' as const, pick: 0, how: 'well' as const, outputs: [] };
    playOut(
      { ...OFF, approvalPolicy: 'untrusted' },
      [
        { do: 'remember', output: 'make', decision: 'decline', remember: 'turn', id: 'a' },
        { ...end, outputs: ['spawn'] },
        end,
        { do: 'submit', id: 'b', kind: 'review', onBusy: undefined, override: false },
        { ...end, pick: 179 },
        { ...end, pick: 2 },
        { do: 'report', pick: 229, says: 'asks below' },
        { do: 'answer', pick: 0, decision: 'accept', remember: undefined, fitting: true, twice: false },
        { ...end, pick: 130 },
        { ...end, pick: 94, how: 'failed' },
      ],
      { close: false },
    );
  });

  it('a review that has ended waits for no more of a budget, whatever its thread said before', () => {
    const end = { do: 'end' as const, pick: 0, how: 'well' as const, outputs: [] };
    playOut(
      { ...OFF, approvalPolicy: 'untrusted', budget: { tree: { costUsd: 0.000004 } } },
      [
        { do: 'remember', output: 'make', decision: 'accept', remember: 'turn', id: 'a' },
        end,
        { ...end, how: 'aborted' },
        { do: 'submit', id: 'b', kind: 'review', onBusy: undefined, override: false },
        end,
        { do: 'report', pick: 0, says: 'waits' },
        { do: 'report', pick: 0, says: 'failed' },
      ],
      { close: false },
    );
  });

  it('a turn that leaves an agent at work and a budget used up ends before the request for more', () => {
    const end = { do: 'end' as const, pick: 0, how: 'well' as const, outputs: [] };
    playOut(
      { ...OFF, approvalPolicy: 'never', budget: { tree: { steps: 2 } } },
      [
        { do: 'submit', id: 'a', kind: 'regular', onBusy: undefined, override: false },
        { ...end, outputs: ['spawn'] },
      ],
      { close: false },
    );
  });

  it('a command that runs is not stopped because the workspace is to be cleaned after another', () => {
    const thread = testThread();
    thread.submit('a', 'git status', { kind: 'user_shell' });
    thread.submit('b', 'sleep 5', { kind: 'user_shell' });
    const [first, second] = thread.steps('execCommand');
    thread.end('execCommand', { type: 'lost', lastBeat: { output: '' } }, first!.id);
    expect(thread.input('cleanWorkspace').commandIds).toEqual([first!.id]);
    expect(thread.stopping).toEqual([]);
    thread.done('execCommand', EXITED, second!.id);
    expect(thread.completions('b')).toMatchObject([{ status: 'completed' }]);
  });

  it('a clean-up that ends after its thread was closed says nothing of it', () => {
    const thread = testThread();
    thread.submit('a', 'sleep 5', { kind: 'user_shell' });
    thread.end('execCommand', { type: 'lost', lastBeat: { output: '' } });
    const { id } = thread.step('cleanWorkspace');
    thread.dispatch({ type: 'closeRequested', close: {} });
    thread.done('cleanWorkspace', { ended: 2 }, id);
    expect(thread.types().at(-1)).toBe('thread/closed');
  });
});

describe('a play that chance seldom makes', () => {
  it('an interrupt of a thread at rest whose past is being archived ends its sessions', () => {
    const end = { do: 'end' as const, pick: 0, how: 'well' as const, outputs: ['say' as const] };
    const { seen } = playOut(
      { ...OFF, approvalPolicy: 'never' },
      [
        { do: 'serve', id: 'a' },
        { ...end, pick: 1 },
        { ...end, pick: 1 },
        { do: 'manyTurns', pick: 1 },
        { do: 'rollover' },
        { do: 'interrupt', id: 'any', which: 'any' },
      ],
      { close: false, decisions: DECISIONS },
    );
    expect([...seen]).toEqual(expect.arrayContaining(['archiveSegment', 'cleanWorkspace', 'continueAsNew']));
  });
});

describe('a thread of long answers', () => {
  it('is read in pages that one answer of the service can hold', () => {
    const thread = longThread(20);
    const { log } = thread.state;
    for (const page of [readEvents(log, 0, 500), readItems(log, 0, 500), toContext(thread.state, 0)]) {
      expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThan(SERVICE_LIMIT);
    }
    expect(readAllEvents(log, new Map(), 0, 500)).toHaveLength(thread.state.log.events.length);
  });

  it('moves to the archive in segments that can be read at once, and what is left can be carried over', () => {
    const thread = longThread(20);
    thread.dispatch({ type: 'rolloverDue' });
    let segments = 0;
    for (; thread.steps('archiveSegment').length > 0; segments++) {
      const { segment } = thread.input('archiveSegment');
      const events = readAllEvents(thread.state.log, new Map(), segment.events.from - 1, 500);
      const moved = events.slice(0, segment.events.to - segment.events.from);
      expect(Buffer.byteLength(JSON.stringify(moved))).toBeLessThan(SERVICE_LIMIT);
      thread.done('archiveSegment', null);
    }
    expect(segments).toBeGreaterThan(5);
    expect(thread.action('continueAsNew')).toBeDefined();
    expect(bytesOf(toCarryOver(thread.state))).toBeLessThan(CARRY_OVER_BYTES);
  });

  it('is weighed in bytes before it is carried over', () => {
    const thread = longThread(1);
    const carried = toCarryOver(thread.state);
    expect(bytesOf(carried)).toBe(Buffer.byteLength(JSON.stringify(carried)));
    expect(bytesOf(carried)).toBeGreaterThan(3 * LONG);
  });
});

const SERVICE_LIMIT = 2 * 1024 * 1024;
const LONG = 100_000;

function longThread(turns: number) {
  const thread = testThread();
  for (let i = 0; i < turns; i++) {
    thread.submit(`turn-${i}`);
    thread.answer('漢'.repeat(LONG));
  }
  return thread;
}
