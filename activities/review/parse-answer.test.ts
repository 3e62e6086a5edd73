import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Answer, parseAnswer } from './parse-answer.ts';

const FINDING = {
  title: '[P1] Close the file',
  body: 'It stays open when the read fails.',
  confidence_score: 0.8,
  priority: 1,
  code_location: { absolute_file_path: '/repo/a.ts', line_range: { start: 3, end: 4 } },
};
const REVIEW = {
  findings: [FINDING],
  overall_correctness: 'patch is incorrect',
  overall_explanation: 'A file stays open.',
  overall_confidence_score: 0.7,
};
const READ: Answer = {
  findings: [
    {
      ...{ title: '[P1] Close the file', body: 'It stays open when the read fails.' },
      ...{ confidenceScore: 0.8, priority: 1 },
      codeLocation: { path: '/repo/a.ts', lineRange: { start: 3, end: 4 } },
    },
  ],
  overallCorrectness: 'patch is incorrect',
  overallExplanation: 'A file stays open.',
  overallConfidenceScore: 0.7,
  findingsLeftOut: 0,
};

const explained = (text: string): Answer => ({
  ...{ findings: [], overallCorrectness: null, overallExplanation: text },
  ...{ overallConfidenceScore: null, findingsLeftOut: 0 },
});

describe('the answer of a review', () => {
  it('is read as JSON, also where there is text around it', () => {
    const json = JSON.stringify(REVIEW);
    for (const text of [json, ` \n${json}\n`, `Here it is:\n\`\`\`json\n${json}\n\`\`\`\nThat is all.`]) {
      expect(parseAnswer(text)).toEqual(READ);
    }
  });

  it('is taken as an explanation where it is anything else', () => {
    const texts = ['Looks good to me.', 'use { braces } { or not', '[]', '42', '{}', '{"findings": "none"}', 'null'];
    for (const text of texts) expect(parseAnswer(`${text}\n`)).toEqual(explained(text));
  });

  it('is read as far as it can be: one bad member costs no other', () => {
    const answer = parseAnswer(
      JSON.stringify({
        findings: [
          { ...FINDING, confidence_score: 7, priority: 9, code_location: { absolute_file_path: '' } },
          { ...FINDING, confidence_score: '0.5', priority: null, code_location: null },
          { title: '[P3] No more than a title' },
          { ...FINDING, code_location: { absolute_file_path: '/a\0b', line_range: { start: 1, end: 1 } } },
          { ...FINDING, code_location: { absolute_file_path: '/a', line_range: { start: 9, end: 2 } } },
          { body: 'no title' },
          'nonsense',
        ],
        overall_correctness: 'fine',
      }),
    );
    const places = answer.findings.map(({ confidenceScore, priority, codeLocation }) => [
      ...[confidenceScore, priority, codeLocation?.lineRange ?? null],
    ]);
    expect(places).toEqual([
      [1, 1, null],
      [null, 1, null],
      [null, 3, null],
      [0.8, 1, null],
      [0.8, 1, { start: 2, end: 9 }],
    ]);
    expect(answer).toMatchObject({
      ...{ findingsLeftOut: 2, overallCorrectness: null, overallExplanation: '', overallConfidenceScore: null },
    });
  });

  it('names files as they are, also those that begin or end in a blank', () => {
    const named = (path: string) => {
      const code_location = { ...FINDING.code_location, absolute_file_path: path };
      return parseAnswer(JSON.stringify({ ...REVIEW, findings: [{ ...FINDING, code_location }] })).findings[0];
    };
    expect(named(' sp .js ')?.codeLocation?.path).toBe(' sp .js ');
    expect(named('  ')?.codeLocation).toBeNull();
  });

  it('is bounded: titles, bodies, the number of findings and all of them together', () => {
    const long = { ...FINDING, title: `${'t'.repeat(79)}😀😀`, body: 'b'.repeat(10_000) };
    const answer = parseAnswer(JSON.stringify({ ...REVIEW, findings: Array(300).fill(long) }));
    expect(answer.findings[0]?.title).toBe(`${'t'.repeat(79)}…`);
    expect(answer.findings[0]?.body).toHaveLength(4_000);
    expect(JSON.stringify(answer).length).toBeLessThan(200_000);
    expect(answer.findings.length + answer.findingsLeftOut).toBe(300);
    const many = parseAnswer(JSON.stringify({ ...REVIEW, findings: Array(300).fill({ title: 'x' }) }));
    expect(many.findings).toHaveLength(100);
    expect(parseAnswer('y'.repeat(50_000)).overallExplanation).toHaveLength(20_000);
  });

  it('is of the same form whatever it is', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.json().map((json) => `text ${json} text`),
        ),
        (text) => {
          expect(Object.keys(parseAnswer(text)).sort()).toEqual(Object.keys(READ).sort());
        },
      ),
    );
  });
});
