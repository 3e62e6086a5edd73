/** A command as a step, and the record of its end in the history; the same for a person's command and a model's. */
import type { CommandStepResult, LookLimits } from '../../../activities/contract.ts';
import type { CommandLimit, SandboxMode, StepStatus } from '../../../src/contract/index.ts';
import { COMMAND_TIMEOUT } from '../../../src/contract/plain/tools/exec-command.ts';
import { reachesNetwork } from '../approvals/policy.ts';
import { actionIds, isCleanUp } from '../state/actions.ts';
import { type ActiveTurn, type ThreadState, commandsOutliveWorkers } from '../state/state.ts';
import { INLINE_CHARS, type StepAction, type StepEnd, once, retried, toSummary, workspaceIds } from '../state/steps.ts';
import { findTurn, onStepStopped, withTurn } from '../turns/turns.ts';
import type { CallResult } from './tool.ts';

/** Nothing runs on another host in a folder that nobody was shown. */
export const MOVED_BEFORE =
  'The thread was moved to another folder before it ran. Ask for it again if it is still needed.';

interface Command {
  command: string;
  cwd: string;
  sandbox: SandboxMode;
  timeoutMs: number;
  yields?: LookLimits | undefined;
  terminal?: true | undefined;
  unasked?: boolean;
}

export function toCommandStep(
  state: ThreadState,
  { turnId, index }: { turnId: string; index: number },
  { command, cwd, sandbox, timeoutMs, yields, terminal, unasked }: Command,
): StepAction {
  const id = actionIds.tool(state.threadId, index);
  const inline = command.length <= INLINE_CHARS ? command : null;
  const workspace = state.settings.cwd;
  const place = { ...workspaceIds(state, id), index, command: inline, cwd, workspace, sandbox };
  const offline = !reachesNetwork(state.settings, sandbox);
  const told = {
    ...(yields && { yields }),
    ...(terminal && { terminal }),
    ...(unasked && { unasked }),
    ...(offline && { offline }),
  };
  // A worker whose commands cannot be left running waits for it as for any other.
  const mostMs = yields === undefined ? timeoutMs : Math.max(yields.yieldMs, COMMAND_TIMEOUT.default);
  return {
    type: 'step',
    id,
    turnId,
    activity: 'execCommand',
    input: { ...place, timeoutMs, ...told },
    // Only the first attempt starts it.
    options: (commandsOutliveWorkers(state) ? retried : once)(mostMs + 60_000),
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
    sessionId?: number;
  };
  /** Whether it is certain that none of the command's processes is left. */
  proven: boolean;
  /** No worker has reported the end: a clean-up can still prove it, or must. */
  late?: true;
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
      // By the service, before its first attempt or between two.
      return { change: ended('aborted', 'aborted by user while no worker ran it'), proven: true, late: true };
    case 'lost':
      return {
        change: ended(
          'lost',
          `The process that ran this command was lost. It may have partly run. Output seen last:\n${end.lastBeat.output ?? ''}`,
        ),
        proven: false,
        late: true,
      };
    case 'failed':
      return { change: ended('failed', end.failure.message), proven: true };
  }
}

function ended(status: StepStatus, output: string) {
  return { status, output, exitCode: null, durationMs: null };
}

type Report = Omit<CommandStepResult, 'key'>;

export function statusOf({ outcome, exitCode, limit }: Report): StepStatus {
  if (outcome === 'aborted') return 'aborted';
  return outcome === 'exited' && exitCode === 0 && limit === undefined ? 'completed' : 'failed';
}

/** @param sessionId of a command that still runs */
export function describeReport(report: Report, sessionId?: number): string {
  const seconds = (report.durationMs / 1000).toFixed(1);
  const how = {
    yielded: `Still running, as session ${sessionId}`,
    exited: `Exit code: ${report.exitCode ?? 'none (ended by a signal)'}`,
    timedOut: 'Stopped: it ran longer than its time limit',
    aborted: 'command aborted by user',
  }[report.outcome];
  return `${how}\nWall time: ${seconds} seconds\nOutput:\n${report.output}`;
}

/** A command has ended. An aborted turn waits for the clean-up that it needs, as the proof that nothing is left of it. */
export function onCommandEnd(
  state: ThreadState,
  turn: ActiveTurn | null,
  actionId: string,
  { proven, late }: Pick<CallResult, 'proven' | 'late'>,
): ThreadState {
  const isLate = late === true && commandsOutliveWorkers(state);
  const next = proven && !isLate ? state : needCleanUp(state, [actionId]);
  const aborted = turn === null ? null : findTurn(next, turn.turnId);
  if (!aborted?.aborting) return next;
  if (!isLate) return onStepStopped(next, aborted, actionId, proven);
  const awaiting = aborted.aborting.awaiting.map((id) => (id === actionId ? actionIds.clean(next.cleanUps) : id));
  return withTurn(next, { ...aborted, aborting: { ...aborted.aborting, awaiting } });
}

/** No step touches the workspace before the processes that this command may have left have ended. */
export function needCleanUp(state: ThreadState, commandIds: readonly string[]): ThreadState {
  if (commandIds.length === 0) return state;
  const number = state.cleanUps + 1;
  // It also does what the one before it was to do.
  const current = [state.active, ...state.beside].reduce((all, turn) => {
    if (!turn?.aborting) return all;
    const awaiting = turn.aborting.awaiting.map((id) => (isCleanUp(id) ? actionIds.clean(number) : id));
    return withTurn(all, { ...turn, aborting: { ...turn.aborting, awaiting: [...new Set(awaiting)] } });
  }, state);
  return {
    ...current,
    cleanUps: number,
    cleanUp: { number, commandIds: [...(state.cleanUp?.commandIds ?? []), ...commandIds] },
  };
}
