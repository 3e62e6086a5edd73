/** The tools: what a model may call. Each parses, calls the client, and makes a bounded result. */
import { randomUUID } from 'node:crypto';
import type { CallToolResult, McpServer, ServerContext } from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { Answers, ThreadHandle } from '../../client/index.ts';
import { BobbinError } from '../../client/bobbin-error.ts';
import {
  ApprovalPolicySchema,
  OnBusySchema,
  ResolveRequestSchema,
  ReviewTargetSchema,
  SandboxModeSchema,
} from '../../contract/index.ts';
import { LIMITS } from '../../contract/plain/limits.ts';
import { IdSchema, PathSchema, compact } from '../../contract/shapes.ts';
import { requirePermission } from '../http/permissions.ts';
import { type Scope, allows } from '../http/tokens.ts';
import { type Access, answerRequest, describeError, openNew, openThread } from './access.ts';
import { type Place, follow, resumed } from './follow.ts';
import { newestTurn, readItem, readPage, steeredBy } from './history.ts';
import { toError, toResult } from './results.ts';
import { takesTasks, toTask } from './tasks.ts';

/** Below the minute that most clients give a call. */
const DEFAULT_WAIT_SECONDS = 45;
const MAX_WAIT_SECONDS = 3_600;

const threadId = IdSchema.describe('Id of the thread');
const text = z.string().min(1).max(LIMITS.inputChars);
const waitSeconds = z
  .number()
  .min(0)
  .max(MAX_WAIT_SECONDS)
  .default(DEFAULT_WAIT_SECONDS)
  .describe('How long to wait for the end. The work goes on afterwards; call wait again.');
const settings = {
  model: z.string().min(1).max(LIMITS.idChars).optional(),
  sandbox: SandboxModeSchema.optional(),
  approvalPolicy: ApprovalPolicySchema.optional(),
};

interface Tool<Input> {
  scope: Scope;
  description: string;
  input: z.ZodType<Input>;
  readOnly?: true;
  destructive?: true;
  run: (input: Input, context: ServerContext) => Promise<CallToolResult>;
}

const tool = <Input>(definition: Tool<Input>) => definition as unknown as Tool<never>;

/** Calls of one connection that run at the same time. */
const MAX_CALLS = 64;

export function addTools(server: McpServer, access: Access): void {
  let running = 0;
  for (const [name, { scope, description, input, readOnly, destructive, run }] of Object.entries(
    toolsOf({ server, access }),
  )) {
    if (!allows(access.rights, scope)) continue;
    const annotations = {
      readOnlyHint: readOnly === true,
      destructiveHint: destructive === true,
      openWorldHint: false,
    };
    server.registerTool(name, { description, inputSchema: input, annotations }, async (given, context) => {
      if (running >= MAX_CALLS) return toError('tooManyCalls', `${running} calls run already; wait for one to end.`);
      running += 1;
      try {
        return await run(given, context);
      } catch (error) {
        const { code, message } = describeError(access, error);
        return toError(code, message);
      } finally {
        running -= 1;
      }
    });
  }
}

