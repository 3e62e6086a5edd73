/**
 * The registry of tools: one line each. `activities/tools.ts` has the other half: the definitions for the model, and
 * the activities.
 */
import type { ToolDefinition } from '../../../src/contract/plain/tools/tool.ts';
import { actionIds } from '../state/actions.ts';
import type { ThreadState, ToolCall } from '../state/state.ts';
import { agents } from './agents.ts';
import { exec } from './exec.ts';
import { mcp } from './mcp.ts';
import { patch } from './patch.ts';
import { plan } from './plan.ts';
import { question } from './question.ts';
import { skill } from './skill.ts';
import type { Tool } from './tool.ts';
import { viewImage } from './view-image.ts';
import { write } from './write.ts';

/** The keys name the tools in the state, also in states of earlier releases, so they do not change. */
const TOOLS = {
  exec,
  patch,
  plan,
  question,
  agent: agents,
  mcp,
  write,
  skill,
  viewImage,
} as unknown as Readonly<Record<string, Tool>>;

/** The tool that a model calls by that name; null if there is none. */
export function toolNamed(name: string): { key: string; definition: ToolDefinition } | null {
  for (const [key, { definitions }] of Object.entries(TOOLS)) {
    const definition = definitions.find((one) => one.name === name);
    if (definition !== undefined) return { key, definition };
  }
  return null;
}

/** The tool of a call. */
export function toolOf({ tool: key, index }: Pick<ToolCall, 'tool' | 'index'>): Tool {
  const tool = TOOLS[key];
  if (tool === undefined) throw new Error(`Item ${index} is a call of ${key}, a tool that this release does not have`);
  return tool;
}

/** The id of the action that is under way for a call; null if there is none. */
export function actionIdOf(state: ThreadState, call: ToolCall): string | null {
  if (call.status === 'lookingUp') return actionIds.rules(call.index);
  const tool = toolOf(call);
  return tool.actionId === undefined ? actionIds.tool(state.threadId, call.index) : tool.actionId(state, call);
}
