/** Any order of legal and illegal happenings keeps the invariants of `machine.ts`; numbers are those of its header. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { playOut, type Play } from './test-play.ts';

const pick = fc.nat(1_000);
const id = fc.nat(9).map((n) => `turn-${n}`);
const onBusy = fc.constantFrom(undefined, 'replace', 'steer', 'queue', 'reject');

/** What the model answers, by small words that `test-play.ts` understands. */
const outputs = fc.array(
  fc.constantFrom(
    'say',
    'think',
    'ls',
    'cat',
    'make',
    'escalate',
    'patch',
    'patch out',
    'plan',
    'ask',
    'nonsense',
    'twin',
  ),
  { maxLength: 4 },
);

const plays: fc.Arbitrary<Play> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('submit'), id, shell: fc.boolean(), onBusy, override: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('steer'), id, right: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('interrupt'), id, which: fc.constantFrom('active', 'any', 'id') }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('answer'),
      pick,
      decision: fc.constantFrom('accept', 'acceptForSession', 'decline', 'cancel'),
      fitting: fc.boolean(),
      twice: fc.boolean(),
    }),
  },
  {
    weight: 16,
    arbitrary: fc.record({
      do: fc.constant('end'),
      pick,
      how: fc.constantFrom('well', 'well', 'well', 'failed', 'lost', 'aborted', 'left over', 'rejected', 'stale'),
      outputs,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('endAgain'), pick, outputs }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('rollover') }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('postpone') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('malformed') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('manyTurns'), pick }) },
);

const settings = fc.record({
  approvalPolicy: fc.constantFrom('untrusted', 'on-request', 'never'),
  sandbox: fc.constantFrom('read-only', 'workspace-write', 'danger-full-access'),
  agentIdentity: fc.constantFrom('off', 'recoverable', 'strict').map((mode) => ({ mode, account: 'default' })),
  unattended: fc.option(
    fc.constantFrom('accept', 'decline', 'cancel').map((approvals) => ({ approvals })),
    { freq: 2 },
  ),
  requestDeadlineMs: fc.constantFrom(0, 60_000),
});

describe('any sequence of happenings', () => {
  it('keeps every invariant after each one, and every turn that was taken ends exactly once', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(settings, fc.array(plays, { maxLength: 60, size: 'max' }), fc.boolean(), (given, sequence, close) => {
        for (const what of playOut(given, sequence, { close }).seen) seen.add(what);
      }),
      { numRuns: Number(process.env['RUNS'] ?? 400) },
    );
    // The property says something only where all of this came about.
    expect([...seen].sort()).toEqual(
      expect.arrayContaining([
        'agentTask/cleared',
        'agentTask/registered',
        'archiveSegment',
        'cleanWorkspace',
        'completed',
        'continueAsNew',
        'failed',
        'interrupted',
        'item/commandExecution/requestApproval',
        'item/fileChange/requestApproval',
        'item/tool/requestUserInput',
        'message/rejected',
        'not quiescent',
        'replaced',
        'resolved by abort',
        'resolved by deadline',
        'resolved by person',
        'resolved by policy',
        'threadClosed',
        'turn/queued',
        'turn/steered',
      ]),
    );
  });
});
