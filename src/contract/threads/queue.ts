import { z } from 'zod';
import type { WireNotes } from '../plain/wire-schema.ts';
import { IdSchema, ShortTextSchema, compact, optional } from '../shapes.ts';
import { InputSchema, OverridesSchema } from './turn.ts';

const EditQueuedTurnSchema = z
  .object({
    op: z.literal('edit'),
    turnId: IdSchema,
    /** Replaces the whole input. */
    input: optional(InputSchema),
    /** Replaces all overrides. */
    overrides: optional(OverridesSchema),
  })
  .refine(({ input, overrides }) => input !== undefined || overrides !== undefined, {
    error: 'an edit needs an input or overrides',
  })
  .transform(compact)
  .meta({ rule: 'edit' } satisfies WireNotes);

/** `before` is a queued turn; left out or null, it means the end of the queue. */
const MoveQueuedTurnSchema = z.object({ op: z.literal('move'), turnId: IdSchema, before: optional(IdSchema) });

const DropQueuedTurnSchema = z.object({ op: z.literal('drop'), turnId: IdSchema, reason: optional(ShortTextSchema) });

/** Payload of the signal and of the update `editQueue`. All of its forms are about a queued turn. */
export const EditQueueSchema = z.discriminatedUnion('op', [
  EditQueuedTurnSchema,
  MoveQueuedTurnSchema.transform(compact),
  DropQueuedTurnSchema.transform(compact),
]);
export type EditQueue = z.infer<typeof EditQueueSchema>;
