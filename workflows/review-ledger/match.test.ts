import { describe, expect, it } from 'vitest';
import type { FindingLocation, ObservedFinding, TrackedFinding } from '../../src/contract/index.ts';
import { matchFindings } from './match.ts';
import { recordRun } from './record.ts';
import { beginRun } from './ledger.ts';
import { type KeptFinding, newLedger } from './state.ts';
import { beginning, place, record, seen, tracked as trackedTo } from './testing.ts';
import { likeness, wordsOf } from './words.ts';

/** Findings as a ledger stores them, numbered from f1 on. */
function kept(...findings: ObservedFinding[]): KeptFinding[] {
  const { state } = beginRun(newLedger('t', { repository: '/r' }), beginning('r1', 'one'), 1);
  const recorded = recordRun(state, record('r1', 'one', findings), 1);
  if ('code' in recorded) throw new Error(recorded.reason);
  return recorded.state.findings;
}

const traced = (...places: (FindingLocation | null)[]): TrackedFinding[] =>
  places.map((location, index) => trackedTo(`f${index + 1}`, location));

const at = (startLine: number, more: Partial<ObservedFinding> = {}): Partial<ObservedFinding> => ({
  location: place('a.ts', startLine),
  ...more,
});
/** The same code, with any text. */
const SAME = { codeHash: 'c'.repeat(32), context: { before: 'b'.repeat(32), after: 'a'.repeat(32) } };

describe('a finding is the one that was known', () => {
  it('where its lines have moved, by the changes since', () => {
    const known = kept(seen('The promise is not awaited', at(5)));
    const now = seen('The promise is not awaited', at(50, { codeHash: 'd'.repeat(32) }));
    expect(matchFindings(known, [now], traced(place('a.ts', 50)))).toEqual(['f1']);
    expect(matchFindings(known, [now], traced(place('a.ts', 5)))).toEqual([null]);
  });

  it('where it is said in other words, at the same code', () => {
    const known = kept(seen('The promise is not awaited', at(5, SAME)));
    const now = seen('Missing await: a floating promise loses its errors', at(9, SAME));
    expect(matchFindings(known, [now], traced(place('a.ts', 9)))).toEqual(['f1']);
  });

  it('where its code went to another file with what stands around it', () => {
    const known = kept(seen('The promise is not awaited', at(5, SAME)));
    const now = seen('The promise is not awaited', { location: place('b.ts', 1), ...SAME });
    expect(matchFindings(known, [now], traced(null))).toEqual(['f1']);
  });

  it('where its line was changed, and the same is said of what took its place', () => {
    const known = kept(seen('The promise of save() is not awaited', at(5)));
    const tracked = [trackedTo('f1', null, { near: place('a.ts', 6, 7), gone: false })];
    const same = seen('The promise of save() is not awaited', at(7, { codeHash: 'd'.repeat(32) }));
    const other = seen('Two timers are never cleared', at(7, { codeHash: 'd'.repeat(32) }));
    expect(matchFindings(known, [same], tracked)).toEqual(['f1']);
    expect(matchFindings(known, [other], tracked)).toEqual([null]);
  });

  it('where neither has a place, and much the same is said', () => {
    const nowhere = { location: null, codeHash: null };
    const known = kept(seen('No test covers the retry of a broken stream', nowhere));
    const same = seen('The retry of a broken stream is covered by no test', nowhere);
    expect(matchFindings(known, [same, seen('The version was not raised', nowhere)], [])).toEqual(['f1', null]);
  });
});

describe('two findings stay two', () => {
  it('on the same line, in whatever order and words they come', () => {
    const known = kept(
      seen('The promise of the upload is not awaited', at(5, SAME)),
      seen('The path is taken from the request unchecked', at(5, SAME)),
    );
    const one = seen('An upload may go on after the answer: its promise floats', at(5, SAME));
    const other = seen('Path traversal: nothing checks the path', at(5, SAME));
    const tracked = traced(place('a.ts', 5), place('a.ts', 5));
    expect(matchFindings(known, [other, one], tracked)).toEqual(['f2', 'f1']);
    expect(matchFindings(known.slice(0, 1), [other], tracked)).toEqual([null]);
    expect(matchFindings(known.slice(1), [one], tracked)).toEqual([null]);
  });

  it('where the same code stands twice in a file, and do not swap when it moves', () => {
    const known = kept(seen('console.log is left', at(10, SAME)), seen('console.log is left', at(50, SAME)));
    const now = [seen('console.log is left', at(100, SAME)), seen('console.log is left', at(60, SAME))];
    expect(matchFindings(known, now, traced(place('a.ts', 60), place('a.ts', 100)))).toEqual(['f2', 'f1']);
    // It is unknown where they moved, so their order decides.
    expect(matchFindings(known, now, [])).toEqual(['f2', 'f1']);
    expect(matchFindings(known, now.slice(0, 1), traced(null, place('a.ts', 100)))).toEqual(['f2']);
  });

  it('where the same is said of other lines of the file', () => {
    const known = kept(seen('Unexpected any', at(10, { codeHash: '1'.repeat(32) })));
    const now = seen('Unexpected any', at(80, { codeHash: '2'.repeat(32) }));
    expect(matchFindings(known, [now], traced(null))).toEqual([null]);
    expect(matchFindings(known, [now], traced(place('a.ts', 10)))).toEqual([null]);
  });
});

describe('words', () => {
  it('are alike whatever their endings, and names count by their parts', () => {
    expect(likeness(wordsOf('Unhandled rejection'), wordsOf('a rejection is not handled'))).toBe(1);
    expect(likeness(wordsOf('readConfig fails'), wordsOf('reading the config failed'))).toBe(1);
    expect(likeness(wordsOf('one thing'), wordsOf('quite different'))).toBe(0);
    expect([...wordsOf('')]).toEqual([]);
  });
});
