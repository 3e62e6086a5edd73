/** Resolves the target of a review to fixed commits. Idempotent: it only reads. */
import type { PreparedReview, ReviewPreparation } from '../contract.ts';
import type { Ports } from '../ports.ts';
import { runStep } from '../step.ts';
import { toReviewPrompt } from './review-prompt.ts';
import { readReviewRules } from './review-rules.ts';

export async function prepareReview(
  ports: Ports,
  input: ReviewPreparation,
): Promise<PreparedReview | { type: 'aborted' }> {
  const { cwd, target } = input;
  return runStep<{ type: 'review' }, PreparedReview>({ ...ports, ...input }, { type: 'review' }, async ({ signal }) => {
    ports.requireWorkspace(cwd, input.root);
    if (target.type === 'custom') {
      const rules = await readReviewRules(ports, { cwd, commit: 'HEAD' }, signal);
      return { type: 'prepared', prompt: target.instructions, range: null, rules };
    }
    const changes = await ports.git.pinChanges(cwd, target, signal);
    const { base, head, checkedOut } = changes;
    const rules = await readReviewRules(ports, { cwd, commit: base }, signal);
    const prompt = toReviewPrompt(target, changes);
    const kept = checkedOut === null ? {} : { checkedOut };
    return { type: 'prepared', prompt, range: { base, head }, rules, ...kept };
  });
}
