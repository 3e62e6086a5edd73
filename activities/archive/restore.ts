/** Fetches what a closed run left for the run that continues it. Idempotent: it reads, and segments are written once. */
import type { CarriedState, Ports } from '../ports.ts';
import { runShortStep } from '../step.ts';
import { moveSegment } from './segments.ts';

export async function restoreThread(ports: Ports, request: { threadId: string; runId: string }): Promise<CarriedState> {
  const { threadId, runId } = request;
  return runShortStep({ ...ports, name: `Restoring thread ${threadId} from run ${runId}` }, async (signal) => {
    const left = await ports.threads.closedRun(threadId, runId, signal);
    for (const segment of left.toArchive) await moveSegment(ports, { threadId, segment }, signal, left.runId);
    return left.state;
  });
}
