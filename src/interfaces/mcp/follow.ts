/** Waits for a turn, shows progress, and asks the client's person, if the client can do that. */
import { type CallToolResult, type McpServer, type ServerContext, inputRequired } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { BobbinError } from '../../client/bobbin-error.ts';
import type { ThreadHandle } from '../../client/index.ts';
import { toVisibleLine } from '../../contract/plain/foreign-text.ts';
import { IdSchema } from '../../contract/shapes.ts';
import { type Access, mayAnswer } from './access.ts';
import { capabilitiesOf } from './client-capabilities.ts';
import { toElicitations } from './elicitation.ts';
import { toTurnResult } from './results.ts';
import { answerAll } from './tasks.ts';
import { type TurnState, readTurn } from '../../client/threads/turn-state.ts';
import { followTurn } from './follow-turn.ts';

export interface Place {
  server: McpServer;
  access: Access;
}

const StateSchema = z.object({ threadId: IdSchema, turnId: IdSchema });

/** The turn of a call that comes back with answers. The client could name any turn of threads that it may see. */
export function resumed({ mcpReq }: ServerContext): { threadId: string; turnId: string } | null {
  const state = mcpReq.requestState();
  if (typeof state !== 'string') return null;
  try {
    return StateSchema.parse(JSON.parse(state));
  } catch {
    throw new BobbinError('invalid', 'requestState is not one of this server.');
  }
}

export async function follow(
  { server, access }: Place,
  thread: ThreadHandle,
  turnId: string,
  seconds: number,
  context: ServerContext,
): Promise<CallToolResult> {
  const { mcpReq } = context;
  if (mcpReq.inputResponses !== undefined)
    await answerAll(access, thread, await readTurn(thread, turnId), mcpReq.inputResponses);
  const onProgress = toProgress(context);
  const state = await followTurn(thread, turnId, { signal: mcpReq.signal, waitMs: seconds * 1_000, onProgress });
  const asked = mcpReq.inputResponses ?? {};
  const asks = mayAnswer(access) && capabilitiesOf(server, context)?.elicitation !== undefined;
  const requests = asks ? unasked(state, asked) : {};
  if (Object.keys(requests).length === 0) return toTurnResult(thread.threadId, turnId, state);
  const requestState = JSON.stringify({ threadId: thread.threadId, turnId });
  return inputRequired({ inputRequests: requests, requestState }) as unknown as CallToolResult;
}

/** What a person has closed without an answer is not asked again in the same call. */
function unasked(state: TurnState, asked: Record<string, unknown>) {
  if (state.status !== 'working') return {};
  return toElicitations(state.requests.filter(({ requestId }) => !Object.hasOwn(asked, requestId)));
}

const PROGRESS_MS = 500;
const MAX_PROGRESS_CHARS = 200;

function toProgress({ mcpReq }: ServerContext): (message: string) => void {
  const progressToken = mcpReq._meta?.progressToken;
  let progress = 0;
  let last = -Infinity;
  return (message) => {
    const now = performance.now();
    if (progressToken === undefined || now - last < PROGRESS_MS) return;
    last = now;
    progress += 1;
    const params = { progressToken, progress, message: toVisibleLine(message.slice(0, MAX_PROGRESS_CHARS)) };
    mcpReq.notify({ method: 'notifications/progress', params }).catch(() => undefined);
  };
}
