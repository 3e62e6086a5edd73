import type { CancellationScope } from '@temporalio/workflow';
import type { MachineInput } from '../state/inputs.ts';
import type { ThreadState } from '../state/state.ts';
import type { Links } from './effects.ts';

/** The one mutable place of a thread: its state, and the actions under way. */
export interface ThreadShell {
  /** Null until the thread is open. */
  state: ThreadState | null;
  /** The closed run that this one goes on from; null where there is none. */
  resumes: string | null;
  /** What happened before that, and when. */
  early: { machineInput: MachineInput; at: number }[];
  running: Map<string, CancellationScope>;
  /** Children that this run has started. */
  children: Links;
  /** Set by every event, cleared when the loop has seen it. */
  changed: boolean;
  /** Bytes of the history when the run began: what was carried over does not count against the run. */
  sizeAtStart: number;
  /** Grows when a run that should go on as a new one cannot. */
  patience: number;
  /** Items before this number have been offered to this worker, and will not change. */
  offered: number;
}
