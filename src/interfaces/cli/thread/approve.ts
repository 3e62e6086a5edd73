/** `bobbin thread approve`: answers a request. */
import { BobbinError } from '../../../client/bobbin-error.ts';
import type { Bobbin } from '../../../client/index.ts';
import type { Answers, ApprovalDecision, RuleScope, ThreadRequest } from '../../../contract/index.ts';
import { EXIT } from '../exit-codes.ts';
import type { Output } from '../text/output.ts';

export interface ApproveOptions {
  args: string[];
  decision: ApprovalDecision;
  remember?: RuleScope;
  answer?: string[];
}

export async function approve(
  bobbin: Bobbin,
  output: Output,
  threadId: string,
  options: ApproveOptions,
): Promise<number> {
  const requestId = options.args[0] ?? '';
  const { decision, remember, answer } = options;
  const thread = bobbin.threads.get(threadId);
  const asked = answer === undefined ? [] : (await thread.view()).openRequests;
  const request = asked.find((open) => open.requestId === requestId);
  const answers = answer === undefined ? {} : { answers: toAnswers(answer, request) };
  const remembered = remember === undefined ? {} : { remember: { scope: remember } };
  await thread.resolve({ requestId, decision, ...answers, ...remembered });
  const how = remember === undefined ? '' : `, remembered for the ${remember}`;
  output.result({ threadId, requestId, decision, ...remembered }, [`${requestId}: ${decision}${how}`]);
  return EXIT.ok;
}

/** A question is named by its id, or by its number from 1. */
function toAnswers(given: readonly string[], request: ThreadRequest | undefined): Answers {
  const ids = request?.type === 'userInput' ? request.questions.map(({ id }) => id) : [];
  const answers: Answers = {};
  for (const one of given) {
    const at = one.indexOf('=');
    if (at < 1) throw new BobbinError('invalid', `--answer ${one}: expected <question id>=<text>`);
    const name = one.slice(0, at);
    const id = ids.includes(name) ? name : (ids[Number(name) - 1] ?? name);
    answers[id] = { answers: [...(answers[id]?.answers ?? []), one.slice(at + 1)] };
  }
  return answers;
}
