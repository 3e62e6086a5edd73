/**
 * Makes the workspace of a thread that is moved, on the host that takes it. Idempotent: a second attempt completes the
 * folder of the first.
 */
import type { RestoredWorkspace, WorkspaceToRestore } from '../contract.ts';
import { Failure } from '../failures.ts';
import type { Ports } from '../ports.ts';
import { runShortStep } from '../step.ts';
import { toPlace } from './receive-thread.ts';

export function restoreWorkspace(ports: Ports, request: WorkspaceToRestore): Promise<RestoredWorkspace> {
  const { threadId, key } = request;
  const owner = { threadId, key };
  return runShortStep({ ...ports, name: `Restoring the workspace of thread ${threadId}` }, async (signal) => {
    let cwd: string | undefined;
    try {
      ({ cwd } = await ports.workspaces.prepare(owner, request.managed, signal));
      const { restored, notRestored } = await fill(ports, cwd, request, signal);
      return { place: await toPlace(ports, { ...request, cwd }), restored, notRestored };
    } catch (error) {
      if (!(error instanceof Failure) || error.class === 'unavailable') throw error;
      if (cwd !== undefined) await ports.packs.forget(cwd);
      await ports.workspaces.discard(owner, signal);
      throw error;
    }
  });
}

async function fill(
  { packs: port }: Pick<Ports, 'packs'>,
  cwd: string,
  { threadId, packs, newest, snapshots }: WorkspaceToRestore,
  signal: AbortSignal,
): Promise<Pick<RestoredWorkspace, 'restored' | 'notRestored'>> {
  if (newest === null) return { restored: await port.describe(cwd, null, signal), notRestored: [] };
  const { notRestored } = await port.restore({ threadId, cwd, packs, newest, snapshots }, signal);
  return { restored: newest, notRestored };
}
