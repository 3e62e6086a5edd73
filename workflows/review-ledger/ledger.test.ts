import { describe, expect, it } from 'vitest';
import type { FindingVerdict, KnownFinding, RunBeginning } from '../../src/contract/index.ts';
import type { RunRecord } from './guards.ts';
import {
  type Refusal,
  abandonRun,
  beginRun,
  dismissFinding,
  reopenFinding,
  toLedgerDetails,
  toLedgerView,
} from './ledger.ts';
import { recordRun } from './record.ts';
import { type LedgerState, newLedger } from './state.ts';
import { beginning, commit, place, record, seen, tracked } from './testing.ts';
import { isCarriedState, toCurrentState } from './upgrade.ts';

const empty = newLedger('repo-main', { repository: '/srv/repo', branch: 'main' });

let now = 0;

/** Begins and records a run. */
function review(state: LedgerState, run: RunRecord): LedgerState {
  const begun = beginRun(state, beginning(run.runId, 'x', { head: run.head, rulesId: run.rulesId }), ++now);
  expect(begun.answer.type).toBe('begun');
  return recorded(begun.state, run).state;
}

function recorded(state: LedgerState, run: RunRecord) {
  const outcome = recordRun(state, run, ++now);
  if ('code' in outcome) throw new Error(outcome.reason);
  return outcome;
}

function accepted(next: LedgerState | Refusal): LedgerState {
  if ('code' in next) throw new Error(next.reason);
  return next;
}

const statesOf = (state: LedgerState) =>
  Object.fromEntries(state.findings.map(({ findingId, state: word, change }) => [findingId, [word, change]]));
const says = (findingId: string, verdict: FindingVerdict['verdict']): FindingVerdict => ({ findingId, verdict });

const A = seen('the result is not awaited', { location: place('a.ts', 1) });
const B = seen('the file stays open', { location: place('b.ts', 1) });
const C = seen('the price is rounded twice', { location: place('c.ts', 1) });

