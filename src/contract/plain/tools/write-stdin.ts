import { LOOK_PARAMETERS, toLook } from './exec-command.ts';
import { object, text } from './json-schema.ts';
import type { ToolDefinition } from './tool.ts';

export interface WriteArguments {
  sessionId: number;
  chars: string;
  yieldMs: number;
  maxOutputBytes: number | null;
}

/** Milliseconds, if the model names none: what is sent is answered soon. */
const SENT_YIELD_MS = 1_000;
const MAX_CHARS = 16_384;

export const WRITE_STDIN: ToolDefinition<WriteArguments> = {
  name: 'write_stdin',
  description:
    'Looks at a command that exec_command has left running, after typing into its terminal if it has one: returns its output since the last look, and its exit code if it has ended.',
  parameters: object(
    {
      session_id: { type: 'number', description: 'As exec_command returned it.' },
      chars: text(
        'What is typed first: \\n is Enter, \\u0003 is ^C, \\u0004 ^D. Without a terminal only ^C has an effect. Left out to only look.',
      ),
      ...LOOK_PARAMETERS,
    },
    ['session_id'],
  ),
  offeredTo: 'threadsAndReviews',
  read({ session_id: sessionId, chars = '', ...limits }) {
    if (typeof sessionId !== 'number' || !Number.isSafeInteger(sessionId))
      return { invalid: 'write_stdin: `session_id` must be the number that exec_command returned.' };
    if (typeof chars !== 'string') return { invalid: 'write_stdin: `chars` must be text.' };
    if (chars.length > MAX_CHARS)
      return { invalid: `write_stdin: \`chars\` has ${chars.length} characters, and at most ${MAX_CHARS} are sent.` };
    const usual = chars === '' ? {} : { yield_time_ms: SENT_YIELD_MS };
    return { sessionId, chars, ...toLook({ ...usual, ...limits }) };
  },
};
