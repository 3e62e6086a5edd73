/** Submits, steers and stops turns, and edits the queue. */
import { z } from 'zod';
import { BobbinError } from '../../../client/bobbin-error.ts';
import type { ThreadHandle } from '../../../client/index.ts';
import type { QueuedTurnView } from '../../../contract/index.ts';
import { EditQueueSchema, InterruptTurnSchema, SteerTurnSchema, SubmitTurnSchema } from '../../../contract/index.ts';
import { OnBusySchema, ReviewRequestSchema } from '../../../contract/index.ts';
import { IdSchema, compact, optional } from '../../../contract/shapes.ts';
import { DONE, type Endpoint, NOTHING, endpoint, json } from '../endpoint.ts';
import { requirePermission } from '../permissions.ts';
import { allows } from '../tokens.ts';
import { listOf, ref } from '../schemas.ts';

const SUBMITTED = [{ status: 202, says: 'The turn is submitted.', schema: ref('TurnSubmitted') }] as const;

/** Throws `turnNotQueued`. */
async function queuedTurn(thread: ThreadHandle, turnId: string): Promise<QueuedTurnView> {
  const queued = (await thread.view()).queuedTurns.find((one) => one.turnId === turnId);
  if (queued !== undefined) return queued;
  throw new BobbinError('turnNotQueued', `Turn ${turnId} does not wait in the queue of thread ${thread.threadId}.`);
}

const CompactSchema = z.object({ turnId: IdSchema, onBusy: optional(OnBusySchema) }).transform(compact);
const ReviewSchema = z
  .object({ turnId: IdSchema, onBusy: optional(OnBusySchema), ...ReviewRequestSchema.in.shape })
  .transform(compact);

export const TURN_ENDPOINTS: readonly Endpoint[] = [
  endpoint({
    method: 'post',
    path: '/v1/threads/{threadId}/turns',
    tag: 'Turns',
    summary: 'Submit a turn',
    description:
      'Durable when it is answered, even if no worker runs. `turnId` is the idempotency key: the same id sent twice is one turn. If the thread refuses the turn, the event `message/rejected` has the reason.',
    scope: 'drive',
    body: SubmitTurnSchema,
    answers: SUBMITTED,
    problems: ['threadNotFound', 'threadClosed', 'inputTooLarge'],
    async run({ thread, token, body }) {
      requirePermission(token, body);
      const handle = await thread();
      await handle.submit(body);
      return json({ threadId: handle.threadId, turnId: body.turnId }, 202);
    },
  }),
  endpoint({
    method: 'post',
    path: '/v1/threads/{threadId}/reviews',
    tag: 'Turns',
    summary: 'Review changes',
    description: 'A turn as any other one. The item `exitedReviewMode` has the findings.',
    scope: 'drive',
    body: ReviewSchema,
    answers: SUBMITTED,
    problems: ['threadNotFound', 'threadClosed', 'inputTooLarge'],
    async run({ thread, body: { turnId, onBusy, ...review } }) {
      const handle = await thread();
      await handle.submit({ turnId, kind: 'review', review, onBusy });
      return json({ threadId: handle.threadId, turnId }, 202);
    },
  }),
  endpoint({
    method: 'post',
    path: '/v1/threads/{threadId}/compact',
    tag: 'Turns',
    summary: 'Replace the older conversation by a summary',
    description: 'A turn as any other one. By default it replaces the active turn.',
    scope: 'drive',
    body: CompactSchema,
    answers: SUBMITTED,
    problems: ['threadNotFound', 'threadClosed'],
    async run({ thread, body }) {
      const handle = await thread();
      await handle.compact(body);
      return json({ threadId: handle.threadId, turnId: body.turnId }, 202);
    },
  }),
  endpoint({
    method: 'post',
    path: '/v1/threads/{threadId}/steer',
    tag: 'Turns',
    summary: 'Add input to the active turn',
    scope: 'drive',
    body: SteerTurnSchema.extend({ steerId: optional(IdSchema) }),
    answers: [DONE],
    problems: [
      'threadNotFound',
      'threadClosed',
      'turnNotActive',
      'turnNotSteerable',
      'tooMuchWaiting',
      'inputTooLarge',
    ],
    async run({ thread, body: { steerId, ...steer } }) {
      await (await thread()).steer(steer, steerId === undefined ? {} : { steerId });
      return NOTHING;
    },
  }),
  endpoint({
    method: 'post',
    path: '/v1/threads/{threadId}/interrupt',
    tag: 'Turns',
    summary: 'Stop the active turn, and wait until it has stopped',
    scope: 'drive',
    body: InterruptTurnSchema,
    answers: [{ status: 200, says: 'It has stopped.', schema: ref('TurnInterrupted') }],
    problems: ['threadNotFound', 'threadClosed', 'turnNotActive'],
    run: async ({ thread, body }) => json(await (await thread()).interrupt(body)),
  }),
  endpoint({
    method: 'get',
    path: '/v1/threads/{threadId}/queue',
    tag: 'Turns',
    summary: 'Read the queued turns, in the order in which they begin',
    scope: 'read',
    answers: [{ status: 200, says: 'The queue.', schema: listOf('turns', 'QueuedTurnView') }],
    problems: ['threadNotFound'],
    run: async ({ thread }) => json({ turns: (await (await thread()).view()).queuedTurns }),
  }),
  endpoint({
    method: 'patch',
    path: '/v1/threads/{threadId}/queue',
    tag: 'Turns',
    summary: 'Edit, move or drop a queued turn',
    scope: 'drive',
    body: EditQueueSchema,
    answers: [DONE],
    problems: ['threadNotFound', 'threadClosed', 'turnNotQueued', 'tooMuchWaiting', 'inputTooLarge'],
    async run({ thread, token, body }) {
      const handle = await thread();
      if (body.op === 'edit') {
        requirePermission(token, { overrides: body.overrides });
        // What somebody else has queued may run unasked. A turn that is not there yet could come before the edit does.
        if (body.input !== undefined && !allows(token, 'approve'))
          requirePermission(token, await queuedTurn(handle, body.turnId));
      }
      await handle.editQueue(body);
      return NOTHING;
    },
  }),
];
