/** What the history keeps of a call of an MCP tool that has ended. */
import type { StepStatus } from '../../../src/contract/index.ts';
import type { McpEnd } from '../state/inputs.ts';

export interface McpResult {
  change: { status: StepStatus; output: string; durationMs: number | null };
  /** Whether it is certain that nothing of the call is left on this side. */
  proven: boolean;
}

export function toMcpResult(end: McpEnd): McpResult {
  switch (end.type) {
    case 'reported':
      return { change: { status: end.outcome, output: end.output, durationMs: end.durationMs }, proven: true };
    case 'aborted':
      return {
        change: ended('aborted', 'aborted by user; the server was told to cancel, and may have done part of it'),
        proven: true,
      };
    case 'lost':
      return { change: ended('lost', describeLoss(end.text)), proven: false };
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
