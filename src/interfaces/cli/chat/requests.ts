/** Answers a request with a key or a line. Pure. */
import { mayBeRemembered } from '../../../contract/plain/remembering.ts';
import type { Answers, Question, ResolveRequest, ThreadRequest } from '../../../contract/index.ts';

/** What a person may press, with the word that is shown. */
export interface Choice {
  key: string;
  label: string;
  answer: Omit<ResolveRequest, 'requestId'>;
}

const YES: Choice = { key: 'y', label: 'yes, once', answer: { decision: 'accept' } };
const NO: Choice = { key: 'n', label: 'no', answer: { decision: 'decline' } };
const STOP: Choice = { key: 'Esc', label: 'stop the turn', answer: { decision: 'cancel' } };
const REMEMBERED: Choice[] = [
  { key: 'a', label: 'for the session', answer: { decision: 'acceptForSession' } },
  { key: 't', label: 'remember for the thread', answer: { decision: 'accept', remember: { scope: 'thread' } } },
  { key: 'r', label: 'for the repository', answer: { decision: 'accept', remember: { scope: 'repository' } } },
];

/** The choices of a request; a question is answered with text instead. */
export function choicesOf(request: ThreadRequest): Choice[] {
  switch (request.type) {
    case 'commandExecution':
    case 'fileChange':
    case 'mcpToolCall':
      return [YES, ...(mayBeRemembered(request) ? REMEMBERED : []), NO, STOP];
    case 'budget':
      return [YES, NO, STOP];
    case 'userInput':
      return [STOP];
  }
}

/** @param pressed a key, or a line of a person without a terminal */
export function toAnswer(request: ThreadRequest, pressed: string): ResolveRequest | undefined {
  const chosen = choicesOf(request).find(({ key }) => key.toLowerCase() === pressed.toLowerCase());
  return chosen === undefined ? undefined : { requestId: request.requestId, ...chosen.answer };
}

/** The questions of a request that were answered so far, in order. */
export interface Answering {
  requestId: string;
  answers: Answers;
}

export function questionOf(request: ThreadRequest, answering: Answering | null): Question | undefined {
  if (request.type !== 'userInput') return undefined;
  const given = answering?.requestId === request.requestId ? answering.answers : {};
  return request.questions.find(({ id }) => !Object.hasOwn(given, id));
}

/** Adds the answer to the next question: the number of an option, or words. Complete with the last one. */
export function answerQuestion(
  request: ThreadRequest,
  answering: Answering | null,
  words: string,
): { answering: Answering; complete: ResolveRequest | null } | undefined {
  const question = questionOf(request, answering);
  if (question === undefined) return undefined;
  const { requestId } = request;
  const given = answering?.requestId === requestId ? answering.answers : {};
  const option = /^\d+$/.test(words.trim()) ? question.options[Number(words) - 1] : undefined;
  const answers = { ...given, [question.id]: { answers: [option?.label ?? words] } };
  const next: Answering = { requestId, answers };
  const isLast = questionOf(request, next) === undefined;
  return { answering: next, complete: isLast ? { requestId, decision: 'accept', answers } : null };
}