function toolsOf(place: Place): Record<string, Tool<never>> {
  const { access } = place;
  const { bobbin, rights } = access;
  const begin = async (thread: ThreadHandle, turnId: string, seconds: number, context: ServerContext) =>
    takesTasks(context)
      ? (toTask(thread.threadId, turnId) as CallToolResult)
      : await follow(place, thread, turnId, seconds, context);
  return {
    start_thread: tool({
      scope: 'drive',
      description:
        'Start a coding agent in a thread of its own, and give it a task. It works in the folder with tools, keeps its history, and goes on if this client leaves.',
      input: z.object({
        task: text.describe('What the agent does, in words'),
        cwd: PathSchema.optional().describe('Absolute path of the folder to work in'),
        threadId: threadId.optional().describe('Id of the new thread. Default: made from the folder'),
        title: z.string().max(LIMITS.shortChars).optional(),
        ...settings,
        waitSeconds,
      }),
      async run({ task, cwd = access.cwd, waitSeconds: seconds, ...start }, context) {
        const earlier = resumed(context);
        if (earlier !== null)
          return begin(await openThread(access, earlier.threadId), earlier.turnId, seconds, context);
        requirePermission(rights, start);
        if (cwd === undefined) throw new BobbinError('invalid', 'cwd: the path of a folder is needed.');
        // With an id of the client's, the same call sent twice is one thread with one task.
        const turn = toTurn(task, start.threadId === undefined ? undefined : 'start');
        const started = await bobbin.threads.start({ ...compact(start), workspace: { cwd } }, rights);
        const thread = await openNew(access, started.threadId);
        await thread.submit({ ...turn, onBusy: 'queue' });
        return begin(thread, turn.turnId, seconds, context);
      },
    }),
    reply: tool({
      scope: 'drive',
      description: 'Send a message to the agent of a thread, as its next turn.',
      input: z.object({
        threadId,
        message: text,
        onBusy: OnBusySchema.default('queue').describe(
          'What happens if the agent is at work: queue, steer it, replace its turn, or reject the message',
        ),
        waitSeconds,
      }),
      async run({ threadId: id, message, onBusy, waitSeconds: seconds }, context) {
        const thread = await openThread(access, id);
        const earlier = resumed(context);
        if (earlier !== null) return begin(thread, earlier.turnId, seconds, context);
        const turn = toTurn(message);
        await thread.submit({ ...turn, onBusy });
        const turnId = onBusy === 'steer' ? await steeredBy(thread, turn.turnId) : turn.turnId;
        return begin(thread, turnId, seconds, context);
      },
    }),
    wait: tool({
      scope: 'read',
      readOnly: true,
      description: 'Wait until the turn of a thread has ended or waits for an answer, and read its result.',
      input: z.object({
        threadId,
        turnId: IdSchema.optional().describe('Default: the turn that is at work, else the newest'),
        waitSeconds,
      }),
      async run({ threadId: id, turnId, waitSeconds: seconds }, context) {
        const thread = await openThread(access, id);
        return begin(thread, turnId ?? (await newestTurn(thread)), seconds, context);
      },
    }),
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
      input: z.object({ threadId, reason: z.string().max(LIMITS.shortChars).optional() }),
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
    review: tool({
      scope: 'drive',
      description: 'Review changes in the folder of a thread, in a separate thread that only reads. Returns findings.',
      input: z.object({
        threadId,
        target: ReviewTargetSchema.default({ type: 'uncommittedChanges' }),
        waitSeconds,
      }),
      async run({ threadId: id, target, waitSeconds: seconds }, context) {
        const thread = await openThread(access, id);
        const earlier = resumed(context);
        if (earlier !== null) return begin(thread, earlier.turnId, seconds, context);
        const turnId = `review-${randomUUID()}`;
        await thread.submit({ turnId, kind: 'review', review: { target }, onBusy: 'queue' });
        return begin(thread, turnId, seconds, context);
      },
    }),
    fork: tool({
      scope: 'drive',
      description: 'Start a new thread with the past of another one, to try something else. Then call reply.',
      input: z.object({
        threadId,
        turnId: IdSchema.optional().describe('The last turn to copy. Default: all'),
        files: z.enum(['shared', 'worktree']).default('shared').describe('The same files, or a copy of their own'),
        ...settings,
      }),
      async run({ threadId: id, ...fork }) {
        const source = await openThread(access, id);
        requirePermission(rights, fork);
        const made = await bobbin.threads.fork(source.threadId, compact(fork));
        return toResult({ threadId: made.threadId, forkedFrom: id, next: 'Call reply.' });
      },
    }),
  };
}

function toTurn(words: string, turnId = `turn-${randomUUID()}`) {
  return { turnId, kind: 'regular' as const, input: [{ type: 'text' as const, text: words }] };
}

function toAnswers(words: Record<string, string>): Answers {
  return Object.fromEntries(Object.entries(words).map(([id, said]) => [id, { answers: [said] }]));
}
