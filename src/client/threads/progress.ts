/** Reads the partial text and output of running steps from the heartbeats of pending activities. */
import type { WorkflowHandle } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';

export type StepProgress =
  /** `text` is the end of the text so far, `chars` the length of all of it. */
  | { type: 'model'; attempt: number; text: string; chars: number; lastFailure: string | null }
  | { type: 'command'; attempt: number; output: string; lastFailure: string | null }
  /** The last progress message of an MCP server. */
  | { type: 'mcp'; attempt: number; text: string; lastFailure: string | null }
  | { type: 'other'; activity: string; attempt: number; lastFailure: string | null };

interface Details {
  type?: unknown;
  text?: unknown;
  chars?: unknown;
  output?: unknown;
}

export async function readProgress(handle: WorkflowHandle): Promise<StepProgress[]> {
  const { raw } = await handle.describe();
  return (raw.pendingActivities ?? []).map((pending): StepProgress => {
    const [payload] = pending.heartbeatDetails?.payloads ?? [];
    const details = payload == null ? {} : (defaultPayloadConverter.fromPayload<Details | null>(payload) ?? {});
    const common = { attempt: pending.attempt ?? 1, lastFailure: pending.lastFailure?.message ?? null };
    if (details.type === 'model' && typeof details.text === 'string' && typeof details.chars === 'number') {
      return { ...common, type: 'model', text: details.text, chars: details.chars };
    }
    if (details.type === 'command' && typeof details.output === 'string')
      return { ...common, type: 'command', output: details.output };
    if (details.type === 'mcp' && typeof details.text === 'string')
      return { ...common, type: 'mcp', text: details.text };
    return { ...common, type: 'other', activity: pending.activityType?.name ?? '' };
  });
}
