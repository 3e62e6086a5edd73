/**
 * The extension `io.modelcontextprotocol/tasks` of MCP 2026-07-28. A task is a turn: its id names the thread and the turn, so
 * every server of any process can be asked about it, for as long as Temporal keeps the thread.
 */
import { type McpServer, ProtocolError, ProtocolErrorCode, type ServerContext } from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { ThreadHandle } from '../../client/index.ts';
import { toVisibleLine } from '../../contract/plain/foreign-text.ts';
import { IdSchema } from '../../contract/shapes.ts';
import { scopeMissing } from '../http/app.ts';
import { type Scope, allows } from '../http/tokens.ts';
import { type Access, answerRequest, describeError, mayAnswer, openThread } from './access.ts';
import { capabilitiesOfRequest } from './client-capabilities.ts';
import { toAnswer, toElicitations } from './elicitation.ts';
import { toTurnResult } from './results.ts';
import { type TurnState, readTurn } from '../../client/threads/turn-state.ts';
import { BobbinError } from '../../client/bobbin-error.ts';

export const TASKS = 'io.modelcontextprotocol/tasks';
/** How often a client should ask. */
const POLL_MS = 1_000;

/** No character of an id, so that a task has one thread and one turn. */
const SEPARATOR = '#';

export function toTaskId(threadId: string, turnId: string): string {
  return `${threadId}${SEPARATOR}${turnId}`;
}

export function takesTasks(context: ServerContext): boolean {
  return capabilitiesOfRequest(context)?.extensions?.[TASKS] !== undefined;
}

/** The result of a tool whose work goes on as a task. */
export function toTask(threadId: string, turnId: string): object {
  const now = new Date().toISOString();
  return {
    ...{ resultType: 'task', taskId: toTaskId(threadId, turnId), status: 'working' },
    ...{ createdAt: now, lastUpdatedAt: now, ttlMs: null, pollIntervalMs: POLL_MS },
  };
}

const AskSchema = z.object({ taskId: z.string() });
const AnswerSchema = z.looseObject({});

export function addTasks(server: McpServer, access: Access): void {
  server.server.registerCapabilities({ extensions: { [TASKS]: {} } });
  const handle = (
    method: string,
    scopes: readonly Scope[],
    run: (task: Task, context: ServerContext) => Promise<object>,
  ) =>
    server.server.setRequestHandler(method, { params: AskSchema, result: AnswerSchema }, async (given, context) => {
      try {
        if (!scopes.some((scope) => allows(access.rights, scope))) throw scopeMissing(scopes[0] ?? 'admin');
        return { ...(await run(await openTask(access, given.taskId), context)) };
      } catch (error) {
        const { code, message } = describeError(access, error);
        throw new ProtocolError(ProtocolErrorCode.InvalidParams, `${code}: ${message}`);
      }
    });
  handle('tasks/get', ['read', 'drive'], ({ thread, turnId }) => toDetails(access, thread, turnId));
  handle('tasks/cancel', ['drive'], ({ thread, turnId }) => cancel(thread, turnId));
  handle('tasks/update', ['approve'], async ({ thread, turnId }, { mcpReq }) => {
    await answerAll(access, thread, await readTurn(thread, turnId), mcpReq.inputResponses ?? {});
    return {};
  });
}

interface Task {
  thread: ThreadHandle;
  turnId: string;
}

async function openTask(access: Access, taskId: string): Promise<Task> {
  const [threadId, turnId, ...others] = taskId.split(SEPARATOR).map((id) => IdSchema.safeParse(id).data);
  if (threadId === undefined || turnId === undefined || others.length > 0)
    throw new BobbinError('threadNotFound', 'There is no such task.');
  return { thread: await openThread(access, threadId), turnId };
}

async function toDetails(access: Access, thread: ThreadHandle, turnId: string): Promise<object> {
  const state = await readTurn(thread, turnId);
  const { threadId } = thread;
  const base = (createdAt: number | null, at: number) => ({
    taskId: toTaskId(threadId, turnId),
    createdAt: new Date(createdAt ?? at).toISOString(),
    lastUpdatedAt: new Date(at).toISOString(),
    ttlMs: null,
    pollIntervalMs: POLL_MS,
  });
  switch (state.status) {
    case 'working': {
      const inputRequests = mayAnswer(access) ? toElicitations(state.requests) : {};
      const asks = Object.keys(inputRequests).length > 0;
      return {
        ...base(state.startedAt, Date.now()),
        statusMessage: toVisibleLine(`${state.requests.length === 0 ? '' : 'waits for a person: '}${state.message}`),
        ...(asks ? { status: 'input_required', inputRequests } : { status: 'working' }),
      };
    }
    case 'ended':
      return {
        ...base(state.turn.startedAt, state.endedAt),
        ...(state.turn.status === 'aborted'
          ? { status: 'cancelled', statusMessage: state.turn.detail ?? state.turn.reason }
          : { status: 'completed', result: ended(threadId, turnId, state) }),
      };
    case 'rejected':
      return { ...base(null, state.at), status: 'completed', result: ended(threadId, turnId, state) };
    case 'unknown':
      throw new BobbinError('turnNotActive', `Thread ${threadId} has no turn ${turnId}.`);
  }
}

/** A failed turn is a result with `isError`: `failed` is for failures of the protocol. */
function ended(threadId: string, turnId: string, state: TurnState): object {
  const isError = state.status !== 'ended' || state.turn.status === 'failed';
  return { resultType: 'complete', ...toTurnResult(threadId, turnId, state), ...(isError ? { isError: true } : {}) };
}

/** A turn that has ended stays as it is. */
async function cancel(thread: ThreadHandle, turnId: string): Promise<object> {
  const view = await thread.view();
  if (view.queuedTurns.some((queued) => queued.turnId === turnId))
    await thread.requestQueueEdit({ op: 'drop', turnId });
  else if (view.activeTurn?.turnId === turnId)
    await thread.requestInterrupt({ turnId, reason: 'cancelled by an MCP client' });
  return {};
}

/** Ignores what is no answer, and answers to what is not open any more. */
export async function answerAll(
  access: Access,
  thread: ThreadHandle,
  state: TurnState,
  responses: Record<string, unknown>,
): Promise<void> {
  if (state.status !== 'working') return;
  for (const request of state.requests) {
    const answer = toAnswer(request, responses[request.requestId]);
    if (answer === null) continue;
    await answerRequest(access, thread, answer).catch((error: unknown) => {
      if (!(error instanceof BobbinError) || error.code !== 'requestNotOpen') throw error;
    });
  }
}
