/** Whether a worker serves a host, asked from another one. Idempotent: it only reads. */
import type { Ports } from '../ports.ts';
import { runShortStep } from '../step.ts';

export function lookForHost(
  ports: Pick<Ports, 'hosts' | 'heartbeatEveryMs'>,
  host: string,
): Promise<{ isServed: boolean }> {
  const { hosts, heartbeatEveryMs } = ports;
  return runShortStep({ name: `Looking for host ${host}`, heartbeatEveryMs }, async () => ({
    isServed: host === hosts.id || (await hosts.isServed(host)),
  }));
}
