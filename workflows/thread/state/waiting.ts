/**
 * Limits on what waits in a thread, in bytes as it is carried over. Other files limit the number; this one limits the
 * size, so that a run can always continue as new. What does not fit is refused, and nothing that waits is dropped to
 * make room. `docs/payloads.md` lists every member of the state and its bound.
 */
import type {
  AgentMessage,
  EditQueue,
  ResolveRequest,
  SteerTurn,
  SubmitTurn,
  ThreadRequest,
} from '../../../src/contract/index.ts';
import { LIMITS } from '../../../src/contract/plain/limits.ts';
import { isConversation } from './state.ts';
import type { Refusal } from './refusal.ts';
import type { ThreadState } from './state.ts';

/** Bytes of JSON in UTF-8, per thread. */
export const MOST_BYTES = {
  /** Waiting input of a person: queued turns, steered input, commands in parallel with the active turn. */
  input: 327_680,
  /** Messages of other agents that no model has seen. */
  mail: 98_304,
  /** Requests of the threads below. */
  requestsBelow: 131_072,
  /** How agents ended, before the model sees it. */
  news: 98_304,
  /** Messages to other threads; above it no model step begins. */
  outbox: 131_072,
  /** Remembered answers. */
  rules: 65_536,
  /** Ids of turns that are remembered. */
  turnIds: 98_304,
  /** Reported messages about snapshots. */
  told: 16_384,
  /** Instructions of a thread. */
  instructions: 400_000,
  /** The changes that one review examines. */
  review: 262_144,
  /** Answers to one request. */
  answers: 262_144,
};

/** Messages of other agents that may wait. */
const MAIL = 100;
/** Turns that may run in parallel with the active one. */
const BESIDE = 32;

const encoder = new TextEncoder();

export function bytesOf(value: unknown): number {
  return encoder.encode(JSON.stringify(value)).length;
}

/** The beginning of a text: at most that many bytes, without half a character. */
export function cutToBytes(text: string, bytes: number): string {
  if (text.length * 6 <= bytes) return text;
  let kept = text.slice(0, bytes);
  for (let size = bytesOf(kept) - 2; size > bytes; size = bytesOf(kept) - 2)
    kept = kept.slice(0, Math.min(kept.length - 1, Math.floor((kept.length * bytes) / size)));
  return kept.length === text.length ? text : kept.replace(/[\ud800-\udbff]$/, '');
}

/** The newest entries of a list that fit into that many bytes together. */
export function newestWithin<T>(list: readonly T[], bytes: number): T[] {
  let left = bytes;
  const beyond = list.findLastIndex((one) => (left -= bytesOf(one) + 1) < 0);
  return list.slice(beyond + 1);
}

// ---------------------------------------------------------------------------------------------------- a person's input

function inputBytes({ queue, active, beside, log }: ThreadState): number {
  const steered = isConversation(active) ? active.pendingInput : [];
  const commands = beside.map(({ index }) => {
    const item = log.items[index - log.firstItem];
    return item?.type === 'commandExecution' ? item.command : '';
  });
  return [queue, steered, beside, commands].reduce((sum, list) => sum + (list.length === 0 ? 0 : bytesOf(list)), 0);
}

/** The reason why a turn is too large, whatever waits; null if it is not. */
export function refuseLargeTurn({ input, review }: SubmitTurn): Refusal | null {
  if (bytesOf(input) > LIMITS.messageBytes) return tooLarge('The input', bytesOf(input), LIMITS.messageBytes);
  if (review === undefined || bytesOf(review) <= MOST_BYTES.review) return null;
  return tooLarge('What to review', bytesOf(review), MOST_BYTES.review);
}

export function refuseToQueue(state: ThreadState, turn: SubmitTurn): Refusal | null {
  return refuseNumber(state) ?? refuseInput(state, bytesOf(turn));
}

/** The turn that replaces another one begins at once. Earlier ones that were to replace it, too, wait. */
export function refuseToReplace(state: ThreadState): Refusal | null {
  return refuseNumber(state) ?? refuseInput(state, 0);
}

