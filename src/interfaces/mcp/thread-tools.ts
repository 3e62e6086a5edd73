/** Tools that answer at once. */
import { z } from 'zod';
import type { Answers } from '../../client/index.ts';
import { ResolveRequestSchema } from '../../contract/index.ts';
import { LIMITS } from '../../contract/plain/limits.ts';
import { compact } from '../../contract/shapes.ts';
import { type Access, answerRequest, openThread } from './access.ts';
import { readItem, readPage } from './history.ts';
import { toResult } from './results.ts';
import { type Tool, threadId, tool } from './tool.ts';

export function threadTools(access: Access): Record<string, Tool<never>> {
  const { bobbin, rights } = access;
  return {
    answer: tool({
      scope: 'approve',
      destructive: true,
      description:
        'Answer a request of a thread: a command or patch to approve, a question, more budget. Accept only what the person whom you work for agrees to.',
      input: z.object({
        threadId,
        ...ResolveRequestSchema.in.shape,
        answers: z.record(z.string(), z.string()).optional().describe('Answers to questions, by question id'),
      }),
      async run({ threadId: id, answers, ...answer }) {
        const thread = await openThread(access, id);
        const given = { ...answer, answers: answers === undefined ? undefined : toAnswers(answers) };
        await answerRequest(access, thread, compact(given));
        return toResult({ threadId: id, requestId: answer.requestId, answered: answer.decision, next: 'Call wait.' });
      },
    }),
    interrupt: tool({
      scope: 'drive',
      destructive: true,
      description: 'Stop what the agent of a thread does now, with all its processes. The thread stays.',
      input: z.object({
        threadId,
        reason: z.string().max(LIMITS.shortChars).optional(),
        keepSessions: z.boolean().optional().describe('Spares the commands that were left running.'),
      }),
      async run({ threadId: id, ...interrupt }) {
        const { turnId } = await (await openThread(access, id)).interrupt(compact(interrupt));
        return toResult({ threadId: id, turnId, status: 'interrupted' });
      },
    }),
    read: tool({
      scope: 'read',
      readOnly: true,
      description:
        'Read the state of a thread and a page of its history. Long texts are cut: read one item with item and offset to see all of it.',
      input: z.object({
        threadId,
        after: z.int().min(0).optional().describe('Number of the oldest items to leave out. Default: the newest page'),
        limit: z.int().min(1).max(100).default(20),
        item: z
          .string()
          .regex(/^item_\d{1,12}$/)
          .optional(),
        offset: z.int().min(0).default(0).describe('First character of the item'),
      }),
      async run({ threadId: id, after, limit, item, offset }) {
        const thread = await openThread(access, id);
        return toResult(
          item === undefined ? await readPage(thread, after, limit) : await readItem(thread, item, offset),
        );
      },
    }),
    list: tool({
      scope: 'read',
      readOnly: true,
      description: 'List threads, newest first.',
      input: z.object({
        waiting: z.boolean().default(false).describe('Only those that wait for a person'),
        open: z.boolean().default(false),
        limit: z.int().min(1).max(100).default(20),
      }),
      async run(options) {
        const owner = rights.owner === null ? {} : { owner: rights.owner };
        const found = await bobbin.threads.list({ ...options, ...owner, ask: true });
        return toResult({
          threads: found.map(({ createdAt, runId: _, parentId: __, ...thread }) => ({
            ...thread,
            createdAt: createdAt.toISOString(),
          })),
        });
      },
    }),
  };
}

function toAnswers(words: Record<string, string>): Answers {
  return Object.fromEntries(Object.entries(words).map(([id, said]) => [id, { answers: [said] }]));
}
