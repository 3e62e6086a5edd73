/** Problems: the answers of failed requests, after RFC 9457. */
import { z } from 'zod';
import { BobbinError, type BobbinErrorCode } from '../../client/bobbin-error.ts';
import { toVisible } from '../../contract/plain/foreign-text.ts';

interface ProblemKind {
  status: 400 | 401 | 403 | 404 | 405 | 408 | 409 | 410 | 413 | 415 | 422 | 429 | 500 | 503;
  title: string;
}

/** Problems of HTTP itself. */
const HTTP_PROBLEMS = {
  unauthorized: { status: 401, title: 'A valid token is needed' },
  scopeMissing: { status: 403, title: 'The token does not have the scope' },
  ownerRestricted: { status: 403, title: 'A token with an owner may not do this' },
  foreignOrigin: { status: 403, title: 'The request comes from a page of another origin, or names another host' },
  routeNotFound: { status: 404, title: 'There is no such address' },
  methodNotAllowed: { status: 405, title: 'The address does not support this method' },
  bodyTooLarge: { status: 413, title: 'The body is too large' },
  unsupportedMediaType: { status: 415, title: 'The body has another type' },
  rateLimited: { status: 429, title: 'Too many requests' },
  tooManyStreams: { status: 429, title: 'Too many open streams' },
  stopping: { status: 503, title: 'The server is stopping' },
} as const satisfies Record<string, ProblemKind>;

/** One for each code of the client. */
const CLIENT_PROBLEMS = {
  invalid: { status: 400, title: 'The request is not valid' },
  malformed: { status: 400, title: 'The message is not valid' },
  inputTooLarge: { status: 413, title: 'The message is too large' },
  notPermitted: { status: 403, title: 'The Temporal service does not permit it' },
  imageUnusable: { status: 422, title: 'No model can see this image' },
  imageNotFound: { status: 404, title: 'There is no such image' },
  imagesUnavailable: { status: 503, title: 'The archive cannot be used' },
  threadNotFound: { status: 404, title: 'There is no such thread' },
  hostNotFound: { status: 404, title: 'There is no such host' },
  hostUnknown: { status: 422, title: 'There is no such host' },
  hostNotServing: { status: 409, title: 'The host takes no threads now' },
  workspaceMissing: { status: 422, title: 'The host has no such folder' },
  workspaceMoved: { status: 422, title: 'The folder is another one than before' },
  workspaceHoldsSettings: { status: 422, title: 'The folder holds settings of the user' },
  workspaceClosed: { status: 422, title: 'The folder may not be a workspace' },
  restoreIncomplete: { status: 422, title: 'The workspace cannot be restored' },
  archiveMissing: { status: 410, title: 'The archive lacks a part of the past' },
  archiveUnavailable: { status: 503, title: 'The archive cannot be used' },
  storeUnavailable: { status: 503, title: 'The store cannot be used' },
  repositoryRefused: { status: 422, title: 'The repository may not be used' },
  repositoryMissing: { status: 422, title: 'There is no such repository' },
  repositoryUnauthorized: { status: 422, title: 'The host may not read the repository' },
  repositoryRefMissing: { status: 422, title: 'The repository has no such branch, tag or commit' },
  repositoryPathMissing: { status: 422, title: 'The repository has no such folder' },
  repositoryTooLarge: { status: 422, title: 'The repository is too large' },
  gitFailed: { status: 503, title: 'Git failed on the host' },
  filesNotWritten: { status: 503, title: 'The files could not be written' },
  sandboxUnavailable: { status: 503, title: 'No sandbox works on the host' },
  hostAway: { status: 503, title: 'No worker of the host took the step' },
  stepTimedOut: { status: 503, title: 'The step took too long' },
  stepStoppedByWorker: { status: 503, title: 'The worker was stopped' },
  cancelled: { status: 503, title: 'The step was cancelled' },
  threadUnreadable: { status: 503, title: 'The thread did not answer its step' },
  threadMissing: { status: 404, title: 'There is no such thread' },
  nothingToUndo: { status: 409, title: 'The thread has no turn to undo' },
  snapshotElsewhere: { status: 409, title: 'The snapshot is on another host' },
  snapshotMissing: { status: 410, title: 'The snapshot is gone' },
  samePlace: { status: 409, title: 'The thread works there already' },
  notMovable: { status: 409, title: 'The thread cannot be moved like this' },
  agentsOpen: { status: 409, title: 'Agents of the thread are open' },
  hostServed: { status: 409, title: 'A worker serves the host' },
  ledgerNotFound: { status: 404, title: 'There is no such ledger' },
  identityNotFound: { status: 404, title: 'The account has no identity' },
  findingUnknown: { status: 404, title: 'There is no such finding' },
  batchNotFound: { status: 404, title: 'There is no such batch' },
  scheduleNotFound: { status: 404, title: 'There is no such schedule' },
  threadAmbiguous: { status: 409, title: 'Several threads have an id that begins so' },
  ruleUnknown: { status: 404, title: 'There is no such rule' },
  threadExists: { status: 409, title: 'The id of the thread is taken' },
  threadClosed: { status: 409, title: 'The thread is closed' },
  threadBusy: { status: 409, title: 'A turn is active' },
  duplicateTurn: { status: 409, title: 'A turn with that id exists' },
  turnNotActive: { status: 409, title: 'The turn is not active' },
  turnNotSteerable: { status: 409, title: 'The turn cannot be steered' },
  turnNotQueued: { status: 409, title: 'The turn is not queued' },
  turnAborted: { status: 409, title: 'The turn was aborted' },
  queueFull: { status: 409, title: 'The queue of the thread is full' },
  tooMuchWaiting: { status: 409, title: 'Too much input waits in the thread' },
  notEnoughTurns: { status: 409, title: 'The thread has fewer turns' },
  requestNotOpen: { status: 409, title: 'The request is not open' },
  requestMismatch: { status: 409, title: 'The answer does not fit the request' },
  notAChild: { status: 409, title: 'The thread is no child of this one' },
  findingDismissed: { status: 409, title: 'The finding is dismissed for another reason' },
  findingNotDismissed: { status: 409, title: 'The finding is not dismissed' },
  agentKeyMissing: { status: 409, title: 'The worker does not have the key of the identity' },
  agentIdentityRevoked: { status: 409, title: 'The identity of the account was revoked' },
  batchExists: { status: 409, title: 'The id of the batch is taken' },
  batchEnded: { status: 409, title: 'The batch has ended' },
  scheduleExists: { status: 409, title: 'The id of the schedule is taken' },
  scheduleForeign: { status: 409, title: 'The schedule starts something other than a batch' },
  searchAttributeTaken: { status: 409, title: 'A search attribute has another type' },
  threadRefused: { status: 422, title: 'The thread cannot begin like this' },
  batchRefused: { status: 422, title: 'The batch cannot begin like this' },
  agentIdentityRefused: { status: 422, title: 'The identity service refused' },
  turnFailed: { status: 422, title: 'The turn failed' },
  internal: { status: 500, title: 'Bobbin failed' },
  threadOpening: { status: 503, title: 'The thread is being opened' },
  betweenWorkers: { status: 503, title: 'Another worker takes over the thread' },
  workerUnavailable: { status: 503, title: 'No worker answered in time' },
  namespaceNotFound: { status: 503, title: 'The Temporal service does not know the namespace' },
  serviceUnavailable: { status: 503, title: 'The Temporal service does not answer' },
  agentIdentityUnavailable: { status: 503, title: 'The identity service did not answer' },
  agentIdentityAnswerMalformed: { status: 503, title: 'The identity service gave an unreadable answer' },
  rulesUnavailable: { status: 422, title: 'The rules of the folder cannot be read' },
} as const satisfies Record<BobbinErrorCode, ProblemKind>;

