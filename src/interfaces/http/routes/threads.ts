/** Starts, lists, reads and closes threads. */
import { z } from 'zod';
import { CloseThreadSchema, StartThreadSchema } from '../../../contract/index.ts';
import { IdSchema, compact, optional } from '../../../contract/shapes.ts';
import { openNew } from '../app.ts';
import { type Endpoint, endpoint, json } from '../endpoint.ts';
import { requirePermission } from '../permissions.ts';
import { FlagSchema, LimitSchema, listOf, ref } from '../schemas.ts';

const { threadId: _, parent: __, resume: ___, fork: ____, ...settings } = StartThreadSchema.in.shape;
const NewThreadSchema = z.object({ threadId: optional(IdSchema), ...settings }).transform(compact);
const ListSchema = z.object({
  open: optional(FlagSchema),
  waiting: optional(FlagSchema).describe('Only those that wait for a person.'),
  agents: optional(FlagSchema).describe('Also those that other workflows started.'),
  ask: optional(FlagSchema).describe(
    'Default: true. Not asked, threads are as the service knows them, some seconds behind and without what they wait for.',
  ),
  limit: LimitSchema,
});

type Flags = Record<'open' | 'waiting' | 'agents', 'true' | 'false' | undefined>;

function toFlags({ open, waiting, agents }: Flags) {
  return { open: open === 'true', waiting: waiting === 'true', agents: agents === 'true' };
}

export const THREAD_ENDPOINTS: readonly Endpoint[] = [
  endpoint({
    method: 'post',
    path: '/v1/threads',
    tag: 'Threads',
    summary: 'Start a thread',
    description:
      'Returns the open thread with that id if there is one, unchanged. Without `threadId` every call starts another one. The owner is that of the token.',
    scope: 'drive',
    body: NewThreadSchema,
    answers: [{ status: 201, says: 'The thread.', schema: ref('ThreadStarted') }],
    problems: ['threadExists', 'inputTooLarge'],
    async run({ bobbin, token, body }) {
      requirePermission(token, body);
      const { threadId } = await bobbin.threads.start(body, { owner: token.owner });
      return openNew(bobbin, token, threadId);
    },
  }),
  endpoint({
    method: 'get',
    path: '/v1/threads',
    tag: 'Threads',
    summary: 'List threads, newest first',
    scope: 'read',
    query: ListSchema,
    answers: [{ status: 200, says: 'The threads.', schema: listOf('threads', 'ThreadSummary') }],
    problems: [],
    async run({ bobbin, token: { owner }, query: { limit, ask, ...flags } }) {
      const only = owner === null ? {} : { owner };
      return json({ threads: await bobbin.threads.list({ ...toFlags(flags), limit, ask: ask !== 'false', ...only }) });
    },
  }),
  endpoint({
    method: 'get',
    path: '/v1/threads/{threadId}',
    tag: 'Threads',
    summary: 'Read the state of a thread',
    scope: 'read',
    answers: [{ status: 200, says: 'The state.', schema: ref('ThreadView') }],
    problems: ['threadNotFound'],
    run: async ({ thread }) => json(await (await thread()).view()),
  }),
  endpoint({
    method: 'post',
    path: '/v1/threads/{threadId}/close',
    tag: 'Threads',
    summary: 'Stop everything and close the thread',
    description: 'Durable when it is answered. The event `thread/closed` says when it is done.',
    scope: 'drive',
    body: CloseThreadSchema,
    answers: [{ status: 202, says: 'It is being closed.', schema: ref('ThreadStarted') }],
    problems: ['threadNotFound', 'threadClosed'],
    async run({ thread, body }) {
      const handle = await thread();
      await handle.close(body);
      return json({ threadId: handle.threadId }, 202);
    },
  }),
];
