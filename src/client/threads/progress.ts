/** Reads the partial text and output of running steps from the heartbeats of pending activities. */
import type { WorkflowHandle } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';

/** `id` is unique in its thread. `attempt` counts from 1; `lastFailure` is the reason why the one before ended. */
export type StepProgress = { id: string; activity: string; attempt: number; lastFailure: string | null } & StepText;

/** `text` and `output` are the end of the text so far, `chars` the number of characters of all of it. */
type StepText =
  /** `step` is the number of the model step in its turn. */
  | { type: 'model'; turnId: string; step: number; text: string; chars: number; reasoning?: Tail; patch?: PatchText }
  | { type: 'command'; itemId: string; output: string; chars: number }
  /** Of commands that were left running, those that have written something. */
  | { type: 'sessions'; sessions: SessionTail[] }
  /** The last progress message of an MCP server. */
  | { type: 'mcp'; itemId: string; text: string }
  | { type: 'other' };

/** The end of the output of a session, of `chars` characters. */
export interface SessionTail {
  sessionId: number;
  output: string;
  chars: number;
}

/** The end of a text of `chars` characters. */
interface Tail {
  text: string;
  chars: number;
}

/** The end of the patch that the model is writing. `call` is the place of its call in the answer. */
export interface PatchText extends Tail {
  call: number;
}

export async function readProgress(handle: WorkflowHandle): Promise<StepProgress[]> {
  const { raw, runId } = await handle.describe();
  return (raw.pendingActivities ?? []).map((pending): StepProgress => {
    const [payload] = pending.heartbeatDetails?.payloads ?? [];
    return {
      id: `${runId}/${pending.activityId ?? ''}`,
      activity: pending.activityType?.name ?? '',
      attempt: pending.attempt ?? 1,
      lastFailure: pending.lastFailure?.message ?? null,
      ...toText(payload == null ? null : defaultPayloadConverter.fromPayload(payload), pending.attempt ?? 1),
    };
  });
}

/** Heartbeats of a worker of another release may lack members. The last one may be of an earlier attempt. */
function toText(details: unknown, attempt: number): StepText {
  const { type, turnId, step, itemId, text, output, chars, ...rest } = (details ?? {}) as Record<string, unknown>;
  switch (type) {
    case 'model':
      if (!isText(turnId) || !isCount(step) || !isText(text) || !isCount(chars)) break;
      return rest['attempt'] === attempt
        ? { type, turnId, step, text, chars, ...toReasoning(rest['reasoning']), ...toPatch(rest['patch']) }
        : { type, turnId, step, text: '', chars: 0 };
    case 'command':
      if (isText(itemId) && isText(output) && isCount(chars)) return { type, itemId, output, chars };
      break;
    case 'sessions':
      return { type, sessions: Array.isArray(rest['sessions']) ? rest['sessions'].flatMap(toSessionTail) : [] };
    case 'mcp':
      if (isText(itemId) && isText(text)) return { type, itemId, text };
  }
  return { type: 'other' };
}

function toSessionTail(value: unknown): SessionTail[] {
  const { id, output, chars } = (value ?? {}) as Record<string, unknown>;
  return isCount(id) && isText(output) && isCount(chars) ? [{ sessionId: id, output, chars }] : [];
}

function toReasoning(value: unknown): { reasoning?: Tail } {
  const { text, chars } = (value ?? {}) as Record<string, unknown>;
  return isText(text) && isCount(chars) ? { reasoning: { text, chars } } : {};
}

function toPatch(value: unknown): { patch?: PatchText } {
  const { call, text, chars } = (value ?? {}) as Record<string, unknown>;
  return isCount(call) && isText(text) && isCount(chars) ? { patch: { call, text, chars } } : {};
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
