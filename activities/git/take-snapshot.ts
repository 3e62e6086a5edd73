/** Takes a snapshot as a separate step. Safe to repeat: an unreported snapshot is released with the thread. */
import type { SnapshotStep } from '../contract.ts';
import type { Ports, Snapshot } from '../ports.ts';
import { runStep } from '../step.ts';
import { takeAndKeep } from './snapshot-beside.ts';

export async function takeSnapshot(ports: Ports, input: SnapshotStep): Promise<Snapshot | { type: 'aborted' }> {
  return runStep<{ type: 'snapshot' }, Snapshot>({ ...ports, ...input }, { type: 'snapshot' }, ({ signal }) => {
    ports.requireWorkspace(input.cwd, input.root);
    return takeAndKeep(ports.git, input, signal);
  });
}
