import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DismissFindingSchema, type ObservedFinding, ReopenFindingSchema } from '../../src/contract/index.ts';
import { toUnreadable } from '../sandbox/unreadable.ts';
import type { Parsed } from '../sandbox/value-readers.ts';
import { readDismissFinding, readRecordRun, readReopenFinding } from './guards.ts';
import { abandonRun, beginRun, dismissFinding } from './ledger.ts';
import { recordRun } from './record.ts';
import { type LedgerState, newLedger } from './state.ts';
import { beginning, commit, place, record, seen } from './testing.ts';

const empty = newLedger('repo-main', { repository: '/srv/repo' });

// ------------------------------------------------------------------------------------------------------ two at once

interface Plan {
  runId: string;
  findings: ObservedFinding[];
  full: boolean;
  ends: 'recorded' | 'abandoned';
  /** Reports its end a second time, as a retried step does. */
  twice: boolean;
}

const TITLES = [
  'the result is not awaited',
  'the file stays open',
  'the price is rounded twice',
  'the path is unchecked',
];
const findings = fc
  .subarray(TITLES)
  .map((titles) => titles.map((title) => seen(title, { location: place(`${title[4] ?? ''}.ts`, 1) })));
const plan = (runId: string): fc.Arbitrary<Plan> =>
  fc.record({
    runId: fc.constant(runId),
    findings,
    full: fc.boolean(),
    ends: fc.constantFrom('recorded', 'recorded', 'abandoned'),
    twice: fc.boolean(),
  });

/** A run that asks until it may begin. Yields what it did last. */
function* play(world: { state: LedgerState; at: number }, run: Plan): Generator<string, void, undefined> {
  for (;;) {
    const { state, answer } = beginRun(world.state, beginning(run.runId, run.runId), world.at++);
    world.state = state;
    yield answer.type;
    if (answer.type === 'begun') break;
  }
  for (let times = run.twice ? 2 : 1; times > 0; times--) {
    if (run.ends === 'abandoned') world.state = abandonRun(world.state, { runId: run.runId, reason: '' });
    else tell(world, run);
    yield run.ends;
  }
  if (run.ends === 'abandoned') tell(world, run);
}

function tell(world: { state: LedgerState; at: number }, { runId, findings: found, full }: Plan): void {
  const outcome = recordRun(world.state, record(runId, runId, found, { full, looked: ['r.ts'] }), world.at++);
  if (!('code' in outcome)) world.state = outcome.state;
}

const withoutTimes = (state: LedgerState): unknown =>
  JSON.parse(JSON.stringify(state), (key, value: unknown) => (key === 'at' ? 0 : value)) as unknown;

describe('two runs of one target at once', () => {
  it('leave what they leave one after the other, whatever the order of their steps', () => {
    fc.assert(
      fc.property(
        findings,
        plan('r1'),
        plan('r2'),
        fc.array(fc.nat(1), { maxLength: 16 }),
        (before, one, two, order) => {
          const first = beginRun(empty, beginning('r0', 'r0'), 0).state;
          const begin = recordRun(first, record('r0', 'r0', before), 0);
          if ('code' in begin) throw new Error(begin.reason);
          const world = { state: begin.state, at: 1 };
          const plans = [one, two];
          const runs = plans.map((each) => play(world, each));
          const begun: Plan[] = [];
          const step = (index: number) => {
            const next = runs[index]?.next();
            if (next?.value === 'begun') begun.push(plans[index]!);
            return next?.done === true;
          };
          for (const index of order) step(index);
          while (![step(0), step(1)].every(Boolean));

          const apart = { state: begin.state, at: 1 };
          for (const each of begun) for (const _ of play(apart, each));
          expect(begun).toHaveLength(2);
          expect(withoutTimes(world.state)).toEqual(withoutTimes(apart.state));
          expect(world.state.runs.map(({ runId }) => runId)).toEqual([
            'r0',
            ...begun.filter(({ ends }) => ends === 'recorded').map(({ runId }) => runId),
          ]);
        },
      ),
    );
  });
});

// ------------------------------------------------------------------------------------------------------------ bounds

