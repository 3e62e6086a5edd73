/** The tools by which an agent deals with agents of its own. `workflows/thread/tools/agent-calls.ts` is what they do. */
import type { ToolSpec } from '../ports.ts';
import { object, text } from './json-schema.ts';

const target = text('The task_name of an agent, or its agent_id.');

export const AGENT_TOOL_SPECS: ToolSpec[] = [
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
  },
  {
    name: 'send_message',
    description: 'Tells an agent something. It reads it with its next model request; it starts no turn.',
    parameters: object({ target, message: text('What to tell it.') }, ['target', 'message']),
  },
  {
    name: 'followup_task',
    description: 'Gives an agent a further task, which begins when its present one has ended.',
    parameters: object({ target, message: text('The task.') }, ['target', 'message']),
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
  },
  {
    name: 'list_agents',
    description: 'Lists your agents, what each is doing, and what it said last.',
    parameters: object({}, []),
  },
  {
    name: 'close_agent',
    description: 'Ends an agent and every agent below it.',
    parameters: object({ target }, ['target']),
  },
];
