import type { CancellationScope } from '@temporalio/workflow';
import type { MachineInput } from '../state/inputs.ts';
import type { ThreadState } from '../state/state.ts';
import type { HostWait, StartThread } from '../../../src/contract/index.ts';
import type { Links } from './effects.ts';

/** The only mutable data of a thread: its state, and the actions under way. */
export interface ThreadShell {
  /** Null until the thread is open. */
  state: ThreadState | null;
  /** The start argument; null until it was read, and in a run that continues another one. */
  start: StartThread | null;
  /** The opening of the thread, which can be stopped while it waits for a host. */
  opening: CancellationScope;
  waitsFor: HostWait | null;
  /** Whether a turn was interrupted while the thread waited for a host. */
  interrupted: boolean;
  /** Inputs that arrived before the thread was open, with their time. */
  early: { machineInput: MachineInput; at: number }[];
  running: Map<string, CancellationScope>;
  /** Children that this run has started. */
  children: Links;
  /** Set by every event, cleared by the loop. */
  changed: boolean;
  /** Bytes of the history when the run began: the carry-over does not count against the run. */
  sizeAtStart: number;
  /** Grows when a run that should continue as new cannot. */
  patience: number;
  /** Items before this number were offered to this worker, and will not change. */
  offered: number;
}
