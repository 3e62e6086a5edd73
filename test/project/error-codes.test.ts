import { ApplicationFailure, ActivityFailure, CancelledFailure, RetryState, TimeoutFailure } from '@temporalio/common';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { FAILURES } from '../../activities/failures.ts';
import { BOBBIN_ERROR_CODES } from '../../src/client/bobbin-error.ts';
import { toBobbinError } from '../../src/client/errors.ts';
import { REJECTION_CODES } from '../../src/contract/plain/rejection-codes.ts';
import { WORKFLOW_CODES } from '../../src/contract/plain/workflow-codes.ts';
import { EXIT, exitCodeOfError } from '../../src/interfaces/cli/exit-codes.ts';
import { toProblem } from '../../src/interfaces/http/problem.ts';

const ABOUT = { threadId: 'fix-it', action: 'undo' };

function afterUpdate(cause: Error) {
  const error = toBobbinError(new WorkflowUpdateFailedError('Workflow Update failed', cause), ABOUT);
  return { error, exit: exitCodeOfError(error.code), problem: toProblem(error).problem };
}

const refused = (code: string) => ApplicationFailure.nonRetryable('The reason.', code);
const ofStep = (cause: Error) =>
  new ActivityFailure('Activity task failed', 'undoFiles', '1', RetryState.NON_RETRYABLE_FAILURE, undefined, cause);

/** Of every update and step; some never come from an update of this release. */
const EVERY_CODE = [...new Set([...REJECTION_CODES, ...Object.keys(FAILURES), ...Object.keys(WORKFLOW_CODES)])];

/** Those of `undo --dry-run`, `move` and the updates of identities and ledgers. */
const OF_UPDATES = [
  ...REJECTION_CODES,
  ...['nothingToUndo', 'snapshotElsewhere', 'snapshotMissing', 'filesNotWritten', 'gitFailed', 'cancelled'],
  ...['workspaceMissing', 'workspaceMoved', 'workspaceClosed', 'workspaceHoldsSettings', 'sandboxUnavailable'],
  ...['hostUnknown', 'hostNotServing', 'restoreIncomplete', 'storeUnavailable', 'stepStoppedByWorker'],
  ...['repositoryRefused', 'repositoryMissing', 'repositoryUnauthorized', 'repositoryRefMissing'],
  ...['repositoryPathMissing', 'repositoryTooLarge', 'stepTimedOut', 'threadMissing', 'threadUnreadable'],
  ...['archiveMissing', 'archiveUnavailable', 'findingUnknown', 'findingDismissed', 'findingNotDismissed'],
  ...['agentIdentityUnavailable', 'agentIdentityRefused', 'agentIdentityAnswerMalformed', 'agentIdentityRevoked'],
  'agentKeyMissing',
];

describe('the code of a failed update', () => {
  it.each(EVERY_CODE)('%s fails the command and the request', (code) => {
    for (const cause of [refused(code), ofStep(refused(code))]) {
      const { error, exit, problem } = afterUpdate(cause);
      expect(BOBBIN_ERROR_CODES).toContain(error.code);
      expect(exit).toBeGreaterThan(0);
      expect(problem.status).toBeGreaterThanOrEqual(400);
      expect(problem.code).toBe(error.code);
      expect(problem.detail).toContain('The reason.');
    }
  });

  it.each(OF_UPDATES)('%s arrives as it is', (code) => {
    expect(afterUpdate(refused(code)).error.code).toBe(code);
    expect(afterUpdate(ofStep(refused(code))).error.code).toBe(code);
  });

  it.each(['snapshotElsewhere', 'nothingToUndo'])('%s is a refusal', (code) => {
    const { exit, problem } = afterUpdate(refused(code));
    expect([exit, problem.status]).toEqual([EXIT.refused, 409]);
  });

  it('is `internal`, with the reason and the code, for a code of a later worker', () => {
    const { error, exit, problem } = afterUpdate(refused('brandNew'));
    expect(error).toMatchObject({ code: 'internal', message: 'undo: The reason. (brandNew)' });
    expect([exit, problem.status]).toEqual([EXIT.failure, 500]);
  });

  it('is `threadClosed` if the thread ended before the update did', () => {
    const message = 'Workflow Update failed because the Workflow completed before the Update completed.';
    const { error, exit, problem } = afterUpdate(
      ApplicationFailure.nonRetryable(message, 'AcceptedUpdateCompletedWorkflow'),
    );
    expect(error).toMatchObject({ code: 'threadClosed' });
    expect(error.message).toContain('undo: thread fix-it is closed');
    expect([exit, problem.status]).toEqual([EXIT.refused, 409]);
  });

  it('says that no worker took the step, or that it took too long', () => {
    const timedOut = (type: 'SCHEDULE_TO_START' | 'START_TO_CLOSE') =>
      afterUpdate(ofStep(new TimeoutFailure('activity timeout', undefined, type)));
    expect(timedOut('SCHEDULE_TO_START')).toMatchObject({
      error: { code: 'hostAway' },
      exit: EXIT.unavailable,
      problem: { status: 503 },
    });
    expect(timedOut('START_TO_CLOSE').error.code).toBe('stepTimedOut');
    expect(afterUpdate(ofStep(new CancelledFailure('cancelled'))).error.code).toBe('cancelled');
  });

  it('fails a command even if nothing knows the code', () => {
    expect(exitCodeOfError('brandNew' as 'internal')).toBe(EXIT.failure);
  });
});
