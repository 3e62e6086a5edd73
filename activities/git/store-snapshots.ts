/** Writes snapshots of a thread to the store that hosts share. Idempotent: an object is named by its bytes. */
import type { StoreStep, StoredSnapshots } from '../contract.ts';
import { Failure } from '../failures.ts';
import type { Ports } from '../ports.ts';
import { runShortStep } from '../step.ts';

/** No turn has an id with a space. */
const NAME = 'stored files';

type StoringPorts = Pick<Ports, 'git' | 'packs' | 'requireWorkspace' | 'heartbeatEveryMs'>;

export function storeSnapshots(ports: StoringPorts, step: StoreStep): Promise<StoredSnapshots> {
  const { threadId, cwd, snapshots, newest, replaced } = step;
  return runShortStep({ ...ports, name: `Storing the files of thread ${threadId}` }, async (signal) => {
    const commit = step.commit ?? (await takeFresh(ports, step, signal));
    // The pack that replaces them is in the store.
    if (replaced.length > 0) await ports.packs.remove(threadId, replaced);
    const known = await findKnown(ports, step);
    if (commit === newest && snapshots.length === 0 && known.length > 0)
      return { pack: null, whole: false, newest: await ports.packs.describe(cwd, commit, signal) };
    return ports.packs.store({ threadId, cwd, newest: commit, snapshots, stored: known }, signal);
  });
}

/** A later pack needs all earlier ones, and the store may have been cleaned while the thread was closed. */
async function findKnown({ packs }: StoringPorts, step: StoreStep): Promise<string[]> {
  const { threadId, known, packs: needed = [] } = step;
  return known.length === 0 || (await packs.hasAll(threadId, needed)) ? known : [];
}

async function takeFresh(
  { git, requireWorkspace }: StoringPorts,
  { threadId, cwd, root }: StoreStep,
  signal: AbortSignal,
): Promise<string> {
  requireWorkspace(cwd, root);
  const taken = await git.snapshot(cwd, null, signal);
  if (taken.status !== 'taken')
    throw new Failure('snapshotMissing', `No snapshot of ${cwd} was taken: ${taken.reason}`, { details: { threadId } });
  await git.keep({ cwd, threadId, name: NAME }, taken.commit, signal);
  return taken.commit;
}