describe('a ledger', () => {
  it('stays below 1 MiB, forgets the least urgent first, and says how many', () => {
    let state = empty;
    for (let n = 0; n < 130; n++) {
      const found = Array.from({ length: 12 }, (_, m) =>
        seen(`finding ${n} ${m} ${'\u0001'.repeat(150)}`, {
          body: '\u4e2d'.repeat(2_000),
          priority: m === 0 ? 0 : 3,
          location: place(`${'p'.repeat(3_000)}/${n}/${m}.ts`, 1),
          code: { text: '\u0002'.repeat(1_500), startLine: 1 },
        }),
      );
      state = beginRun(state, beginning(`r${n}`, `head ${n}`), n).state;
      // Nothing is examined again: every finding stays open.
      const outcome = recordRun(state, record(`r${n}`, `head ${n}`, found, { full: false, looked: [] }), n);
      if ('code' in outcome) throw new Error(outcome.reason);
      state = outcome.state;
      const newest = state.findings.findLast(({ title }) => title.startsWith(`finding ${n} 0`));
      if (newest !== undefined) {
        const next = dismissFinding(state, { findingId: newest.findingId, by: 'ann', why: 'w'.repeat(2_000) }, n);
        if (!('code' in next)) state = next;
      }
    }
    expect(Buffer.byteLength(JSON.stringify(state))).toBeLessThan(1_048_576);
    expect(state.runs).toHaveLength(100);
    expect(state.runCount).toBe(130);
    const open = state.findings.filter((finding) => finding.state === 'open');
    expect(open.length).toBeGreaterThan(10);
    expect(state.findingsForgotten).toBeGreaterThan(1_000);
  });
});

// ------------------------------------------------------------------------------------------------------------ guards

const strings = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.constantFrom('', ' ', '\u00a0', '\ufeff', '\ud800', 'f1', ' ann ', 'a'.repeat(200), 'a'.repeat(201)),
  fc.constantFrom('a'.repeat(2_000), `${'a'.repeat(2_000)} `, 'a'.repeat(2_001)),
);
const members = fc.oneof({ weight: 5, arbitrary: strings }, fc.anything());
const messages = fc.oneof(
  { weight: 5, arbitrary: fc.record({ findingId: members, by: members, why: members }, { requiredKeys: [] }) },
  fc.anything(),
);

function expectSame<T>(given: Parsed<T>, parsed: { success: boolean; data?: T }): void {
  expect(given.ok).toBe(parsed.success);
  if (given.ok) expect(given.value).toEqual(parsed.data);
}

describe('the guards of a ledger', () => {
  it('take and refuse what the schemas do', () => {
    fc.assert(
      fc.property(messages, (message) => {
        expectSame(readDismissFinding(message), DismissFindingSchema.safeParse(message));
        expectSame(readReopenFinding(message), ReopenFindingSchema.safeParse(message));
      }),
      { numRuns: 500, examples: [[{ findingId: 'f1', by: ' ann ', why: 'x' }]] },
    );
  });

  it('refuse a run that is none, and never throw', () => {
    const run = record('r1', 'one', [seen('a title', { code: { text: 'x', startLine: 1 } })]);
    expect(readRecordRun(run)).toEqual({ ok: true, value: run });
    const broken = [
      { ...run, head: 'main' },
      { ...run, findings: [null] },
      { ...run, findings: [{ title: 'x' }] },
    ];
    const worse = [{ ...run, tracked: 'x' }, { ...run, full: 1 }, null, [], 'x', toUnreadable(new Error('bytes'))];
    for (const each of [...broken, ...worse])
      expect(readRecordRun(each)).toMatchObject({ ok: false, code: 'malformed' });
    fc.assert(
      fc.property(fc.anything(), fc.constantFrom(...Object.keys(run)), (value, key) => {
        expect(() => readRecordRun({ ...run, [key]: value })).not.toThrow();
      }),
    );
  });

  it('shorten what a run says too much', () => {
    const long = seen('t'.repeat(5_000), {
      body: 'b'.repeat(50_000),
      code: { text: 'c'.repeat(50_000), startLine: 1 },
    });
    const read = readRecordRun(record('r1', 'one', [long], { head: commit('x') }));
    expect(JSON.stringify(read).length).toBeLessThan(5_000);
  });
});
