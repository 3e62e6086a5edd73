/** The form of a review's answer, and which threads are reviews. `activities/instructions/review.ts` has the instructions. */
import type { ThreadSettings } from '../../src/contract/index.ts';
import { object, text } from '../../src/contract/plain/tools/json-schema.ts';

/** The possible verdicts on a finding of an earlier review. */
export const VERDICTS = { stillThere: 'still_there', fixed: 'fixed', cannotSay: 'cannot_say' } as const;

const score = (description: string) => ({ type: 'number', description });

/** Every member is required and no others are allowed, as endpoints with structured output demand. */
export const REVIEW_SCHEMA = {
  name: 'codex_output_schema',
  schema: object(
    {
      findings: {
        type: 'array',
        items: object(
          {
            title: text('At most 80 characters, the priority in front, like [P1].'),
            body: text('One paragraph of Markdown.'),
            confidence_score: score('From 0 to 1.'),
            priority: { type: ['integer', 'null'], description: 'From 0, the most urgent, to 3.' },
            code_location: object(
              {
                absolute_file_path: text('Absolute path of the file.'),
                line_range: object({ start: { type: 'integer' }, end: { type: 'integer' } }, ['start', 'end']),
              },
              ['absolute_file_path', 'line_range'],
            ),
          },
          ['title', 'body', 'confidence_score', 'priority', 'code_location'],
        ),
      },
      known_findings: {
        type: 'array',
        description: 'One entry for each open finding that was given; empty if none was.',
        items: object({ id: text('As it was given.'), verdict: { type: 'string', enum: Object.values(VERDICTS) } }, [
          'id',
          'verdict',
        ]),
      },
      overall_correctness: { type: 'string', enum: ['patch is correct', 'patch is incorrect'] },
      overall_explanation: text('One to three sentences.'),
      overall_confidence_score: score('From 0 to 1.'),
    },
    ['findings', 'known_findings', 'overall_correctness', 'overall_explanation', 'overall_confidence_score'],
  ),
};

/** Whether a thread is a review. */
export function isReview({ parent }: Pick<ThreadSettings, 'parent'>): boolean {
  return parent?.role === 'review';
}

/** The only section of a project's documents that a review gets. */
export const RULES_HEADING = 'Code Review Rules';
