/**
 * Workflows of a release whose states today's workers do not know: the first run leaves such a state to one on another task
 * queue, and the one that finds it ends.
 */
import { makeContinueAsNewFunc } from '@temporalio/workflow';

const STATES = {
  thread: (state: object) => ({ carriedOver: state }),
  batchReview: (state: object) => ({ carriedBatch: state }),
  reviewLedger: (state: object) => ({ ...state, findings: [], runs: [] }),
  approvalRules: (state: object) => ({ ...state, rules: [] }),
};

function workflow(toArgument: (state: object) => object) {
  return async (argument: object): Promise<unknown> => {
    if (!('taskQueue' in argument)) return { found: argument };
    const { taskQueue } = argument as { taskQueue: string };
    return makeContinueAsNewFunc({ taskQueue })(toArgument({ version: 99 }));
  };
}

export const thread = workflow(STATES.thread);
export const batchReview = workflow(STATES.batchReview);
export const reviewLedger = workflow(STATES.reviewLedger);
export const approvalRules = workflow(STATES.approvalRules);
