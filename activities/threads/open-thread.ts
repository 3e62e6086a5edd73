/** What a new thread is given that only its worker knows. A look at the service at most, so twice is once. */
import type { StartThread } from '../../src/contract/index.ts';
import type { OpenedThread } from '../contract.ts';
import type { Ports } from '../ports.ts';

export async function openThread(
  { defaults, searchAttributes, rootOf }: Pick<Ports, 'defaults' | 'searchAttributes' | 'rootOf'>,
  start: StartThread,
): Promise<OpenedThread> {
  const usable = await searchAttributes.usable();
  const { cwd, root = rootOf(cwd) } = start.workspace;
  return { ...defaults(start), root, searchAttributes: usable, openedAt: Date.now(), keepsAfter: true, decisions: 2 };
}