export function refuseBeside(state: ThreadState, turn: SubmitTurn): Refusal | null {
  if (state.beside.length < BESIDE) return refuseInput(state, bytesOf(turn));
  const reason = `${state.beside.length} commands run beside the active turn already; wait for one of them, or interrupt it.`;
  return { code: 'threadBusy', reason };
}

export function refuseMoreInput(state: ThreadState, { input }: Pick<SteerTurn, 'input'>): Refusal | null {
  return refuseInput(state, bytesOf(input));
}

export function refuseLargerTurn(state: ThreadState, edit: Extract<EditQueue, { op: 'edit' }>): Refusal | null {
  const before = state.queue.find(({ turnId }) => turnId === edit.turnId)?.input ?? [];
  const { input = before } = edit;
  return refuseInput(state, bytesOf(input) - bytesOf(before));
}

/** The reason why no further turn may be queued, by their number. */
export function refuseNumber({ queue }: ThreadState): Refusal | null {
  if (queue.length < LIMITS.queuedTurns) return null;
  return { code: 'queueFull', reason: `${queue.length} turns are queued already; wait for some to end.` };
}

function refuseInput(state: ThreadState, bytes: number): Refusal | null {
  const waiting = inputBytes(state);
  if (bytes <= 0 ? waiting <= MOST_BYTES.input : waiting + bytes <= MOST_BYTES.input) return null;
  const hint =
    'Wait until some of it was taken up, drop queued turns, or put long text into a file of the workspace and name it.';
  return tooMuch('queued turns, steered input and commands', waiting, bytes, MOST_BYTES.input, hint);
}

// ------------------------------------------------------------------------------------------------------- other threads

export function refuseMail({ mailbox }: ThreadState, message: AgentMessage): Refusal | null {
  const waiting = mailbox.length === 0 ? 0 : bytesOf(mailbox);
  const bytes = bytesOf(message);
  if (mailbox.length < MAIL && waiting + bytes <= MOST_BYTES.mail) return null;
  const hint = `At most ${MAIL} wait. The next model step of the thread takes them up.`;
  return tooMuch(`${mailbox.length} messages of agents`, waiting, bytes, MOST_BYTES.mail, hint);
}

/** Whether a request of a thread below also fits here. */
export function hasRoomFor({ requests }: ThreadState, request: ThreadRequest): boolean {
  const below = requests.filter(({ origin }) => origin !== null);
  return bytesOf([...below, request]) <= MOST_BYTES.requestsBelow;
}

/** The report of an agent's end for the model: short if others have used up the room. */
export function fitNews({ children }: ThreadState, threadId: string, news: string): string {
  const others = children.flatMap((child) => (child.threadId === threadId ? [] : (child.news ?? [])));
  const kept = cutToBytes(news, Math.max(LEAST_NEWS, MOST_BYTES.news - (others.length === 0 ? 0 : bytesOf(others))));
  return kept.length === news.length
    ? news
    : `${kept}… (${news.length - kept.length} characters were left out: ask the agent)`;
}

const LEAST_NEWS = 400;

export function isOutboxFull({ outbox }: ThreadState): boolean {
  return outbox.length > 0 && bytesOf(outbox) > MOST_BYTES.outbox;
}

export function refuseLargeAnswers({ requestId, answers }: ResolveRequest): Refusal | null {
  const bytes = answers === undefined ? 0 : bytesOf(answers);
  return bytes <= MOST_BYTES.answers
    ? null
    : tooLarge(`The answers to request ${requestId}`, bytes, MOST_BYTES.answers);
}

// --------------------------------------------------------------------------------------------------------------- words

function tooLarge(what: string, bytes: number, most: number): Refusal {
  const reason = `${what}: ${bytes} bytes, and at most ${most} are taken. Put long text into a file of the workspace, and name it.`;
  return { code: 'inputTooLarge', reason };
}

function tooMuch(what: string, waiting: number, bytes: number, most: number, hint: string): Refusal {
  const reason = `${waiting} bytes of ${what} wait already, and ${bytes} more would be above ${most}. ${hint}`;
  return { code: 'tooMuchWaiting', reason };
}