describe('a run', () => {
  it('waits for the one under way, unless that is known to have ended', () => {
    const { state } = beginRun(empty, beginning('r1', 'one'), 1);
    expect(beginRun(state, beginning('r2', 'one'), 2)).toEqual({
      state,
      answer: { type: 'busy', workflowId: 'batch-review/r1' },
    });
    expect(beginRun(state, beginning('r2', 'one', { instead: 'another' }), 2).answer.type).toBe('busy');
    const taken = beginRun(state, beginning('r2', 'one', { instead: 'batch-review/r1' }), 2);
    expect(taken.answer.type).toBe('begun');
    expect(taken.state.running?.runId).toBe('r2');
    expect(recordRun(taken.state, record('r1', 'one', [A]), 3)).toMatchObject({ code: 'reviewRunLost' });
  });

  it('that begins twice begins once, and is recorded once', () => {
    const first = beginRun(empty, beginning('r1', 'one'), 1);
    expect(beginRun(first.state, beginning('r1', 'one'), 5)).toEqual(first);
    const done = recorded(first.state, record('r1', 'one', [A]));
    expect(recordRun(done.state, record('r1', 'one', [B]), 9)).toEqual(done);
    expect(beginRun(done.state, beginning('r1', 'one'), 9).answer).toEqual({
      ...{ type: 'alreadyReviewed', runId: 'r1', counts: done.answer.counts },
    });
  });

  it('is not one that was recorded under its id before it began', () => {
    const first = recorded(
      beginRun(empty, beginning('r1', 'one', { startedAt: 1 }), 2).state,
      record('r1', 'one', [A]),
    );
    const startedAt = now + 10;
    const begun = beginRun(first.state, beginning('r1', 'two', { startedAt }), startedAt + 1);
    expect(begun.answer).toMatchObject({ type: 'begun', anchor: commit('one') });
    expect(beginRun(begun.state, beginning('r1', 'two', { startedAt }), startedAt + 2)).toEqual(begun);
    const run = record('r1', 'two', [B], { startedAt });
    const second = recordRun(begun.state, run, startedAt + 3);
    if ('code' in second) throw new Error(second.reason);
    expect(second.answer).toMatchObject({ counts: { new: 1 }, open: 2 });
    expect(recordRun(second.state, run, startedAt + 4)).toEqual(second);
    const { counts } = second.answer;
    const again = beginRun(second.state, beginning('r1', 'two', { startedAt }), startedAt + 5).answer;
    expect(again).toEqual({ type: 'alreadyReviewed', runId: 'r1', counts });
    // Earlier releases send no start: the newest record is theirs.
    expect(beginRun(second.state, beginning('r1', 'three'), startedAt + 6).answer).toEqual(again);
  });

  it('goes on from the last one that completed; one that was given up moves nothing', () => {
    const one = review(empty, record('r1', 'one', [A]));
    const begun = beginRun(one, beginning('r2', 'two'), 5);
    expect(begun.answer).toMatchObject({ anchor: commit('one'), full: false });
    expect(abandonRun(begun.state, { runId: 'r1', reason: '' })).toBe(begun.state);
    const given = abandonRun(begun.state, { runId: 'r2', reason: 'cancelled' });
    expect(given).toEqual(one);
    expect(beginRun(given, beginning('r3', 'three'), 6).answer).toMatchObject({ anchor: commit('one') });
    expect(recordRun(given, record('r2', 'two', []), 7)).toMatchObject({ code: 'reviewRunLost' });
  });

  it('is not made where the head was reviewed by the same rules', () => {
    const one = review(empty, record('r1', 'one', [A]));
    for (const fullPassEvery of [0, 2, 10]) {
      expect(beginRun(one, beginning('r2', 'one', { fullPassEvery }), 5)).toEqual({
        state: one,
        answer: { type: 'alreadyReviewed', runId: 'r1' },
      });
    }
    const other = beginRun(one, beginning('r2', 'one', { rulesId: 'others' }), 5).answer;
    expect(other).toMatchObject({ type: 'begun', full: true });
  });

  it('is made all the same where everything is to be looked at: in this run, or in every one', () => {
    const one = review(empty, record('r1', 'one', [A]));
    for (const more of [{ fullPass: true, fullPassEvery: 0 }, { fullPassEvery: 1 }]) {
      const begun = beginRun(one, beginning('r2', 'one', more), 5);
      expect(begun.answer).toMatchObject({ type: 'begun', full: true });
      const done = recorded(begun.state, record('r2', 'one', [A]));
      expect(beginRun(done.state, beginning('r2', 'one', more), 9).answer).toEqual({
        ...{ type: 'alreadyReviewed', runId: 'r2', counts: done.answer.counts },
      });
    }
  });

  it('looks at everything at first, and then every so many runs', () => {
    const passes = (fullPassEvery: number) => {
      let state = empty;
      return Array.from({ length: 7 }, (_, n) => {
        const begun = beginRun(state, beginning(`r${n}`, `head ${n}`, { fullPassEvery }), n);
        const { full } = begun.answer as Extract<RunBeginning, { type: 'begun' }>;
        state = recorded(begun.state, record(`r${n}`, `head ${n}`, [], { full })).state;
        return full ? 'F' : '.';
      }).join('');
    };
    expect([0, 1, 3].map(passes)).toEqual(['F......', 'FFFFFFF', 'F..F..F']);
  });

  it('is told what is known, with the commit in which each has its place', () => {
    const { answer } = beginRun(review(empty, record('r1', 'one', [A])), beginning('r2', 'two'), 1);
    const [known] = (answer as { known: KnownFinding[] }).known;
    expect(known).toMatchObject({
      findingId: 'f1',
      title: A.title,
      location: A.location,
      state: 'open',
      head: commit('one'),
    });
  });
});

