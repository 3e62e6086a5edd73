/** Names of packs in a store: `<namespace>/<thread>/<sha-256>`. */
import { createHash } from 'node:crypto';

export interface PackOwner {
  namespace: string;
  threadId: string;
}

const LONGEST = 150;

/** The names of all packs of a namespace begin like this. */
export function toPrefix(namespace: string): string {
  return `${toPart(namespace)}/`;
}

export function toPackName({ namespace, threadId }: PackOwner, id: string): string {
  return `${toPrefix(namespace)}${toPart(threadId)}/${id}`;
}

/** The thread and the pack of a name; null for another object, and for a thread whose id is too long to be in it. */
export function readPackName(name: string): { threadId: string; id: string } | null {
  const [, part = '', id = ''] = /^[^/]+\/([^/]+)\/([0-9a-f]{64})$/.exec(name) ?? [];
  if (!part.startsWith('t-')) return null;
  const threadId = part.slice(2).replace(/=([0-9a-f]{4})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return { threadId, id };
}

/** Reversible, and different on a file system that ignores case; a long one is hashed. */
function toPart(text: string): string {
  const escaped = text.replace(/[^a-z0-9_-]/g, (unit) => `=${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  if (escaped.length <= LONGEST) return `t-${escaped}`;
  return `h-${createHash('sha256').update(text).digest('hex')}`;
}
