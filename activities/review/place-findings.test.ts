import { expect, it } from 'vitest';
import type { LineRanges } from '../ports.ts';
import { parseAnswer } from './parse-answer.ts';
import { placeFindings } from './place-findings.ts';

/** A finding at `path:start-end`, or nowhere. */
function answerAt(...places: (string | null)[]) {
  const findings = places.map((place) => {
    const [, path, start, end] = /^(.*):(\d+)-(\d+)$/.exec(place ?? '') ?? [];
    const location = { absolute_file_path: path, line_range: { start: Number(start), end: Number(end) } };
    return { title: 'x', code_location: place === null ? null : location };
  });
  return parseAnswer(JSON.stringify({ findings }));
}

const file = (path: string, relative: string | null, ranges: LineRanges | null) => ({ path, relative, ranges });
const LINES = {
  root: '/repo',
  files: [
    file('/repo/a', 'a', [
      { start: 5, end: 6 },
      { start: 9, end: 9 },
    ]),
    file('/repo/new', 'new', 'all'),
    file('/repo/same', 'same', null),
    file('/etc/passwd', null, null),
  ],
};
const seen = (...given: Parameters<typeof placeFindings>) =>
  placeFindings(...given).findings.map(({ codeLocation }) =>
    codeLocation === null ? null : [codeLocation.path, codeLocation.inRepository, codeLocation.inDiff],
  );

it('a place is in the diff where one of its lines is', () => {
  const places = ['/repo/a:1-4', '/repo/a:1-5', '/repo/a:6-8', '/repo/a:7-8', '/repo/a:9-20', '/repo/a:10-20'];
  expect(seen(answerAt(...places), LINES, true).map((place) => place?.[2])).toEqual([
    ...[false, true, true, false, true, false],
  ]);
});

it('a place is told by its path in the repository, and marked where it is outside of the changes or of all', () => {
  const answer = answerAt('/repo/new:1-1', '/repo/same:1-1', '/etc/passwd:1-1', null);
  expect(seen(answer, LINES, true)).toEqual([
    ['new', true, true],
    ['same', true, false],
    ['/etc/passwd', false, false],
    null,
  ]);
});

it('without changes to compare with, nothing is said of them', () => {
  expect(seen(answerAt('/repo/a:5-5', '/etc/passwd:1-1'), LINES, false)).toEqual([
    ['a', true, null],
    ['/etc/passwd', false, null],
  ]);
});