describe('a finding', () => {
  it('is new, still there, fixed, and reopened when it comes back', () => {
    let state = empty;
    const changes = [[A], [A], [], [A]].map((findings, n) => {
      const gone = findings.length === 0 ? [tracked('f1', null)] : [];
      state = review(state, record(`r${n}`, `head ${n}`, findings, { tracked: gone }));
      return [...(statesOf(state)['f1'] ?? []), state.findings[0]?.reopenings];
    });
    expect(changes).toEqual([
      ['open', 'new', 0],
      ['open', 'unchanged', 0],
      ['fixed', 'fixed', 0],
      ['open', 'reopened', 1],
    ]);
    expect(state.runs.map(({ counts, open }) => ({ ...counts, open }))).toEqual([
      { new: 1, unchanged: 0, reopened: 0, fixed: 0, dismissed: 0, open: 1 },
      { new: 0, unchanged: 1, reopened: 0, fixed: 0, dismissed: 0, open: 1 },
      { new: 0, unchanged: 0, reopened: 0, fixed: 1, dismissed: 0, open: 0 },
      { new: 0, unchanged: 0, reopened: 1, fixed: 0, dismissed: 0, open: 1 },
    ]);
    expect(state.findings[0]).toMatchObject({
      fixed: null,
      firstSeen: { runId: 'r0', head: commit('head 0') },
      lastSeen: { runId: 'r3', head: commit('head 3') },
    });
  });

  it('whose lines stand is still there, where they are now, whatever the reviewer says or does not say', () => {
    const one = review(empty, record('r1', 'one', [A, B, C]));
    const run = record('r2', 'two', [], {
      full: false,
      looked: ['a.ts', 'b.ts'],
      tracked: [
        tracked('f1', place('a.ts', 6)),
        tracked('f2', place('b.ts', 1)),
        tracked('f3', place('renamed.ts', 7)),
      ],
      verdicts: [says('f2', 'fixed')],
    });
    const two = review(one, run);
    expect(statesOf(two)).toEqual({ f1: ['open', 'unchanged'], f2: ['open', 'unchanged'], f3: ['open', null] });
    expect(two.findings.map(({ location, head }) => [location?.startLine, head])).toEqual([
      ...[6, 1, 7].map((line) => [line, commit('two')]),
    ]);
    expect(two.findings[2]?.lastSeen.head).toBe(commit('one'));
  });

  it('is fixed where its code is gone, or its lines changed and the reviewer says so; not where it is silent', () => {
    const inPlace = { changed: true, near: place('a.ts', 1), gone: false };
    const outcomes = [
      tracked('f1', null),
      tracked('f1', null, inPlace),
      tracked('f1', place('a.ts', 1), { changed: true }),
    ].map((trace) =>
      [undefined, 'fixed' as const, 'stillThere' as const].map((verdict) => {
        const verdicts = verdict === undefined ? [] : [says('f1', verdict)];
        const one = review(empty, record('r1', 'one', [A]));
        return review(one, record('r2', 'two', [], { tracked: [trace], verdicts })).findings[0]?.state;
      }),
    );
    expect(outcomes).toEqual([
      ['fixed', 'fixed', 'open'],
      ['open', 'fixed', 'open'],
      ['open', 'fixed', 'open'],
    ]);
  });

  it('that is confirmed was seen by this run; one in changed lines goes to what stands there now', () => {
    const one = review(empty, record('r1', 'one', [A, B]));
    const now = { code: { text: 'other', startLine: 4 }, codeHash: 'cafe', context: { before: null, after: null } };
    const two = review(
      one,
      record('r2', 'two', [], {
        tracked: [
          tracked('f1', place('a.ts', 1)),
          tracked('f2', null, { near: place('b.ts', 4, 5), gone: false, now }),
        ],
        verdicts: [says('f1', 'stillThere')],
      }),
    );
    expect(two.findings).toMatchObject([
      { change: 'unchanged', lastSeen: { runId: 'r2' } },
      { change: 'unchanged', lastSeen: { runId: 'r1' }, location: place('b.ts', 4, 5), head: commit('two'), ...now },
    ]);
  });

  it('that was fixed since its code was gone is open again once that has come back; one that a reviewer called fixed is not', () => {
    const back = [
      tracked('f1', place('a.ts', 3)),
      tracked('f1', null, { near: place('b.ts', 7, 9), gone: false, whole: true }),
      tracked('f1', null, { near: place('b.ts', 7), gone: false }),
    ];
    const outcomes = back.map((trace) =>
      [undefined, 'fixed' as const].map((verdict) => {
        const verdicts = verdict === undefined ? [] : [says('f1', verdict)];
        const one = review(empty, record('r1', 'one', [A]));
        const two = review(one, record('r2', 'two', [], { tracked: [tracked('f1', null)], verdicts }));
        const [finding] = review(two, record('r3', 'three', [], { tracked: [trace] })).findings;
        return [finding?.state, finding?.change, finding?.location, finding?.fixed?.runId ?? null];
      }),
    );
    const fixed = (location = A.location) => ['fixed', null, location, 'r2'];
    expect(outcomes).toEqual([
      [['open', 'reopened', place('a.ts', 3), null], fixed(place('a.ts', 3))],
      [['open', 'reopened', place('b.ts', 7, 9), null], fixed()],
      [fixed(), fixed()],
    ]);
  });

  it('is looked for by the code that a reviewer saw last, until one says that what stands there now is it', () => {
    const knownOf = (state: LedgerState) =>
      (beginRun(state, beginning('r9', 'nine'), 9).answer as { known: KnownFinding[] }).known[0];
    const near = tracked('f1', null, { near: place('b.ts', 4), gone: false });
    const one = review(empty, record('r1', 'one', [A]));
    const two = review(one, record('r2', 'two', [], { tracked: [near] }));
    expect(two.findings[0]).toMatchObject({ location: place('b.ts', 4), head: commit('two') });
    expect(knownOf(two)).toMatchObject({ location: A.location, head: commit('one') });
    const three = review(two, record('r3', 'three', [], { tracked: [near], verdicts: [says('f1', 'stillThere')] }));
    expect(knownOf(three)).toMatchObject({ location: place('b.ts', 4), head: commit('three') });
    const later = review(two, record('r3', 'three', [], { tracked: [near], verdicts: [says('f1', 'fixed')] }));
    expect(statesOf(later)).toEqual({ f1: ['fixed', 'fixed'] });
  });

  it('that could not be followed is not fixed', () => {
    const one = review(empty, record('r1', 'one', [A]));
    expect(statesOf(review(one, record('r2', 'two', [], { verdicts: [says('f1', 'fixed')] })))).toEqual({
      f1: ['open', 'unchanged'],
    });
  });

  it('shows the code of its place at the lines where it is now', () => {
    const shown = { ...A, location: place('a.ts', 4), code: { text: 'x\ny\nz', startLine: 3 } };
    const one = review(empty, record('r1', 'one', [shown]));
    const two = review(one, record('r2', 'two', [], { tracked: [tracked('f1', place('a.ts', 9))] }));
    expect(two.findings[0]).toMatchObject({ location: place('a.ts', 9), code: { text: 'x\ny\nz', startLine: 8 } });
  });

  it('is not fixed where the run had more to say than could be taken', () => {
    const one = review(empty, record('r1', 'one', [A, B]));
    const two = review(one, record('r2', 'two', [B], { findingsLeftOut: 3, tracked: [tracked('f1', null)] }));
    expect(statesOf(two)).toEqual({ f1: ['open', 'unchanged'], f2: ['open', 'unchanged'] });
    expect(two.findingsForgotten).toBe(3);
  });

  it('of no place is fixed by the word of a full pass only', () => {
    const nowhere = seen('the tests miss the retry', { location: null, codeHash: null });
    const one = review(empty, record('r1', 'one', [nowhere]));
    const verdicts = [says('f1', 'fixed')];
    const two = review(one, record('r2', 'two', [], { full: false, looked: ['a.ts'], verdicts }));
    expect(statesOf(two)).toEqual({ f1: ['open', null] });
    const three = review(two, record('r3', 'three', []));
    expect(statesOf(three)).toEqual({ f1: ['open', 'unchanged'] });
    expect(statesOf(review(three, record('r4', 'four', [], { verdicts })))).toEqual({ f1: ['fixed', 'fixed'] });
  });

  it('that two parts of a review tell of is one; two of the same place are two', () => {
    const other = seen('the path is not checked', { location: A.location });
    expect(review(empty, record('r1', 'one', [A, { ...A }, other])).findings).toHaveLength(2);
  });

  it('has a fingerprint that stays, and none has that of another', () => {
    const twice = [A, { ...A, location: place('a.ts', 40) }];
    const one = review(empty, record('r1', 'one', twice));
    const [first, second] = one.findings.map(({ fingerprint }) => fingerprint);
    expect(first).toMatch(/^[0-9a-f]{32}$/);
    expect(second).not.toBe(first);
    const moved = { ...A, title: 'a promise that nobody awaits: the result', location: place('b.ts', 3) };
    const two = review(one, record('r2', 'two', [moved], { tracked: [tracked('f1', place('b.ts', 3))] }));
    expect(two.findings[0]).toMatchObject({ fingerprint: first, title: moved.title, location: moved.location });
  });
});

