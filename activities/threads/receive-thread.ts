/** Looks at the folder of a thread on the host that it is moved to. Idempotent: it only reads. */
import type { NewPlace } from '../contract.ts';
import type { Ports } from '../ports.ts';
import { runShortStep } from '../step.ts';
import { findManaged, findRulesPlace, toGroup, toProbe } from './open-thread.ts';

type ReceivingPorts = Pick<
  Ports,
  'requireWorkspace' | 'rootOf' | 'rules' | 'hosts' | 'workspaces' | 'heartbeatEveryMs'
>;

export function receiveThread(
  ports: ReceivingPorts,
  { threadId, cwd, rules, graceMs }: { threadId: string; cwd: string; rules: boolean; graceMs?: number },
): Promise<NewPlace> {
  return runShortStep({ ...ports, name: `Receiving thread ${threadId}` }, async () => {
    ports.requireWorkspace(cwd);
    return toPlace(ports, { cwd, rules, ...(graceMs === undefined ? {} : { graceMs }) });
  });
}

/** The settings of a thread that works in that folder of this host. */
export async function toPlace(
  ports: Pick<Ports, 'rootOf' | 'rules' | 'hosts' | 'workspaces'>,
  { cwd, rules, graceMs }: { cwd: string; rules: boolean; graceMs?: number },
): Promise<NewPlace> {
  const root = ports.rootOf(cwd);
  const [place, known] = await Promise.all([
    rules ? findRulesPlace(ports, cwd, root) : {},
    ports.hosts.list({ fresh: false }),
  ]);
  return {
    host: ports.hosts.id,
    ...toGroup(ports.hosts),
    cwd,
    root,
    ...findManaged(ports, cwd, root),
    ...place,
    ...toProbe(known.length, graceMs),
  };
}
