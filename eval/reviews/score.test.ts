/** The answer of a reviewer as it was recorded, with findings that are known to be right or wrong. */
import { describe, expect, it } from 'vitest';
import type { ReviewFinding } from '../../src/contract/index.ts';
import { REVIEWS } from './list.ts';
import { score } from './score.ts';

const PLACES = [
  { file: 'src/a.ts', from: 40, to: 44 },
  { file: 'src/b.ts', from: 7, to: 7 },
];

function finding(path: string, start: number, end = start, inRepository = true): ReviewFinding {
  const codeLocation = { path, lineRange: { start, end }, inRepository, inDiff: true };
  return { title: 'A title', body: 'A body', confidenceScore: 0.8, priority: 1, codeLocation };
}

describe('the findings of a review', () => {
  it('are right at a place of the fault, or a few lines beside it', async () => {
    const right = [
      finding('src/a.ts', 42),
      finding('src/a.ts', 35),
      finding('src/a.ts', 49),
      finding('src/b.ts', 1, 12),
    ];
    expect(await score(right, PLACES)).toEqual({ hit: true, findings: 4, right: 4 });
  });

  it('are wrong in another file, far away, outside, without a place, and for a range that names half of the file', async () => {
    const wrong = [
      finding('src/c.ts', 42),
      finding('src/a.ts', 34),
      finding('src/a.ts', 50),
      finding('src/a.ts', 42, 42, false),
      finding('src/a.ts', 1, 400),
      { ...finding('src/a.ts', 42), codeLocation: null },
    ];
    expect(await score(wrong, PLACES)).toEqual({ hit: false, findings: 6, right: 0 });
    expect(await score([...wrong, finding('src/b.ts', 7)], PLACES)).toEqual({ hit: true, findings: 7, right: 1 });
  });

  it('are right only if a judge agrees, if there is one', async () => {
    const asked: number[] = [];
    const judge = ({ codeLocation }: ReviewFinding) => {
      asked.push(codeLocation?.lineRange.start ?? 0);
      return Promise.resolve(codeLocation?.lineRange.start === 41);
    };
    const findings = [finding('src/a.ts', 40), finding('src/a.ts', 41), finding('src/c.ts', 41)];
    expect(await score(findings, PLACES, judge)).toEqual({ hit: true, findings: 3, right: 1 });
    expect(asked).toEqual([40, 41]);
  });
});

describe('the review set', () => {
  it('has thirty fixes, each with its own name, its hashes and places', () => {
    expect(new Set(REVIEWS.map(({ name }) => name)).size).toBe(30);
    for (const { registry, newer, older, places, fault } of REVIEWS) {
      const form = registry === 'npm' ? /^sha512-[\w+/]{86}==$/ : /^sha256:[0-9a-f]{64}$/;
      expect([newer.hash, older.hash]).toEqual([expect.stringMatching(form), expect.stringMatching(form)]);
      expect(newer.hash).not.toBe(older.hash);
      expect(places.every(({ from, to }) => from >= 1 && to >= from && to - from < 40)).toBe(true);
      expect(fault).toMatch(/^[A-Z].{20,}\.$/s);
    }
  });
});
