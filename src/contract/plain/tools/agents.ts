/** The tools that start and direct sub-agents. */
import type { AgentTool } from '../../index.ts';
import { LIMITS } from '../limits.ts';
import { nonEmptyText } from './fields.ts';
import { object, text } from './json-schema.ts';
import type { Fields, InvalidCall, ToolDefinition } from './tool.ts';

export type AgentArguments =
  | { tool: 'spawn_agent'; name: string; message: string; model: string | null }
  | { tool: 'send_message' | 'followup_task'; target: string; message: string }
  | { tool: 'close_agent'; target: string }
  | { tool: 'wait_agent'; targets: string[]; timeoutMs: number }
  | { tool: 'list_agents' };

/** Milliseconds, as in Codex. */
export const AGENT_WAIT = { min: 10_000, default: 30_000, max: 300_000 };

const MAX_NAME_CHARS = 80;
const MAX_TARGETS = 100;

const target = text('The task_name of an agent, or its agent_id.');

export const AGENT_TOOLS: (ToolDefinition<AgentArguments> & { name: AgentTool })[] = [
  {
    name: 'spawn_agent',
    description:
      'Starts another agent on a task of its own, in the same workspace. It knows nothing of this conversation: say all it ' +
      'needs. Returns at once; its end is told to you, and wait_agent waits for it.',
    parameters: object(
      {
        task_name: text('A short name by which you speak of it.'),
        message: text('The task, with all it needs to know.'),
        model: text('The model it uses; yours by default.'),
      },
      ['task_name', 'message'],
    ),
    offeredTo: 'parents',
    read(fields) {
      const name = nonEmptyText(fields['task_name'], MAX_NAME_CHARS);
      const message = toMessage(fields);
      if (name === null) return missing('spawn_agent', 'task_name');
      if (message === null) return missing('spawn_agent', 'message');
      return { tool: 'spawn_agent', name, message, model: nonEmptyText(fields['model'], LIMITS.idChars) };
    },
  },
  {
    name: 'send_message',
    description: 'Tells an agent something. It reads it with its next model request; it starts no turn.',
    parameters: object({ target, message: text('What to tell it.') }, ['target', 'message']),
    offeredTo: 'parents',
    read: (fields) => readAddressed('send_message', fields),
  },
  {
    name: 'followup_task',
    description: 'Gives an agent a further task, which begins when its present one has ended.',
    parameters: object({ target, message: text('The task.') }, ['target', 'message']),
    offeredTo: 'parents',
    read: (fields) => readAddressed('followup_task', fields),
  },
  {
    name: 'wait_agent',
    description: 'Waits until one of the agents has ended its task, or new input comes, or the time is up.',
    parameters: object(
      {
        targets: { type: 'array', items: target, description: 'Those to wait for; all by default.' },
        timeout_ms: { type: 'number', description: 'Milliseconds, 10000 to 300000; 30000 by default.' },
      },
      [],
    ),
    offeredTo: 'parents',
    read: ({ targets, timeout_ms: timeout }) => ({
      tool: 'wait_agent',
      targets: toTargets(targets),
      timeoutMs: toTimeout(timeout),
    }),
  },
  {
    name: 'list_agents',
    description: 'Lists your agents, what each is doing, and what it said last.',
    parameters: object({}, []),
    offeredTo: 'parents',
    read: () => ({ tool: 'list_agents' }),
  },
  {
    name: 'close_agent',
    description: 'Ends an agent and every agent below it.',
    parameters: object({ target }, ['target']),
    offeredTo: 'parents',
    read(fields) {
      const named = toTarget(fields['target']);
      return named === null ? missing('close_agent', 'target') : { tool: 'close_agent', target: named };
    },
  },
];

function missing(tool: AgentTool, member: string): InvalidCall {
  return { invalid: `${tool}: \`${member}\` is needed.` };
}

function readAddressed(tool: 'send_message' | 'followup_task', fields: Fields): AgentArguments | InvalidCall {
  const named = toTarget(fields['target']);
  const message = toMessage(fields);
  if (named === null) return missing(tool, 'target');
  return message === null ? missing(tool, 'message') : { tool, target: named, message };
}

function toMessage({ message }: Fields): string | null {
  return nonEmptyText(message, LIMITS.agentMessageChars);
}

function toTarget(value: unknown): string | null {
  return nonEmptyText(value, LIMITS.idChars);
}

function toTargets(value: unknown): string[] {
  return Array.isArray(value) ? value.flatMap((one) => toTarget(one) ?? []).slice(0, MAX_TARGETS) : [];
}

function toTimeout(asked: unknown): number {
  if (typeof asked !== 'number' || !(asked > 0)) return AGENT_WAIT.default;
  return Math.min(AGENT_WAIT.max, Math.max(AGENT_WAIT.min, Math.ceil(asked)));
}
