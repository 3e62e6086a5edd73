/** Parses the answer of a review, and compares its places with the changes. Idempotent: it only reads. */
import type { ReviewConclusion, ReviewConcluded } from '../contract.ts';
import { Failure } from '../failures.ts';
import type { Ports } from '../ports.ts';
import { runStep } from '../step.ts';
import { parseAnswer } from './parse-answer.ts';
import { placeFindings } from './place-findings.ts';

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
      ports.requireWorkspace(cwd, input.root);
      const answer = parseAnswer(text);
      const paths = answer.findings.flatMap(({ codeLocation }) => codeLocation?.path ?? []);
      const lines = await ports.git.changedLines(cwd, range, [...new Set(paths)], signal);
      return { type: 'concluded', output: placeFindings(answer, lines, range !== null) };
    },
  );
}
