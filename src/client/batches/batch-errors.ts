/** Converts Temporal's errors about a batch into the error of this client. */
import {
  QueryNotRegisteredError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { BATCH_PREFIX } from '../../contract/plain/workflow-ids.ts';
import { BobbinError } from '../bobbin-error.ts';
import { hasEnded, toBobbinError } from '../errors.ts';

export function toBatchError(error: unknown, batchId: string, action: string): BobbinError {
  if (error instanceof WorkflowExecutionAlreadyStartedError)
    return new BobbinError('batchExists', `${action}: a batch ${batchId} has ended; use another id.`, error);
  const isGone = error instanceof WorkflowNotFoundError;
  if (isGone && hasEnded(error))
    return new BobbinError('batchEnded', `${action}: batch ${batchId} has already ended.`, error);
  const known = toBobbinError(error, { threadId: `${BATCH_PREFIX}${batchId}`, action });
  if (error instanceof QueryNotRegisteredError && known.code === 'internal') {
    const message = `${action}: batch ${batchId} was refused. The Temporal UI shows why at workflow ${BATCH_PREFIX}${batchId}.`;
    return new BobbinError('batchRefused', message, error);
  }
  if (!isGone && known.code !== 'threadNotFound') return known;
  return new BobbinError('batchNotFound', `${action}: there is no batch ${batchId}.`, error);
}
