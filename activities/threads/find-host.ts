/** Which host opens a thread. */
import { createHash } from 'node:crypto';
import type { Elsewhere } from '../contract.ts';
import type { HostPort, KnownHost } from '../ports.ts';

interface Asked {
  /** The id that the start argument names. */
  host: string | undefined;
  /** Whether this host has the folder. */
  isHere: () => boolean;
  /** Another thread on that host has started it. */
  isChild: boolean;
}

/**
 * Null if it is this one. A host that is named is it. Without a name it is the first in the order of the ids that has the
 * folder, so that it does not depend on who is asked; if there is only one host, it is that one.
 */
export async function findHost(
  { id, list }: Pick<HostPort, 'id' | 'list'>,
  { host, isHere, isChild }: Asked,
): Promise<Elsewhere | null> {
  if (host === id && isChild) return null;
  if (host !== undefined) {
    const known = await list({ fresh: host !== id });
    const taking = idsOf(known, (status) => isChild || status !== 'draining');
    if (host === id && taking.includes(id)) return null;
    return toElsewhere(taking.includes(host) ? [host] : [], known);
  }
  const here = isHere();
  // A host that has the folder may take the thread even if another one has just been added.
  const known = await list({ fresh: !here });
  const serving = idsOf(known, (status) => status === 'serving');
  const isServing = serving.includes(id);
  if (isServing && known.length === 1) return null;
  const others = serving.filter((one) => one !== id);
  if (!here || !isServing) return toElsewhere(others, known, here ? undefined : id);
  const before = others.filter((one) => one < id);
  return before.length === 0 ? null : toElsewhere([...before, id], known);
}

/**
 * The hosts that may fetch a repository for a thread, the preferred one first. Without a name it is any that takes new
 * threads; threads spread over them.
 */
export async function findAnyHost(
  { list }: Pick<HostPort, 'list'>,
  { host, threadId }: { host: string | undefined; threadId: string },
): Promise<Elsewhere> {
  const known = await list({ fresh: true });
  if (host !== undefined)
    return toElsewhere(idsOf(known, (status) => status !== 'draining').includes(host) ? [host] : [], known);
  const serving = idsOf(known, (status) => status === 'serving');
  const order = new Map(serving.map((id) => [id, createHash('sha256').update(`${threadId}\0${id}`).digest('hex')]));
  return toElsewhere(
    serving.sort((a, b) => ((order.get(a) ?? '') < (order.get(b) ?? '') ? -1 : 1)),
    known,
  );
}

function idsOf(known: readonly KnownHost[], fits: (status: KnownHost['status']) => boolean): string[] {
  return known.flatMap(({ id, status }) => (fits(status) ? [id] : []));
}

/** @param without the host that does not have the folder */
function toElsewhere(ask: string[], known: readonly KnownHost[], without?: string): Elsewhere {
  const rest = known.filter(({ id }) => !ask.includes(id));
  const others = rest.map(({ id, status }) => `${id} (${id === without ? 'has no such folder' : status})`);
  return { type: 'elsewhere', ask, others };
}
