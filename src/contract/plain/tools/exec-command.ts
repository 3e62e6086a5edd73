import { shortText } from './fields.ts';
import { object, text } from './json-schema.ts';
import type { Fields, ToolDefinition } from './tool.ts';

export interface ExecArguments {
  command: string;
  /** As the model wrote it; null for the workspace. */
  workdir: string | null;
  /** Milliseconds until it is stopped; null if the model named none. */
  timeoutMs: number | null;
  /** How long its end is waited for before it is left running; null to wait for its end. */
  yieldMs: number | null;
  /** Of its output, if it yields; null for the worker's limit. */
  maxOutputBytes: number | null;
  /** It gets a terminal. */
  tty: boolean;
  /** The model requests to run it outside the sandbox. */
  escalated: boolean;
  justification: string;
}

/** Milliseconds. The default is that of a command whose end is waited for; one that may be left running has `max`. */
export const COMMAND_TIMEOUT = { default: 120_000, max: 3_600_000 };

/** Milliseconds for which one call waits for a command that may be left running. */
const YIELD = { min: 250, default: 10_000, max: 300_000 };
const BYTES_PER_TOKEN = 4;
const MAX_OUTPUT_TOKENS = 10_000;

/** Of every tool that waits for a command. */
export const LOOK_PARAMETERS = {
  yield_time_ms: {
    type: 'number',
    description: 'Milliseconds to wait for its end before the call returns, 250 to 300000; 10000 by default.',
  },
  max_output_tokens: {
    type: 'number',
    description: 'Maximum of output to return, its head and its tail; 10000 by default and at most.',
  },
};

export const EXEC_COMMAND: ToolDefinition<ExecArguments> = {
  name: 'exec_command',
  description:
    'Runs a shell command in the workspace and returns its exit code and output. If it still runs after yield_time_ms, it is left running, and the result has its output so far and a session id for write_stdin.',
  parameters: object(
    {
      cmd: text('The command line, run by bash.'),
      workdir: text('Folder to run it in; the workspace by default.'),
      ...LOOK_PARAMETERS,
      timeout_ms: {
        type: 'number',
        description:
          'Milliseconds until it is stopped, 3600000 by default and at most. With it and without yield_time_ms the call waits for the end.',
      },
      tty: {
        type: 'boolean',
        description:
          'Gives it a terminal, which write_stdin types into: for programs that ask, and for shells and debuggers. Without it, it has nothing to read.',
      },
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
  read({ cmd: command, workdir, sandbox_permissions: permissions, justification, ...times }) {
    if (typeof command !== 'string' || command.trim() === '')
      return { invalid: 'exec_command: `cmd` must be the command line to run.' };
    return {
      command,
      workdir: typeof workdir === 'string' && workdir !== '' ? workdir : null,
      ...toTimes(times),
      tty: times['tty'] === true,
      escalated: permissions === 'require_escalated',
      justification: shortText(justification),
    };
  },
};

function toTimes(times: Fields): Pick<ExecArguments, 'timeoutMs' | 'yieldMs' | 'maxOutputBytes'> {
  const { timeout_ms: timeout, yield_time_ms: time, tty } = times;
  const isBounded = typeof timeout === 'number' && timeout > 0;
  const look = toLook(times);
  return {
    timeoutMs: isBounded ? Math.min(Math.ceil(timeout), COMMAND_TIMEOUT.max) : null,
    // A model that says only when to stop it waits for its end. It must be able to type into a terminal.
    yieldMs: isBounded && typeof time !== 'number' && tty !== true ? null : look.yieldMs,
    maxOutputBytes: look.maxOutputBytes,
  };
}

/** The limits of a look, from the arguments of any tool that has them. */
export function toLook({ yield_time_ms: time, max_output_tokens: tokens }: Fields) {
  const yieldMs = typeof time === 'number' && time >= 0 ? Math.ceil(time) : YIELD.default;
  const most = typeof tokens === 'number' && tokens >= 1 ? Math.min(Math.floor(tokens), MAX_OUTPUT_TOKENS) : null;
  return {
    yieldMs: Math.min(Math.max(yieldMs, YIELD.min), YIELD.max),
    maxOutputBytes: most === null ? null : most * BYTES_PER_TOKEN,
  };
}