describe('a dismissal', () => {
  const one = review(empty, record('r1', 'one', [A]));
  const dismissal = { findingId: 'f1', by: 'ann', why: 'by design' };
  const dismissed = accepted(dismissFinding(one, dismissal, 50));

  it('stays with who and why, however often the finding is found, and where it is not', () => {
    const again = review(dismissed, record('r2', 'two', [A]));
    expect(again.runs.at(-1)?.counts).toMatchObject({ dismissed: 1, unchanged: 0, new: 0 });
    const gone = review(again, record('r3', 'three', [], { tracked: [tracked('f1', null)] }));
    expect(statesOf(gone)).toEqual({ f1: ['dismissed', null] });
    const back = review(gone, record('r4', 'four', [A]));
    expect(back.findings[0]).toMatchObject({ state: 'dismissed', dismissal: { by: 'ann', why: 'by design', at: 50 } });
  });

  it('can be taken back, once', () => {
    const back = accepted(reopenFinding(dismissed, { findingId: 'f1', by: 'bob' }));
    expect(back.findings[0]).toMatchObject({ state: 'open', dismissal: null });
    expect(reopenFinding(back, { findingId: 'f1', by: 'bob' })).toMatchObject({ code: 'findingNotDismissed' });
  });

  it('twice is once, with other words it is refused and the first ones stay, and of a finding that is not there is refused', () => {
    expect(dismissFinding(dismissed, dismissal, 60)).toEqual(dismissed);
    for (const other of [{ why: 'not worth it' }, { by: 'bob' }]) {
      expect(dismissFinding(dismissed, { ...dismissal, ...other }, 60)).toEqual({
        code: 'findingDismissed',
        reason: expect.stringContaining('ann dismissed it on 1970-01-01T00:00:00.050Z: by design') as string,
      });
    }
    expect(dismissFinding(one, { ...dismissal, findingId: 'f9' }, 60)).toMatchObject({ code: 'findingUnknown' });
  });

  it('of a fixed finding holds when it comes back, and taken back leaves it fixed', () => {
    const fixed = review(one, record('r2', 'two', [], { tracked: [tracked('f1', null)] }));
    const over = accepted(dismissFinding(fixed, dismissal, 60));
    expect(accepted(reopenFinding(over, { findingId: 'f1', by: 'bob' })).findings[0]?.state).toBe('fixed');
    expect(statesOf(review(over, record('r3', 'three', [A])))).toEqual({ f1: ['dismissed', 'dismissed'] });
  });
});

