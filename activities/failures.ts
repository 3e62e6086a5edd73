/**
 * Every failure type that a step can end with. `docs/errors.md` has a section for each of them, and for the codes that
 * workflows and the client add.
 *
 * The class of a failure decides whether it is retried:
 * - `invalid`: the caller's mistake. Not retried, because the same request would fail again.
 * - `unavailable`: something outside did not answer as it should. Retried with backoff.
 * - `defect`: a mistake of Bobbin. Not retried, because it would fail the same way.
 *
 * Adapters throw these and know nothing of Temporal; `to-temporal.ts` turns them into what the service stores.
 */
export type FailureClass = 'invalid' | 'unavailable' | 'defect';

export const FAILURES = {
  // model
  modelBadRequest: 'invalid',
  modelUnauthorized: 'invalid',
  modelNotFound: 'invalid',
  contextWindowExceeded: 'invalid',
  usageLimitExceeded: 'invalid',
  modelPriceUnknown: 'invalid',
  providerNotInstalled: 'invalid',
  modelRateLimited: 'unavailable',
  modelServerError: 'unavailable',
  modelUnreachable: 'unavailable',
  modelStreamBroken: 'unavailable',
  modelAnswerMalformed: 'unavailable',
  // agent identity and agent task
  agentTaskStale: 'invalid',
  agentAssertionRejected: 'invalid',
  agentIdentityUnavailable: 'unavailable',
  agentIdentityRefused: 'invalid',
  agentIdentityAnswerMalformed: 'unavailable',
  agentKeyMissing: 'invalid',
  agentIdentityRequired: 'invalid',
  agentIdentityRevoked: 'invalid',
  // workspace, commands, patches
  workspaceMissing: 'invalid',
  workspaceMoved: 'invalid',
  workspaceOnNoHost: 'invalid',
  workspaceHoldsSettings: 'invalid',
  workspaceClosed: 'invalid',
  hostUnknown: 'invalid',
  hostNotServing: 'invalid',
  notMovable: 'invalid',
  sandboxUnavailable: 'invalid',
  commandNotStarted: 'invalid',
  commandLost: 'invalid',
  commandStoppedByWorker: 'invalid',
  patchMalformed: 'invalid',
  patchDoesNotApply: 'invalid',
  patchOutsideWorkspace: 'invalid',
  // repositories of managed workspaces
  repositoryRefused: 'invalid',
  repositoryMissing: 'invalid',
  repositoryUnauthorized: 'invalid',
  repositoryRefMissing: 'invalid',
  repositoryPathMissing: 'invalid',
  repositoryTooLarge: 'invalid',
  // git
  gitFailed: 'unavailable',
  snapshotMissing: 'invalid',
  filesNotWritten: 'unavailable',
  restoreIncomplete: 'invalid',
  // reviews
  reviewNoRepository: 'invalid',
  reviewTargetUnknown: 'invalid',
  reviewTargetRefused: 'invalid',
  reviewBaseMissing: 'invalid',
  reviewNothingToReview: 'invalid',
  reviewEmpty: 'invalid',
  reviewUnreadable: 'invalid',
  reviewRunLost: 'invalid',
  reviewMoved: 'invalid',
  ledgerUnavailable: 'unavailable',
  // MCP servers
  mcpServerUnavailable: 'unavailable',
  // tasks of the operator's own code
  taskUnknown: 'invalid',
  taskFailed: 'invalid',
  taskUnavailable: 'unavailable',
  // steps that are retried
  stepStoppedByWorker: 'unavailable',
  // storage
  archiveUnavailable: 'unavailable',
  storeUnavailable: 'unavailable',
  archiveMissing: 'invalid',
  rulesUnavailable: 'unavailable',
  threadUnreadable: 'unavailable',
  threadMissing: 'invalid',
  threadNotResumable: 'invalid',
  turnUnknown: 'invalid',
  // defects
  internal: 'defect',
} as const satisfies Record<string, FailureClass>;

export type FailureCode = keyof typeof FAILURES;

export interface FailureOptions {
  /** The original error. Its message is not copied into this one. */
  cause?: unknown;
  /** How long the other side asked to wait before the next attempt, in milliseconds. */
  retryAfterMs?: number;
  /** Facts for programs, for example an HTTP status. Never a secret. */
  details?: Record<string, string | number | boolean>;
}

/** A failure with a code from {@link FAILURES}. Its message says what failed, with which ids, and what to do. */
export class Failure extends Error {
  readonly code: FailureCode;
  readonly retryAfterMs: number | undefined;
  readonly details: Record<string, string | number | boolean>;

  constructor(code: FailureCode, message: string, options: FailureOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'Failure';
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
    this.details = options.details ?? {};
  }

  get class(): FailureClass {
    return FAILURES[this.code];
  }
}
