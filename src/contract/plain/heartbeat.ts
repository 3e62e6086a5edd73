/** Milliseconds without a heartbeat after which the worker of a step counts as lost. */
export const HEARTBEAT_TIMEOUT_MS = 5_000;

/** The longest interval that a worker may have between the heartbeats of a step: one of them may be lost or late. */
export const MAX_HEARTBEAT_MS = Math.floor(HEARTBEAT_TIMEOUT_MS / 2.5);
