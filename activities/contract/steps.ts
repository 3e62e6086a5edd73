/** Common members of steps. */

/** For every step on the workspace of a thread. */
export interface OnWorkspace {
  /** The real path that the workspace must have; threads of earlier releases have none. */
  root?: string;
}
