/** `bobbin thread agents`: prints the threads below a thread as a tree. */
import type { Bobbin } from '../../../client/index.ts';
import type { SubThread, ThreadView } from '../../../contract/index.ts';
import { EXIT } from '../exit-codes.ts';
import type { Output } from '../text/output.ts';
import { type Part, beginning, line } from '../text/terminal-text.ts';

interface AgentTree extends SubThread {
  agents: AgentTree[];
}

export async function agents(bobbin: Bobbin, output: Output, threadId: string): Promise<number> {
  const view = await bobbin.threads.get(threadId).view();
  const tree = await readTree(bobbin, view);
  const lines = describeTree(tree, '');
  output.result({ threadId, agents: tree }, lines.length > 0 ? lines : [`thread ${threadId} has no sub-threads`]);
  return EXIT.ok;
}

export async function readTree(bobbin: Bobbin, { subThreads }: Pick<ThreadView, 'subThreads'>): Promise<AgentTree[]> {
  return await Promise.all(
    subThreads.map(async (child) => {
      // The service may no longer have an ended child; what its parent knows is enough.
      const isOver = child.status === 'shutdown' || child.status === 'notFound';
      const view = isOver ? null : await bobbin.threads.get(child.threadId).view();
      return { ...child, agents: view === null ? [] : await readTree(bobbin, view) };
    }),
  );
}

export function describeTree(tree: readonly AgentTree[], indent: string): Part[] {
  return tree.flatMap((one) => [
    `${indent}${one.role} ${one.name}  ${one.status}  ${one.threadId}`,
    ...(one.lastAgentMessage === null ? [] : [line`${indent}  ${beginning(one.lastAgentMessage)}`]),
    ...describeTree(one.agents, `${indent}  `),
  ]);
}
