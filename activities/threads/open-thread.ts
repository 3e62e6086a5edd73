/** Fills the start argument of a new thread with the worker's defaults. Idempotent: it only reads. */
import type { StartThread } from '../../src/contract/index.ts';
import type { OpenedThread } from '../contract.ts';
import type { Ports } from '../ports.ts';

export async function openThread(
  { defaults, searchAttributes, rootOf }: Pick<Ports, 'defaults' | 'searchAttributes' | 'rootOf'>,
  start: StartThread,
): Promise<OpenedThread> {
  const usable = await searchAttributes.usable();
  const { cwd, root = rootOf(cwd) } = start.workspace;
  return { ...defaults(start), root, searchAttributes: usable, openedAt: Date.now(), keepsAfter: true, decisions: 3 };
}
