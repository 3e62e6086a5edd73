import { z } from 'zod';
import { BudgetSchema } from './budget.ts';
import { IMAGE_TYPES } from '../plain/images/image-types.ts';
import { imagesOf, inputChars, saysSomething } from '../plain/input-size.ts';
import { LIMITS } from '../plain/limits.ts';
import { NO_PATH, isPath } from '../plain/paths.ts';
import { TURN_KINDS, type TurnKind, needsInput, runsTask, takesImages, takesReview } from '../plain/turn-kinds.ts';
import type { WireNotes } from '../plain/wire-schema.ts';
import { IdSchema, MomentSchema, ShortTextSchema, compact, optional, orNull } from '../shapes.ts';
import { MODEL_OPTIONS } from './model-options.ts';
import { ApprovalPolicySchema, SandboxModeSchema } from './policies.ts';
import { ReviewRequestSchema } from '../reviews/review.ts';

const SHA256 = '64 lower-case hexadecimal digits are needed';

/** An image in the archive. `images.store` of the client returns one. */
const ImageInputSchema = z
  .object({
    type: z.literal('image'),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/, SHA256)
      .meta({ says: SHA256 } satisfies WireNotes),
    mediaType: z.enum(IMAGE_TYPES),
    bytes: z.int().min(1).max(LIMITS.imageBytes),
    width: z.int().min(1).max(LIMITS.imageSide),
    height: z.int().min(1).max(LIMITS.imageSide),
    name: optional(z.string().max(LIMITS.idChars)),
  })
  .transform(compact);
export type ImageInput = z.infer<typeof ImageInputSchema>;

/**
 * An image file on the machine of the workspace, relative to the working directory or absolute. The thread reads it when
 * its model is to see it, as far as its sandbox may read it.
 */
const LocalImageInputSchema = z.object({
  type: z.literal('localImage'),
  path: z
    .string()
    .min(1)
    .max(LIMITS.pathChars)
    .refine(isPath, { error: NO_PATH })
    .meta({ rule: 'path' } satisfies WireNotes),
});

/** One entry of an input, by its Codex name. */
export const InputItemSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), text: z.string() }),
  ImageInputSchema,
  LocalImageInputSchema,
]);
export type InputItem = z.infer<typeof InputItemSchema>;

const InputListSchema = z
  .array(InputItemSchema)
  .max(LIMITS.inputItems)
  .refine((items) => inputChars(items) <= LIMITS.inputChars, {
    error: `the text of an input may have ${LIMITS.inputChars} characters in all`,
  })
  .refine((items) => imagesOf(items) <= LIMITS.inputImages, {
    error: `an input may have ${LIMITS.inputImages} images`,
  })
  .refine((items) => items.length === 0 || saysSomething(items), {
    error: 'an input needs some text or an image',
  })
  .meta({ rule: 'input', code: 'inputTooLarge' } satisfies WireNotes);

export const InputSchema = InputListSchema.min(1).meta({ rule: 'input', code: 'inputTooLarge' } satisfies WireNotes);

export type { TurnKind };
export const TurnKindSchema = z.enum(Object.keys(TURN_KINDS) as [TurnKind, ...TurnKind[]]);

/**
 * What happens if a turn is already active. Default: `replace`, except that a `user_shell` runs in parallel with the
 * active turn.
 */
export const OnBusySchema = z.enum(['replace', 'steer', 'queue', 'reject']);
export type OnBusy = z.infer<typeof OnBusySchema>;

/** Settings that change with this turn and stay changed for later ones, as in Codex's `turn/start`. */
export const OverridesSchema = z
  .object({
    model: optional(z.string().min(1).max(LIMITS.idChars)),
    ...MODEL_OPTIONS,
    approvalPolicy: optional(ApprovalPolicySchema),
    sandbox: optional(SandboxModeSchema),
    /** Each scope that is given replaces the thread's, without its grants. */
    budget: optional(BudgetSchema),
  })
  .transform(compact);
export type Overrides = z.infer<typeof OverridesSchema>;

/**
 * Payload of the signal `submitTurn` and the update `startTurn`. `turnId` is the idempotency key. Kinds of {@link
 * TURN_KINDS} that have an input require `input`; for others it is left out, and read as an empty list. Other data of a
 * kind is in a member of its own name.
 */
