/** Exit codes of every command; `docs/cli.md` has the same table. */
import type { BobbinErrorCode } from '../../client/index.ts';
import type { TurnCompletion } from '../../contract/index.ts';

export const EXIT = {
  ok: 0,
  /** Bobbin or the machine failed. */
  failure: 1,
  /** The command line or the message is invalid. */
  usage: 2,
  turnFailed: 3,
  turnAborted: 4,
  /** The Temporal service or a worker cannot be reached. */
  unavailable: 5,
  /** The thread, batch or schedule refused: not found, exists already, closed, busy, request not open. */
  refused: 6,
  /** A review has a finding at the threshold, or no readable verdict. */
  findings: 7,
  /** Ctrl-C. */
  interrupted: 130,
  /** The reader of the output has gone, as with `| head`. A turn goes on. */
  outputClosed: 141,
} as const;

export function exitCodeOfTurn(turn: TurnCompletion): number {
  switch (turn.status) {
    case 'completed':
      return EXIT.ok;
    case 'failed':
      return EXIT.turnFailed;
    case 'aborted':
      return EXIT.turnAborted;
  }
}

export function exitCodeOfError(code: BobbinErrorCode): number {
  switch (code) {
    case 'invalid':
    case 'malformed':
    case 'inputTooLarge':
    case 'imageUnusable':
      return EXIT.usage;
    case 'serviceUnavailable':
    case 'namespaceNotFound':
    case 'workerUnavailable':
    case 'threadOpening':
    case 'betweenWorkers':
    case 'hostAway':
    case 'stepTimedOut':
    case 'stepStoppedByWorker':
    case 'threadUnreadable':
      return EXIT.unavailable;
    case 'internal':
    case 'archiveMissing':
    case 'archiveUnavailable':
    case 'storeUnavailable':
    case 'gitFailed':
    case 'rulesUnavailable':
    case 'imagesUnavailable':
    case 'agentIdentityUnavailable':
    case 'agentIdentityAnswerMalformed':
    case 'agentKeyMissing':
    case 'filesNotWritten':
    case 'sandboxUnavailable':
    case 'cancelled':
      return EXIT.failure;
    case 'turnFailed':
      return EXIT.turnFailed;
    case 'turnAborted':
      return EXIT.turnAborted;
    case 'batchNotFound':
    case 'batchExists':
    case 'batchRefused':
    case 'batchEnded':
    case 'threadNotFound':
    case 'threadExists':
    case 'threadAmbiguous':
    case 'threadClosed':
    case 'threadRefused':
    case 'duplicateTurn':
    case 'turnNotActive':
    case 'turnNotSteerable':
    case 'threadBusy':
    case 'queueFull':
    case 'tooMuchWaiting':
    case 'turnNotQueued':
    case 'notEnoughTurns':
    case 'requestNotOpen':
    case 'notAChild':
    case 'requestMismatch':
    case 'imageNotFound':
    case 'identityNotFound':
    case 'agentIdentityRevoked':
    case 'agentIdentityRefused':
    case 'hostNotFound':
    case 'hostServed':
    case 'hostUnknown':
    case 'hostNotServing':
    case 'workspaceMissing':
    case 'workspaceMoved':
    case 'workspaceHoldsSettings':
    case 'workspaceClosed':
    case 'nothingToUndo':
    case 'snapshotElsewhere':
    case 'snapshotMissing':
    case 'threadMissing':
    case 'restoreIncomplete':
    case 'repositoryRefused':
    case 'repositoryMissing':
    case 'repositoryUnauthorized':
    case 'repositoryRefMissing':
    case 'repositoryPathMissing':
    case 'repositoryTooLarge':
    case 'samePlace':
    case 'notMovable':
    case 'agentsOpen':
    case 'ledgerNotFound':
    case 'findingUnknown':
    case 'findingDismissed':
    case 'findingNotDismissed':
    case 'searchAttributeTaken':
    case 'notPermitted':
    case 'scheduleNotFound':
    case 'scheduleExists':
    case 'scheduleForeign':
    case 'ruleUnknown':
      return EXIT.refused;
    default:
      code satisfies never;
      return EXIT.failure;
  }
}
