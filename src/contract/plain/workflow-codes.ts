/** Codes of failures that workflows find themselves. Those of steps are in `activities/failures.ts`; `docs/errors.md` describes all. */
export const WORKFLOW_CODES = {
  agentIdentityUnstable: 'agentIdentityUnstable',
  batchFailed: 'batchFailed',
  cancelled: 'cancelled',
  commandLost: 'commandLost',
  hostAway: 'hostAway',
  nothingToRedo: 'nothingToRedo',
  nothingToUndo: 'nothingToUndo',
  reviewNotStarted: 'reviewNotStarted',
  reviewThreadLost: 'reviewThreadLost',
  snapshotElsewhere: 'snapshotElsewhere',
  snapshotUnavailable: 'snapshotUnavailable',
  stepTimedOut: 'stepTimedOut',
  workspaceOnNoHost: 'workspaceOnNoHost',
} as const;
