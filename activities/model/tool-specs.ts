/** The tools that a model is sent: their order is that of this list. `workflows/thread/tools/` is what their calls do. */
import { AGENT_TOOLS } from '../../src/contract/plain/tools/agents.ts';
import { APPLY_PATCH } from '../../src/contract/plain/tools/apply-patch.ts';
import { EXEC_COMMAND } from '../../src/contract/plain/tools/exec-command.ts';
import { REQUEST_USER_INPUT } from '../../src/contract/plain/tools/request-user-input.ts';
import type { Audience, ToolDefinition } from '../../src/contract/plain/tools/tool.ts';
import { UPDATE_PLAN } from '../../src/contract/plain/tools/update-plan.ts';
import type { ThreadSettings } from '../../src/contract/index.ts';
import type { ToolSpec } from '../ports.ts';

const TOOLS: ToolDefinition[] = [EXEC_COMMAND, APPLY_PATCH, UPDATE_PLAN, REQUEST_USER_INPUT, ...AGENT_TOOLS];

export const TOOL_NAMES = TOOLS.map(({ name }) => name);

/** A review gets only the tools for reviews, and a thread that may start no agents gets no tools for agents. */
export function toolsFor({ parent, subThreads }: ThreadSettings): ToolSpec[] {
  const depth = parent?.path.length ?? 0;
  const audiences: Audience[] = ['threadsAndReviews'];
  if (parent?.role !== 'review') audiences.push('threads');
  if (parent?.role !== 'review' && depth < subThreads.maxDepth) audiences.push('parents');
  return TOOLS.filter(({ offeredTo }) => audiences.includes(offeredTo)).map(toSpec);
}

export function toSpec({ name, description, parameters }: ToolSpec): ToolSpec {
  return { name, description, parameters };
}
