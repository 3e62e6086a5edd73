import { object, text } from './json-schema.ts';
import type { ToolDefinition } from './tool.ts';

export const APPLY_PATCH: ToolDefinition<{ patch: string }> = {
  name: 'apply_patch',
  description:
    'Edits files. The input is a patch: `*** Begin Patch`, then `*** Add File: PATH` (a new one) with + lines, `*** Delete File: PATH`, ' +
    'or `*** Update File: PATH` (optionally `*** Move to: PATH`) with `@@` hunks of context, - and + lines, then `*** End Patch`.',
  parameters: object({ input: text('The whole patch.') }, ['input']),
  offeredTo: 'threads',
  read: ({ input }) =>
    typeof input === 'string' && input !== ''
      ? { patch: input }
      : { invalid: 'apply_patch: `input` must be the text of a patch.' },
};