describe('what is shown', () => {
  it('puts open findings first, the most urgent first, and nothing that only the ledger needs', () => {
    const urgent = { ...B, priority: 0 as const };
    const one = review(empty, record('r1', 'one', [A, urgent, C]));
    const view = toLedgerView(accepted(dismissFinding(one, { findingId: 'f1', by: 'ann', why: 'no' }, 9)));
    expect(view.findings.map(({ findingId }) => findingId)).toEqual(['f2', 'f3', 'f1']);
    expect(Object.keys(view.findings[0] ?? {})).not.toContain('codeHash');
    expect(Object.keys(toLedgerView(review(one, record('r2', 'two', [A]))).findings[0] ?? {})).not.toContain('seenAt');
    expect(toLedgerDetails(one)).toContain('3 open, 0 dismissed, 0 fixed');
  });
});

describe('a ledger of an older release', () => {
  const VERSION_0 = {
    version: 0,
    targetId: 'repo-main',
    target: { repository: '/srv/repo' },
    running: null,
    anchor: { runId: 'r2', head: commit('two'), rulesId: 'rules', at: 20 },
    runCount: 2,
    runs: [true, false].map((full, n) => ({
      ...{ runId: `r${n + 1}`, at: 10 * (n + 1), base: commit('base'), head: commit(n === 0 ? 'one' : 'two'), full },
      ...{ rulesId: 'rules', open: 1, counts: { new: 0, unchanged: 1, reopened: 0, fixed: 0, dismissed: 0 } },
    })),
    findingCount: 1,
    findings: [
      {
        findingId: 'f1',
        fingerprint: '0123456789abcdef0123456789abcdef',
        title: 'the result is not awaited',
        body: 'Errors are lost.',
        priority: 1,
        confidenceScore: 0.9,
        location: { path: 'a.ts', startLine: 1, endLine: 1 },
        code: null,
        codeHash: commit('the result is not awaited'),
        contextHash: 'feed',
        state: 'open',
        change: 'unchanged',
        firstSeen: { runId: 'r1', head: commit('one'), at: 10 },
        lastSeen: { runId: 'r2', head: commit('two'), at: 20 },
        fixed: null,
        dismissal: null,
        reopenings: 0,
      },
    ],
  };

  it('goes on with all it knew', () => {
    const carried: unknown = structuredClone(VERSION_0);
    const state = isCarriedState(carried) ? toCurrentState(carried) : null;
    if (state === null) throw new Error('It was not read');
    expect(state).toMatchObject({ version: 1, runsSinceFull: 1, findingsForgotten: 0 });
    const next = review(state, record('r3', 'three', [A], { tracked: [tracked('f1', place('a.ts', 1))] }));
    expect(next.findings).toHaveLength(1);
    expect(next.findings[0]).toMatchObject({
      fingerprint: VERSION_0.findings[0]?.fingerprint,
      change: 'unchanged',
      firstSeen: { runId: 'r1' },
    });
    expect(next.runs.map(({ runId }) => runId)).toEqual(['r1', 'r2', 'r3']);
  });

  it('takes a run that it recorded then as it took it: what was not found again was fixed', () => {
    const one = review(empty, record('r1', 'one', [A, B]));
    const told = record('r2', 'two', [], { full: false, looked: ['a.ts'], tracked: [tracked('f2', place('b.ts', 1))] });
    const two = review(one, { ...told, verdicts: null });
    expect(statesOf(two)).toEqual({ f1: ['fixed', 'fixed'], f2: ['open', null] });
  });

  it('is told from one of a later release, which is not read, and from what is no ledger', () => {
    expect(() => toCurrentState({ ...empty, version: 2 })).toThrow('stateVersionUnknown');
    expect([{ version: 1 }, { version: 'x', findings: [], runs: [] }, null, 'x'].map(isCarriedState)).toEqual([
      ...[false, false, false, false],
    ]);
    expect(isCarriedState({ ...empty, version: 2 })).toBe(true);
  });
});
