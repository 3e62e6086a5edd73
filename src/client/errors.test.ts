import { WorkflowNotFoundError } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { toBatchError } from './batches/batch-errors.ts';
import { toBobbinError } from './errors.ts';

/** As the service says it. */
const ENDED = 'workflow execution already completed';
const notFound = (id: string) => new WorkflowNotFoundError(`workflow not found for ID: ${id}`, id, undefined);
const ended = (id: string) => new WorkflowNotFoundError(ENDED, id, undefined);

const IDS = ['fix-it', 'closed-loop', 'completed', 'workflow execution already completed'];

describe('the error of a message to a workflow that takes none', () => {
  it.each(IDS)('says that a thread named %s does not exist or is closed', (threadId) => {
    const about = { threadId, action: 'steer a turn' };
    expect(toBobbinError(notFound(`thread/${threadId}`), about).code).toBe('threadNotFound');
    expect(toBobbinError(ended(`thread/${threadId}`), about).code).toBe('threadClosed');
  });

  it.each(IDS)('says that a batch named %s does not exist or has ended', (batchId) => {
    expect(toBatchError(notFound(`batch/${batchId}`), batchId, 'cancel the batch').code).toBe('batchNotFound');
    expect(toBatchError(ended(`batch/${batchId}`), batchId, 'cancel the batch').code).toBe('batchEnded');
  });
});
