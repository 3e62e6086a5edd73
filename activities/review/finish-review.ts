/** Reads what a review said, and compares the places it names with the changes. Twice is safe: it only reads. */
import type { ReviewLocation, ReviewOutput } from '../../src/contract/index.ts';
import type { ReviewConclusion, ReviewConcluded } from '../contract.ts';
import { Failure } from '../failures.ts';
import type { ChangedLines, LineRanges, Ports } from '../ports.ts';
import { runStep } from '../step.ts';
import { type Answer, parseAnswer, type WrittenLocation } from './parse-answer.ts';

export async function finishReview(
  ports: Ports,
  input: ReviewConclusion,
): Promise<ReviewConcluded | { type: 'aborted' }> {
  const { cwd, range, text } = input;
  return runStep<{ type: 'review' }, ReviewConcluded>(
    { ...ports, ...input },
    { type: 'review' },
    async ({ signal }) => {
      if (text.trim() === '')
        throw new Failure(
          'reviewEmpty',
          `The review of turn ${input.turnId} in thread ${input.threadId} said nothing.`,
        );
      const answer = parseAnswer(text);
      const paths = answer.findings.flatMap(({ codeLocation }) => codeLocation?.path ?? []);
      const lines = await ports.git.changedLines(cwd, range, [...new Set(paths)], signal);
      return { type: 'concluded', output: withPlaces(answer, lines, range !== null) };
    },
  );
}

function withPlaces(answer: Answer, lines: ChangedLines, hasChanges: boolean): ReviewOutput {
  const places = new Map(lines.files.map((file) => [file.path, file]));
  const toLocation = (written: WrittenLocation): ReviewLocation => {
    const place = places.get(written.path);
    const relative = place?.relative ?? null;
    return {
      path: relative ?? written.path,
      lineRange: written.lineRange,
      inRepository: relative !== null,
      inDiff: hasChanges ? touches(written.lineRange, place?.ranges ?? null) : null,
    };
  };
  const findings = answer.findings.map((finding) => {
    return { ...finding, codeLocation: finding.codeLocation === null ? null : toLocation(finding.codeLocation) };
  });
  return { ...answer, findings };
}

function touches({ start, end }: WrittenLocation['lineRange'], ranges: LineRanges | null): boolean {
  if (ranges === null || ranges === 'all') return ranges === 'all';
  return ranges.some((range) => start <= range.end && range.start <= end);
}
