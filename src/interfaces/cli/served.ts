/** Whether a worker serves the task queue. */
import { hostname } from 'node:os';
import type { Bobbin } from '../../client/index.ts';

/** The service remembers a worker for a while; one of this machine is known to be gone if its process is. */
export async function isServed(bobbin: Bobbin): Promise<boolean> {
  return (await bobbin.workers()).some(({ identity }) => !hasEnded(identity));
}

/** @param identity `<process id>@<host>` by default */
function hasEnded(identity: string): boolean {
  const [, pid, host] = /^(\d+)@(.+)$/.exec(identity) ?? [];
  if (pid === undefined || host !== hostname()) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