export const SubmitTurnSchema = z
  .object({
    turnId: IdSchema,
    kind: TurnKindSchema,
    input: InputListSchema.nullish().transform((input) => input ?? []),
    onBusy: optional(OnBusySchema),
    overrides: optional(OverridesSchema),
    review: optional(ReviewRequestSchema),
    /** The name of a task that the worker has. */
    task: optional(IdSchema),
  })
  .refine(({ kind, input }) => (input.length > 0 ? TURN_KINDS[kind].takesInput : !needsInput(kind)), {
    error: 'a regular turn and a user_shell need an input, a custom turn may have one, other kinds take none',
    path: ['input'],
  })
  .refine(({ kind, input }) => takesImages(kind) || imagesOf(input) === 0, {
    error: 'only a regular turn takes images',
    path: ['input'],
  })
  .refine(({ kind, review }) => (review !== undefined) === takesReview(kind), {
    error: 'a review needs a target, other kinds take none',
    path: ['review'],
  })
  .refine(({ kind, task }) => (task !== undefined) === runsTask(kind), {
    error: 'a custom turn needs the name of a task, other kinds take none',
    path: ['task'],
  })
  .transform(compact)
  .meta({ rule: 'turn' } satisfies WireNotes);
export type SubmitTurn = z.infer<typeof SubmitTurnSchema>;
/** A turn as a client writes it. */
export type TurnSubmission = z.input<typeof SubmitTurnSchema>;

/** Payload of the update `steerTurn`. */
export const SteerTurnSchema = z.object({ expectedTurnId: IdSchema, input: InputSchema });
export type SteerTurn = z.infer<typeof SteerTurnSchema>;

/**
 * Payload of the signal `interruptTurn` and the update `interrupt`. Without `turnId` it means the active turn. With
 * `tree` every agent below is interrupted even if no turn is active here; it is not an error if nothing runs. An
 * interrupt of the active turn, or without one of an idle thread, ends the commands that were left running, unless
 * `keepSessions` is set.
 */
export const InterruptTurnSchema = z
  .object({
    turnId: optional(IdSchema),
    reason: optional(ShortTextSchema),
    tree: optional(z.boolean()),
    keepSessions: optional(z.boolean()),
  })
  .transform(compact);
export type InterruptTurn = z.infer<typeof InterruptTurnSchema>;

/** Payload of the signal and of the update `rollbackTurns`: how many of the newest regular turns are removed. */
export const RollbackTurnsSchema = z.object({ numTurns: z.int().min(1) });
export type RollbackTurns = z.infer<typeof RollbackTurnsSchema>;

/** Payload of the signal `closeThread`. */
export const CloseThreadSchema = z.object({ reason: optional(ShortTextSchema) }).transform(compact);
export type CloseThread = z.infer<typeof CloseThreadSchema>;

export const AbortReasonSchema = z.enum(['interrupted', 'replaced', 'budgetLimited', 'threadClosed']);
export type AbortReason = z.infer<typeof AbortReasonSchema>;

/** Why a turn failed. Codes of the model follow Codex's `codexErrorInfo`, in camel case. */
export const TurnErrorSchema = z.object({ code: z.string(), message: z.string() });
export type TurnError = z.infer<typeof TurnErrorSchema>;

const CountedSchema = z.number().min(0);

const TokenUsageSchema = z.object({
  inputTokens: CountedSchema,
  cachedInputTokens: CountedSchema,
  outputTokens: CountedSchema,
  reasoningOutputTokens: CountedSchema,
  totalTokens: CountedSchema,
});
export type TokenUsage = z.infer<typeof TokenUsageSchema>;

const UsageSchema = TokenUsageSchema.extend({
  /** In millionths of a dollar; null if a model without a price was used. */
  costMicroUsd: orNull(CountedSchema),
});
export type Usage = z.infer<typeof UsageSchema>;

const completion = {
  turnId: IdSchema,
  kind: TurnKindSchema,
  /** The agent's last message in this turn, or null. */
  lastAgentMessage: orNull(z.string()),
  /** Milliseconds since the epoch; null if the turn never started. */
  startedAt: orNull(MomentSchema),
  durationMs: CountedSchema,
  /** Milliseconds that it waited for a person; left out if it did not. */
  waitedMs: optional(CountedSchema),
  usage: UsageSchema,
  /**
   * Commands that may still run on hosts that the thread has left, and write into the same files: those hosts were lost.
   * An id that ends with `/*` stands for all commands of an agent and of those below it. Left out if there are none.
   */
  mayStillRun: optional(z.array(z.object({ host: z.string(), commandIds: z.array(z.string()) }))),
};

/** The one terminal event of a turn. */
export const TurnCompletionSchema = z.discriminatedUnion('status', [
  z.object({ status: z.literal('completed'), ...completion }).transform(compact),
  /** `quiescent` is false if a worker was lost and the end of its step could not be observed. */
  z
    .object({
      status: z.literal('aborted'),
      reason: AbortReasonSchema,
      detail: orNull(z.string()),
      quiescent: z.boolean(),
      ...completion,
    })
    .transform(compact),
  z.object({ status: z.literal('failed'), error: TurnErrorSchema, ...completion }).transform(compact),
]);
export type TurnCompletion = z.infer<typeof TurnCompletionSchema>;
