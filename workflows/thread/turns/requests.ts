/** Requests that a person or a policy must answer. A request is answered exactly once. */
import type {
  ApprovalDecision,
  Excerpt,
  ResolveRequest,
  ResolvedBy,
  ThreadRequest,
} from '../../../src/contract/index.ts';
import { shorten } from '../../../src/contract/plain/foreign-text.ts';
import { type Action, actionIds } from '../state/actions.ts';
import { emit, itemAt } from '../state/log.ts';
import { report } from './outbox.ts';
import { type ThreadState, stopsAll } from '../state/state.ts';
import { toSummary } from '../state/steps.ts';

/** A request without the members that follow from its place in the thread. */
export type NewRequest = ItemRequest extends infer R ? (R extends ItemRequest ? Omit<R, Given> : never) : never;
type ItemRequest = Exclude<ThreadRequest, { type: 'budget' }>;
type Given = 'requestId' | 'turnId' | 'itemId' | 'openedAt' | 'deadlineAt' | 'default' | 'origin';

/** UTF-16 code units of a patch or of arguments in a request: it is kept twice, and sent to every thread above. */
const EXCERPT_CHARS = 16_000;

export function toExcerpt(text: string): Excerpt {
  return { text: shorten(text, EXCERPT_CHARS).text, chars: text.length };
}

const EVENT_OF = {
  budget: 'turn/budget/requestApproval',
  commandExecution: 'item/commandExecution/requestApproval',
  fileChange: 'item/fileChange/requestApproval',
  mcpToolCall: 'item/mcpToolCall/requestApproval',
  userInput: 'item/tool/requestUserInput',
} as const;

export function requestIdOf(index: number): string {
  return `req_${index}`;
}

/** Opens the request of the item with number `index`. */
export function openRequest(state: ThreadState, at: number, index: number, request: NewRequest): ThreadState {
  const { id: itemId, turnId } = itemAt(state.log, index);
  const deadline = state.settings.requestDeadlineMs;
  const open: ThreadRequest = {
    ...request,
    requestId: requestIdOf(index),
    turnId,
    itemId,
    openedAt: at,
    deadlineAt: deadline > 0 ? at + deadline : null,
    default: 'decline',
    origin: null,
  };
  return showRequest(state, at, open);
}

/** Opens the request of a thread that has used up a budget. */
export function openBudgetRequest(
  state: ThreadState,
  at: number,
  asked: Pick<
    Extract<ThreadRequest, { type: 'budget' }>,
    'turnId' | 'scope' | 'limit' | 'spent' | 'max' | 'grants' | 'reason'
  >,
): ThreadState {
  const number = state.budget.requests + 1;
  const counted = { ...state, budget: { ...state.budget, requests: number } };
  const deadline = state.settings.requestDeadlineMs;
  return showRequest(counted, at, {
    type: 'budget',
    requestId: `budget_${number}`,
    itemId: null,
    ...asked,
    openedAt: at,
    deadlineAt: deadline > 0 ? at + deadline : null,
    default: 'decline',
    origin: null,
  });
}

/** Adds an open request, of this thread or of one below it, and reports it to the thread above. */
export function showRequest(state: ThreadState, at: number, request: ThreadRequest): ThreadState {
  const told = emit({ ...state, requests: [...state.requests, request] }, at, {
    type: EVENT_OF[request.type],
    request,
  });
  return report(told, { type: 'requestOpened', request });
}

/** The immediate answer of a thread that nobody watches; null if somebody may answer. */
export function policyAnswer(state: ThreadState, index: number): ResolveRequest | null {
  const { unattended } = state.settings;
  const request = state.requests.find((open) => open.requestId === requestIdOf(index));
  if (unattended === null || request === undefined) return null;
  if (request.type !== 'userInput') return { requestId: request.requestId, decision: unattended.approvals };
  return { requestId: request.requestId, decision: 'decline' };
}

/** Removes the request from the list and records who decided what. */
export function closeRequest(
  state: ThreadState,
  at: number,
  requestId: string,
  decision: ApprovalDecision,
  by: ResolvedBy,
): ThreadState {
  const requests = state.requests.filter((open) => open.requestId !== requestId);
  const told = emit({ ...state, requests }, at, { type: 'serverRequest/resolved', requestId, decision, by });
  return report(told, { type: 'requestResolved', requestId, decision, by });
}

/** Withdraws every request of a turn, once nothing of the turn is left that could mistake this for an answer. */
export function withdrawRequests(state: ThreadState, at: number, turnId: string): ThreadState {
  return withdraw(state, at, (open) => open.origin === null && open.turnId === turnId);
}

/** Withdraws the requests that match. */
export function withdraw(state: ThreadState, at: number, matches: (request: ThreadRequest) => boolean): ThreadState {
  return state.requests
    .filter(matches)
    .reduce((current, open) => closeRequest(current, at, open.requestId, 'cancel', 'abort'), state);
}

/** The abort of its turn has begun, so it takes no answer. */
function isWithdrawn(state: ThreadState, { turnId }: ThreadRequest): boolean {
  const turn = state.active?.turnId === turnId ? state.active : null;
  return stopsAll(state) && turn !== null && turn.aborting !== null;
}

/** A timer for each request of this thread that has a deadline. */
export function wantedDeadlines(state: ThreadState): Action[] {
  return state.requests.flatMap((open): Action[] =>
    open.deadlineAt === null || open.origin !== null || isWithdrawn(state, open)
      ? []
      : [
          {
            type: 'awaitTime',
            id: actionIds.deadline(open.requestId),
            at: open.deadlineAt,
            about: { type: 'requestDeadline', requestId: open.requestId },
            summary: toSummary('deadline', `of request ${open.requestId}`),
          },
        ],
  );
}
