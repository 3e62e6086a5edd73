/** Releases all snapshots of a thread, and removes its temporary folders. Idempotent. */
import type { OnWorkspace } from '../contract.ts';
import type { Ports } from '../ports.ts';
import { runShortStep } from '../step.ts';

export async function releaseSnapshots(
  ports: Ports,
  { root, ...request }: { threadId: string; cwd: string } & OnWorkspace,
): Promise<null> {
  return runShortStep({ ...ports, name: `Releasing the snapshots of thread ${request.threadId}` }, async (signal) => {
    await ports.commands.forget(request.threadId);
    // The git adapter handles a folder that is gone, and one of an earlier release.
    if (root !== undefined) ports.requireWorkspace(request.cwd, root);
    await ports.git.release({ ...request, names: 'all' }, signal);
    return null;
  });
}
