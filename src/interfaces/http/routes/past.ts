/** The past of a thread: its items, undo and redo, rollback, forks, and opening it again. */
import { z } from 'zod';
import type { Item } from '../../../contract/index.ts';
import { ForkSchema, MoveThreadSchema, RollbackTurnsSchema, StartThreadSchema } from '../../../contract/index.ts';
import { MODEL_OPTIONS } from '../../../contract/threads/model-options.ts';
import { IdSchema, PathSchema, compact, optional } from '../../../contract/shapes.ts';
import { type Endpoint, endpoint, json } from '../endpoint.ts';
import { openNew } from '../app.ts';
import { requirePermission } from '../permissions.ts';
import { PageSchema, ref } from '../schemas.ts';

const { title, model, instructions, approvalPolicy, sandbox, unattended, ...start } = StartThreadSchema.in.shape;
const changes = { title, model, ...MODEL_OPTIONS, instructions, approvalPolicy, sandbox, unattended };
const ResumeSchema = z.object(changes).transform(compact);
const { turnId, files } = ForkSchema.in.shape;
const { agentIdentity, budget, firstTurn } = start;
const NewForkSchema = z
  .object({
    ...{ threadId: optional(IdSchema), turnId, files, cwd: optional(PathSchema) },
    ...{ ...changes, agentIdentity, budget, firstTurn },
  })
  .transform(compact);
const TurnIdSchema = z.object({ turnId: IdSchema });

const ACCEPTED = [{ status: 202, says: 'The turn has begun.', schema: ref('TurnSubmitted') }] as const;

export const PAST_ENDPOINTS: readonly Endpoint[] = [
  endpoint({
    method: 'get',
    path: '/v1/threads/{threadId}/items',
    tag: 'Past',
    summary: 'Read the items of a thread, oldest first',
    description: 'The whole history, with its archived part. `after` is a count of items: `next` of the page before.',
    scope: 'read',
    query: PageSchema,
    answers: [{ status: 200, says: 'A page of items.', schema: ref('ItemsPage') }],
    problems: ['threadNotFound'],
    async run({ thread, query: { after, limit } }) {
      const items: Item[] = [];
      for await (const item of (await thread()).items({ after })) {
        if (items.length === limit) return json({ items, next: after + limit, more: true });
        items.push(item);
      }
      return json({ items, next: after + items.length, more: false });
    },
  }),
  endpoint({
    method: 'get',
    path: '/v1/threads/{threadId}/undo',
    tag: 'Past',
    summary: 'Read what an undo would do, path by path',
    scope: 'read',
    answers: [{ status: 200, says: 'The preview.', schema: ref('UndoPreview') }],
    problems: ['threadNotFound', 'threadClosed', 'threadBusy', 'notEnoughTurns', 'snapshotElsewhere'],
    run: async ({ thread }) => json(await (await thread()).previewUndo()),
  }),
  endpoint({
    method: 'post',
    path: '/v1/threads/{threadId}/undo',
    tag: 'Past',
    summary: 'Undo the newest turn: its files and its part of the conversation',
    description: 'The item `turnsDropped` has the outcome.',
    scope: 'drive',
    body: TurnIdSchema,
    answers: ACCEPTED,
    problems: ['threadNotFound', 'threadClosed', 'threadBusy', 'notEnoughTurns', 'duplicateTurn'],
    async run({ thread, body }) {
      const handle = await thread();
      await handle.startTurn({ turnId: body.turnId, kind: 'undo' });
      return json({ threadId: handle.threadId, turnId: body.turnId }, 202);
    },
  }),
  endpoint({
    method: 'post',
    path: '/v1/threads/{threadId}/redo',
    tag: 'Past',
    summary: 'Reverse the newest undo',
    description: 'The item `turnsRestored` has the outcome.',
    scope: 'drive',
    body: TurnIdSchema,
    answers: ACCEPTED,
    problems: ['threadNotFound', 'threadClosed', 'threadBusy', 'duplicateTurn'],
    async run({ thread, body }) {
      const handle = await thread();
      await handle.startTurn({ turnId: body.turnId, kind: 'redo' });
      return json({ threadId: handle.threadId, turnId: body.turnId }, 202);
    },
  }),
  endpoint({
    method: 'post',
    path: '/v1/threads/{threadId}/rollback',
    tag: 'Past',
    summary: 'Remove the newest turns from the conversation; files stay',
    scope: 'drive',
    body: RollbackTurnsSchema.extend({ rollbackId: optional(IdSchema) }),
    answers: [{ status: 200, says: 'The removed turns.', schema: ref('RolledBack') }],
    problems: ['threadNotFound', 'threadClosed', 'threadBusy', 'notEnoughTurns'],
    run: async ({ thread, body: { numTurns, rollbackId } }) =>
      json(await (await thread()).rollback({ numTurns }, rollbackId === undefined ? {} : { rollbackId })),
  }),
  endpoint({
    method: 'post',
    path: '/v1/threads/{threadId}/fork',
    tag: 'Past',
    summary: 'Start a thread with the past of this one',
    description: 'Settings that are left out are those of this thread. The new thread has the same owner.',
    scope: 'drive',
    body: NewForkSchema,
    answers: [{ status: 201, says: 'The new thread.', schema: ref('ThreadStarted') }],
    problems: ['threadNotFound', 'threadExists', 'threadRefused', 'inputTooLarge'],
    async run({ bobbin, thread, token, body }) {
      requirePermission(token, body);
      const source = await thread();
      const { threadId } = await bobbin.threads.fork(source.threadId, body);
      return openNew(bobbin, token, threadId);
    },
  }),
  endpoint({
    method: 'post',
    path: '/v1/threads/{threadId}/move',
    tag: 'Past',
    summary: 'Move the thread to another folder, on another host or on its own',
    description: 'Answers when the thread works there. The former host may be gone.',
    scope: 'drive',
    body: MoveThreadSchema,
    answers: [{ status: 200, says: 'The thread works there.', schema: ref('WorkspaceMove') }],
    problems: [
      ...(['threadNotFound', 'threadClosed', 'threadBusy', 'agentsOpen', 'samePlace', 'notMovable'] as const),
      ...(['hostUnknown', 'hostNotServing', 'workspaceMissing', 'workspaceClosed'] as const),
      ...(['restoreIncomplete', 'storeUnavailable', 'gitFailed', 'repositoryRefused', 'repositoryMissing'] as const),
      ...(['repositoryUnauthorized', 'repositoryRefMissing', 'repositoryPathMissing', 'repositoryTooLarge'] as const),
    ],
    run: async ({ thread, body }) => json(await (await thread()).move(body)),
  }),
  endpoint({
    method: 'post',
    path: '/v1/threads/{threadId}/resume',
    tag: 'Past',
    summary: 'Open a closed thread again',
    description: 'A running thread stays as it is.',
    scope: 'drive',
    body: ResumeSchema,
    answers: [{ status: 200, says: 'The thread is open.', schema: ref('ThreadResumed') }],
    problems: ['threadNotFound', 'threadRefused', 'inputTooLarge'],
    async run({ bobbin, thread, token, body }) {
      requirePermission(token, body);
      const { threadId } = await thread();
      const { rejoined, warnings } = await bobbin.threads.resume(threadId, body);
      return json({ threadId, rejoined, warnings });
    },
  }),
];
