/** The tools as the model is told of them. `workflows/thread/tools/read-call.ts` reads the calls. */
import type { ThreadSettings } from '../../src/contract/index.ts';
import type { ToolSpec } from '../ports.ts';
import { AGENT_TOOL_SPECS } from './agent-tool-specs.ts';
import { object, text } from './json-schema.ts';

const TOOL_SPECS: ToolSpec[] = [
  {
    name: 'exec_command',
    description: 'Runs a shell command in the workspace and returns its exit code and output.',
    parameters: object(
      {
        cmd: text('The command line, run by bash.'),
        workdir: text('Folder to run it in; the workspace by default.'),
        timeout_ms: { type: 'number', description: 'Milliseconds until it is stopped; 120000 by default.' },
        sandbox_permissions: {
          type: 'string',
          enum: ['use_default', 'require_escalated'],
          description: 'require_escalated asks the person to let it run outside the sandbox.',
        },
        justification: text('One question to the person that says why it must run outside the sandbox.'),
      },
      ['cmd'],
    ),
  },
  {
    name: 'apply_patch',
    description:
      'Edits files. The input is a patch: `*** Begin Patch`, then `*** Add File: PATH` (a new one) with + lines, `*** Delete File: PATH`, ' +
      'or `*** Update File: PATH` (optionally `*** Move to: PATH`) with `@@` hunks of context, - and + lines, then `*** End Patch`.',
    parameters: object({ input: text('The whole patch.') }, ['input']),
  },
  {
    name: 'update_plan',
    description: 'Shows the person the plan and how far it is. At most one step is in_progress.',
    parameters: object(
      {
        explanation: text('Why the plan changed.'),
        plan: {
          type: 'array',
          items: object(
            { step: text('A short line.'), status: { type: 'string', enum: ['pending', 'in_progress', 'completed'] } },
            ['step', 'status'],
          ),
        },
      },
      ['plan'],
    ),
  },
  {
    name: 'request_user_input',
    description: 'Asks the person up to three short questions and waits for the answers.',
    parameters: object(
      {
        questions: {
          type: 'array',
          items: object(
            {
              id: text('Names the answer.'),
              header: text('A label of a few words.'),
              question: text('The question.'),
              options: {
                type: 'array',
                items: object({ label: text('The answer.'), description: text('What it means.') }, [
                  'label',
                  'description',
                ]),
              },
            },
            ['id', 'header', 'question'],
          ),
        },
      },
      ['questions'],
    ),
  },
];

export const TOOL_NAMES = [...TOOL_SPECS, ...AGENT_TOOL_SPECS].map(({ name }) => name);

/** A review looks and says what it found. */
const OF_REVIEWS = new Set(['exec_command', 'update_plan']);

/** The tools of a thread. One that may have no agents of its own is not told of them. */
export function toolsFor({ parent, subThreads }: ThreadSettings): ToolSpec[] {
  if (parent?.role === 'review') return TOOL_SPECS.filter(({ name }) => OF_REVIEWS.has(name));
  const depth = parent?.path.length ?? 0;
  return depth < subThreads.maxDepth ? [...TOOL_SPECS, ...AGENT_TOOL_SPECS] : TOOL_SPECS;
}
