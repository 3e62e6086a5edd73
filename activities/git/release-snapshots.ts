/** Lets go of all that a thread kept in the repository of its workspace, and in its temporary folders. Twice is once. */
import type { Ports } from '../ports.ts';
import { runShortStep } from '../step.ts';

export async function releaseSnapshots(ports: Ports, request: { threadId: string; cwd: string }): Promise<null> {
  return runShortStep({ ...ports, name: `Releasing the snapshots of thread ${request.threadId}` }, async (signal) => {
    await ports.commands.forget(request.threadId);
    await ports.git.release({ ...request, names: 'all' }, signal);
    return null;
  });
}
