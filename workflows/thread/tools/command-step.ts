/** A command as a step, and the record of its end in the history; the same for a person's command and a model's. */
import type { CommandReport } from '../../../activities/ports.ts';
import type { CommandLimit, SandboxMode, StepStatus } from '../../../src/contract/index.ts';
import { actionIds } from '../state/actions.ts';
import type { ThreadState } from '../state/state.ts';
import { INLINE_CHARS, type StepAction, type StepEnd, once, toSummary, workspaceIds } from '../state/steps.ts';

interface Command {
  command: string;
  cwd: string;
  sandbox: SandboxMode;
  timeoutMs: number;
}

export function toCommandStep(
  state: ThreadState,
  { turnId, index }: { turnId: string; index: number },
  { command, cwd, sandbox, timeoutMs }: Command,
): StepAction {
  const id = actionIds.tool(state.threadId, index);
  const inline = command.length <= INLINE_CHARS ? command : null;
  const workspace = state.settings.cwd;
  return {
    type: 'step',
    id,
    turnId,
    activity: 'execCommand',
    input: { ...workspaceIds(state, id), index, command: inline, cwd, workspace, sandbox, timeoutMs },
    options: once(timeoutMs + 60_000),
    summary: toSummary('exec', command),
    onWorkspace: true,
    losable: true,
  };
}

export interface CommandResult {
  change: {
    status: StepStatus;
    output: string;
    exitCode: number | null;
    durationMs: number | null;
    limit?: CommandLimit;
  };
  /** Whether it is certain that none of the command's processes is left. */
  proven: boolean;
  /** It did not end when it was told to, and was killed. */
  forced?: 'killed';
}

export function toCommandResult(end: StepEnd<'execCommand'>): CommandResult {
  switch (end.type) {
    case 'done': {
      const { exitCode, durationMs, limit, gone, killed = 0 } = end.value;
      const told = { status: statusOf(end.value), output: describeReport(end.value), exitCode, durationMs };
      return {
        change: { ...told, ...(limit === undefined ? {} : { limit }) },
        proven: gone,
        ...(killed > 0 ? { forced: 'killed' } : {}),
      };
    }
    case 'aborted':
      return { change: ended('aborted', 'aborted by user before it began'), proven: true };
    case 'lost':
      return {
        change: ended(
          'lost',
          `The worker that ran this command was lost. It may have partly run. Output seen last:\n${end.lastBeat.output ?? ''}`,
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

function statusOf({ outcome, exitCode, limit }: CommandReport): StepStatus {
  if (outcome === 'aborted') return 'aborted';
  return outcome === 'exited' && exitCode === 0 && limit === undefined ? 'completed' : 'failed';
}

function describeReport(report: CommandReport): string {
  const seconds = (report.durationMs / 1000).toFixed(1);
  const how = {
    exited: `Exit code: ${report.exitCode ?? 'none (ended by a signal)'}`,
    timedOut: 'Stopped: it ran longer than its time limit',
    aborted: 'command aborted by user',
  }[report.outcome];
  return `${how}\nWall time: ${seconds} seconds\nOutput:\n${report.output}`;
}

/** No step touches the workspace before the processes that this command may have left have ended. */
export function needCleanUp(state: ThreadState, commandIds: readonly string[]): ThreadState {
  if (commandIds.length === 0) return state;
  const number = state.cleanUps + 1;
  return {
    ...state,
    cleanUps: number,
    cleanUp: { number, commandIds: [...(state.cleanUp?.commandIds ?? []), ...commandIds] },
  };
}
