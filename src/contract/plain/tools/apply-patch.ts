import { object, text } from './json-schema.ts';
import type { ToolDefinition } from './tool.ts';

/**
 * The form of a patch for endpoints that hold a model to a grammar. It is the strict part of what `patch-grammar.ts` reads.
 * Each terminal is a whole line, so that no two of them begin alike.
 */
const GRAMMAR = String.raw`start: BEGIN file+ END
file: ADD PLUS* | DELETE | UPDATE MOVE | UPDATE MOVE? hunks
hunks: PLACE* lines (PLACE+ lines)*
lines: line+ LAST?
line: KEPT | MINUS | PLUS
BEGIN: /\*\*\* Begin Patch\n/
END: /\*\*\* End Patch\n?/
ADD: /\*\*\* Add File: \S[^\n]*\n/
DELETE: /\*\*\* Delete File: \S[^\n]*\n/
UPDATE: /\*\*\* Update File: \S[^\n]*\n/
MOVE: /\*\*\* Move to: \S[^\n]*\n/
LAST: /\*\*\* End of File\n/
PLACE: /@@( [^\n]+)?\n/
KEPT: / [^\n]*\n/
MINUS: /-[^\n]*\n/
PLUS: /\+[^\n]*\n/
`;

export const APPLY_PATCH: ToolDefinition<{ patch: string }> = {
  name: 'apply_patch',
  description:
    'Edits files. The input is a patch: `*** Begin Patch`, then `*** Add File: PATH` (a new one) with + lines, `*** Delete File: PATH`, ' +
    'or `*** Update File: PATH` (optionally `*** Move to: PATH`) with `@@` hunks of context, - and + lines, then `*** End Patch`.',
  parameters: object({ input: text('The whole patch.') }, ['input']),
  freeform: { syntax: 'lark', definition: GRAMMAR },
  offeredTo: 'threads',
  read: ({ input }) =>
    typeof input === 'string' && input !== ''
      ? { patch: input }
      : { invalid: 'apply_patch: `input` must be the text of a patch.' },
};
