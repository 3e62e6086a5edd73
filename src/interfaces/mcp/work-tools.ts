/** Tools that begin work or follow it. Each ends as a task, or waits for the turn. */
import { randomUUID } from 'node:crypto';
import type { CallToolResult, ServerContext } from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { Bobbin, ThreadHandle } from '../../client/index.ts';
import { BobbinError } from '../../client/bobbin-error.ts';
import { ApprovalPolicySchema, OnBusySchema, ReviewTargetSchema, SandboxModeSchema } from '../../contract/index.ts';
import type { InputItem, Workspace } from '../../contract/index.ts';
import { LIMITS } from '../../contract/plain/limits.ts';
import { MODEL_OPTIONS } from '../../contract/threads/model-options.ts';
import { HostIdSchema, IdSchema, PathSchema, RefSchema, RepositorySchema, compact } from '../../contract/shapes.ts';
import { requirePermission } from '../http/permissions.ts';
import { openNew, openThread } from './access.ts';
import { type Place, follow, resumed } from './follow.ts';
import { newestEvent, newestTurn, steeredBy } from './history.ts';
import { toResult } from './results.ts';
import { takesTasks, toTask } from './tasks.ts';
import { type Tool, threadId, tool } from './tool.ts';

/** Below the minute that most clients give a call. */
const DEFAULT_WAIT_SECONDS = 45;
const MAX_WAIT_SECONDS = 3_600;
const MAX_BASE64 = Math.ceil(LIMITS.imageBytes / 3) * 4;

const text = z.string().min(1).max(LIMITS.inputChars);
const images = {
  images: z
    .array(z.object({ data: z.string().max(MAX_BASE64), name: z.string().max(LIMITS.idChars).optional() }))
    .max(LIMITS.inputImages)
    .optional()
    .describe('Images for the agent, in base64: PNG, JPEG, GIF or WebP'),
  imageFiles: z
    .array(z.string().min(1).max(LIMITS.pathChars))
    .max(LIMITS.inputImages)
    .optional()
    .describe('Paths of image files that the agent looks at, on its machine'),
};
const waitSeconds = z
  .number()
  .min(0)
  .max(MAX_WAIT_SECONDS)
  .default(DEFAULT_WAIT_SECONDS)
  .describe('How long to wait for the end. The work goes on afterwards; call wait again.');
const model = {
  model: z.string().min(1).max(LIMITS.idChars).optional(),
  ...MODEL_OPTIONS,
};
/** The members of the workspace of a start argument, which has the rules for them. */
const workspaceFields = {
  cwd: PathSchema.optional().describe('Absolute path of the folder to work in'),
  host: HostIdSchema.optional().describe('Host that has the folder, or fetches the repository. Default: one that can'),
  repository: RepositorySchema.optional().describe('Instead of cwd: address of a git repository that a host fetches'),
  ref: RefSchema.optional().describe('Branch, tag or commit of the repository. Default: its HEAD'),
  path: z.string().min(1).max(LIMITS.pathChars).optional().describe('Folder in the repository to work in'),
};
const settings = {
  ...model,
  sandbox: SandboxModeSchema.optional(),
  approvalPolicy: ApprovalPolicySchema.optional(),
};

export function workTools(place: Place): Record<string, Tool<never>> {
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
        ...workspaceFields,
        threadId: threadId.optional().describe('Id of the new thread. Default: made from the folder'),
        title: z.string().max(LIMITS.shortChars).optional(),
        ...images,
        ...settings,
        waitSeconds,
      }),
      async run({ task, waitSeconds: seconds, images: given, imageFiles, ...named }, context) {
        const earlier = resumed(context);
        if (earlier !== null)
          return begin(await openThread(access, earlier.threadId), earlier.turnId, seconds, context);
        const { cwd, host, repository, ref, path, ...start } = named;
        requirePermission(rights, start);
        const workspace = toWorkspace(compact({ cwd, host, repository, ref, path }), access.workspace);
        // With an id of the client's, the same call sent twice is one thread with one task.
        const input = await toInput(bobbin, task, given, imageFiles);
        const turn = toTurn(input, start.threadId === undefined ? undefined : 'start');
        const started = await bobbin.threads.start({ ...compact(start), workspace }, rights);
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
        ...images,
        onBusy: OnBusySchema.default('queue').describe(
          'What happens if the agent is at work: queue, steer it, replace its turn, or reject the message',
        ),
        ...model,
        waitSeconds,
      }),
      async run({ threadId: id, message, onBusy, waitSeconds: seconds, images: shown, imageFiles, ...given }, context) {
        const thread = await openThread(access, id);
        const earlier = resumed(context);
        if (earlier !== null) return begin(thread, earlier.turnId, seconds, context);
        const turn = toTurn(await toInput(bobbin, message, shown, imageFiles));
        const overrides = compact(given);
        const after = onBusy === 'steer' ? await newestEvent(thread) : null;
        await thread.submit({ ...turn, onBusy, ...(Object.keys(overrides).length === 0 ? {} : { overrides }) });
        const turnId = onBusy === 'steer' ? await steeredBy(thread, turn.turnId, after) : turn.turnId;
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

/** What is left out comes from the server only if the call names nothing. */
function toWorkspace(named: object, otherwise: Workspace | undefined): Workspace {
  // The start argument is checked as a whole.
  const workspace = Object.keys(named).length === 0 ? otherwise : (named as Workspace);
  if (workspace !== undefined) return workspace;
  throw new BobbinError('invalid', 'cwd or repository: the path of a folder or the address of a repository is needed.');
}

function toTurn(input: InputItem[], turnId = `turn-${randomUUID()}`) {
  return { turnId, kind: 'regular' as const, input };
}

/** The bytes of images go to the archive; files are read by the worker. */
async function toInput(
  bobbin: Bobbin,
  words: string,
  given: readonly { data: string; name?: string | undefined }[] = [],
  files: readonly string[] = [],
): Promise<InputItem[]> {
  const input: InputItem[] = [{ type: 'text', text: words }];
  for (const { data, name } of given) input.push(await bobbin.images.store(Buffer.from(data, 'base64'), name));
  return [...input, ...files.map((path) => ({ type: 'localImage' as const, path }))];
}
