/** What the history keeps of a command that has ended, whoever asked for it. */
import type { CommandLimit, StepStatus } from '../../../src/contract/index.ts';
import type { CommandEnd } from '../state/inputs.ts';
import type { ThreadState } from '../state/state.ts';

export interface CommandResult {
  change: {
    status: StepStatus;
    output: string;
    exitCode: number | null;
    durationMs: number | null;
    limit?: CommandLimit;
  };
  /** Whether it is certain that nothing of the command is left. */
  proven: boolean;
}

export function toCommandResult(end: CommandEnd): CommandResult {
  switch (end.type) {
    case 'reported':
      return {
        change: {
          status: statusOf(end),
          output: describeReport(end),
          exitCode: end.exitCode,
          durationMs: end.durationMs,
          ...(end.limit === undefined ? {} : { limit: end.limit }),
        },
        proven: end.gone,
      };
    case 'aborted':
      return { change: ended('aborted', 'aborted by user before it began'), proven: true };
    case 'lost':
      return {
        change: ended(
          'lost',
          `The worker that ran this command was lost. It may have partly run. Output seen last:\n${end.output}`,
        ),
        proven: false,
      };
    case 'failed':
      return { change: ended('failed', end.failure.message), proven: true };
  }
}

function ended(status: StepStatus, output: string) {
  return { status, output, exitCode: null, durationMs: null };
}

type Reported = Extract<CommandEnd, { type: 'reported' }>;

function statusOf({ outcome, exitCode, limit }: Reported): StepStatus {
  if (outcome === 'aborted') return 'aborted';
  return outcome === 'exited' && exitCode === 0 && limit === undefined ? 'completed' : 'failed';
}

function describeReport(end: Reported): string {
  const seconds = (end.durationMs / 1000).toFixed(1);
  const how = {
    exited: `Exit code: ${end.exitCode ?? 'none (ended by a signal)'}`,
    timedOut: 'Stopped: it ran longer than its time limit',
    aborted: 'command aborted by user',
  }[end.outcome];
  return `${how}\nWall time: ${seconds} seconds\nOutput:\n${end.output}`;
}

/** No step touches the workspace before what this command may have left behind is ended. */
export function needCleanUp(state: ThreadState, commandIds: readonly string[]): ThreadState {
  if (commandIds.length === 0) return state;
  const number = state.cleanUps + 1;
  return {
    ...state,
    cleanUps: number,
    cleanUp: { number, commandIds: [...(state.cleanUp?.commandIds ?? []), ...commandIds] },
  };
}
