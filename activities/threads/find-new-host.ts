/** Which host takes a thread that is moved. Idempotent: it only reads. */
import type { NewHost } from '../contract.ts';
import { Failure } from '../failures.ts';
import type { KnownHost, Ports } from '../ports.ts';
import { runShortStep } from '../step.ts';

export function findNewHost(
  { hosts, heartbeatEveryMs }: Pick<Ports, 'hosts' | 'heartbeatEveryMs'>,
  { from, host, group, silent = [] }: { from: string; host?: string; group?: string; silent?: string[] },
): Promise<NewHost> {
  return runShortStep({ name: 'Looking for a host', heartbeatEveryMs }, async () => {
    const known = await hosts.list({ fresh: true });
    const isFormerServed = known.some(({ id, status }) => id === from && status !== 'away');
    return { host: chooseHost(known, { from, host, group, silent }), isFormerServed };
  });
}

interface Wanted {
  from: string;
  host: string | undefined;
  /** The thread keeps its folder, which only the hosts of this group see. */
  group: string | undefined;
  /** Hosts that were asked and did not answer, whatever the service says of their workers. */
  silent?: readonly string[];
}

export function chooseHost(known: readonly KnownHost[], { from, host, group, silent = [] }: Wanted): string {
  const fits = (one: KnownHost) => group === undefined || one.group === group;
  const isSilent = ({ id }: KnownHost) => silent.includes(id);
  const former = known.find(({ id }) => id === from);
  if (group !== undefined && former !== undefined && !fits(former)) {
    const message = `Host ${from} is no longer in group ${group}: name the folder to which the thread is moved.`;
    throw new Failure('notMovable', message);
  }
  const list = known.map((one) => `${one.id} (${isSilent(one) ? 'does not answer' : one.status})`).join(', ') || 'none';
  if (host === undefined) {
    const other = known.find((one) => one.id !== from && one.status === 'serving' && !isSilent(one) && fits(one));
    if (other !== undefined) return other.id;
    const which = group === undefined ? 'No other host' : `No other host of group ${group}`;
    throw new Failure('hostNotServing', `${which} takes threads now; known are ${list}.`);
  }
  const found = known.find(({ id }) => id === host);
  if (found === undefined) throw new Failure('hostUnknown', `There is no host ${host}; known are ${list}.`);
  if (!fits(found)) {
    const message = `Host ${host} is not in group ${group ?? ''}: name the folder there to which the thread is moved.`;
    throw new Failure('notMovable', message);
  }
  if (found.status === 'serving') return host;
  const why = found.status === 'away' ? 'is away: no worker serves it' : 'is draining, so it takes no threads';
  throw new Failure('hostNotServing', `Host ${host} ${why}. Known are ${list}.`);
}
