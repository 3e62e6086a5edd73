/** A call of an MCP tool as a step, and what the history keeps of its end. */
import type { StepStatus } from '../../../src/contract/index.ts';
import { actionIds } from '../state/actions.ts';
import type { ThreadState } from '../state/state.ts';
import { INLINE_CHARS, type StepAction, type StepEnd, once, retried, stepIds, toSummary } from '../state/steps.ts';

/** The longest time limit that a server's configuration may set, and a minute. */
const TIMEOUT = '61m';

interface McpCall {
  server: string;
  tool: string;
  arguments: Record<string, unknown>;
  readOnly: boolean;
}

export function toMcpStep(
  state: ThreadState,
  { turnId, index }: { turnId: string; index: number },
  { server, tool, arguments: given, readOnly }: McpCall,
): StepAction {
  const id = actionIds.tool(state.threadId, index);
  const inline = JSON.stringify(given).length <= INLINE_CHARS ? given : null;
  return {
    type: 'step',
    id,
    turnId,
    activity: 'callMcpTool',
    input: { ...stepIds(state, id), index, server, tool, arguments: inline },
    // Only what the server says changes nothing may be called twice.
    options: readOnly ? retried(TIMEOUT) : once(TIMEOUT),
    summary: toSummary('mcp', `${server} ${tool}`),
    onWorkspace: true,
    losable: true,
  };
}

export interface McpResult {
  change: { status: StepStatus; output: string; durationMs: number | null };
  /** Whether it is certain that nothing of the call is left on this side. */
  proven: boolean;
}

export function toMcpResult(end: StepEnd<'callMcpTool'>): McpResult {
  switch (end.type) {
    case 'done': {
      const { outcome: status, output, durationMs } = end.value;
      return { change: { status, output, durationMs }, proven: true };
    }
    case 'aborted':
      return {
        change: ended('aborted', 'aborted by user; the server was told to cancel, and may have done part of it'),
        proven: true,
      };
    case 'lost':
      return { change: ended('lost', describeLoss(end.lastBeat.text ?? '')), proven: false };
    case 'failed':
      return { change: ended('failed', end.failure.message), proven: true };
  }
}

function ended(status: StepStatus, output: string): McpResult['change'] {
  return { status, output, durationMs: null };
}

function describeLoss(progress: string): string {
  const lost = 'The worker that made this call was lost. The server may have done all or part of it.';
  return progress === '' ? lost : `${lost} It said last: ${progress}`;
}
