import { shortText } from './fields.ts';
import { object, text } from './json-schema.ts';
import type { ToolDefinition } from './tool.ts';

export interface ExecArguments {
  command: string;
  /** As the model wrote it; null for the workspace. */
  workdir: string | null;
  timeoutMs: number;
  /** The model requests to run it outside the sandbox. */
  escalated: boolean;
  justification: string;
}

/** Milliseconds. */
export const COMMAND_TIMEOUT = { default: 120_000, max: 3_600_000 };

export const EXEC_COMMAND: ToolDefinition<ExecArguments> = {
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
  offeredTo: 'threadsAndReviews',
  read({ cmd: command, workdir, timeout_ms: timeout, sandbox_permissions: permissions, justification }) {
    if (typeof command !== 'string' || command.trim() === '')
      return { invalid: 'exec_command: `cmd` must be the command line to run.' };
    return {
      command,
      workdir: typeof workdir === 'string' && workdir !== '' ? workdir : null,
      timeoutMs: toTimeout(timeout),
      escalated: permissions === 'require_escalated',
      justification: shortText(justification),
    };
  },
};

function toTimeout(asked: unknown): number {
  return typeof asked === 'number' && asked > 0
    ? Math.min(Math.ceil(asked), COMMAND_TIMEOUT.max)
    : COMMAND_TIMEOUT.default;
}