export const PROBLEMS: Readonly<Record<ProblemCode, ProblemKind>> = { ...HTTP_PROBLEMS, ...CLIENT_PROBLEMS };
export type HttpProblemCode = keyof typeof HTTP_PROBLEMS;
export type ProblemCode = HttpProblemCode | BobbinErrorCode;

export const PROBLEM_TYPE = 'application/problem+json';

export const ProblemSchema = z.object({
  type: z.string().describe('Relative URL of the description of this problem.'),
  title: z.string(),
  status: z.int(),
  code: z.string().describe('For programs. Codes never change.'),
  detail: z.string().describe('What failed, with which ids, and what to do.'),
});
export type Problem = z.infer<typeof ProblemSchema>;

/** A problem of HTTP itself. */
export class HttpProblem extends Error {
  readonly code: HttpProblemCode;
  readonly headers: Record<string, string>;

  constructor(code: HttpProblemCode, detail: string, headers: Record<string, string> = {}) {
    super(detail);
    this.name = 'HttpProblem';
    this.code = code;
    this.headers = headers;
  }
}

/** Seconds after which a client may try again. */
const RETRY_AFTER = '1';

export function toProblem(error: unknown): { problem: Problem; headers: Record<string, string> } {
  const code = codeOf(error);
  const { status, title } = PROBLEMS[code];
  const detail = error instanceof HttpProblem || error instanceof BobbinError ? error.message : 'See the log.';
  return {
    problem: { type: `/docs#problem-${code}`, title, status, code, detail: toVisible(detail) },
    headers: {
      ...(status === 429 || (status === 503 && !mayBeDone(error)) ? { 'retry-after': RETRY_AFTER } : {}),
      ...(error instanceof HttpProblem ? error.headers : {}),
    },
  };
}

/** A client that tries again automatically would do it twice. */
function mayBeDone(error: unknown): boolean {
  return error instanceof BobbinError && error.mayBeDone;
}

function codeOf(error: unknown): ProblemCode {
  if (error instanceof HttpProblem) return error.code;
  return error instanceof BobbinError && Object.hasOwn(PROBLEMS, error.code) ? error.code : 'internal';
}
