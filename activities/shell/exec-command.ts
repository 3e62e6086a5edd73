/**
 * Runs one command. The first attempt starts it, later ones attach to it: a command is never started twice, and one that
 * nobody knows any longer is lost. A command that yields is left running after a while; `sessions.ts` has what comes then.
 */
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { toItemId } from '../../src/contract/plain/item-ids.ts';
import { COMMAND_TIMEOUT } from '../../src/contract/plain/tools/exec-command.ts';
import type { CommandProgress, CommandStep, CommandStepResult, LookLimits, LostCommand } from '../contract.ts';
import { Failure, type FailureCode } from '../failures.ts';
import { refuseOwnSettings } from '../files/own-settings.ts';
import { startBeating } from '../heartbeats.ts';
import type { CommandIo, CommandReport, Ports } from '../ports.ts';
import { leftToTheNext } from '../step.ts';
import { toTemporal } from '../to-temporal.ts';

export async function execCommand(ports: Ports, input: CommandStep): Promise<CommandStepResult> {
  const context = Context.current();
  const earlier = context.info.heartbeatDetails as CommandProgress | undefined;
  let progress: CommandProgress = earlier ?? { type: 'command', itemId: toItemId(input.index), output: '', chars: 0 };
  const beats = startBeating(ports.heartbeatEveryMs, () => context.heartbeat(progress));
  const asked = watchRequests(ports, input, context);
  const key = `${context.info.workflowExecution?.runId} ${input.actionId}`;
  const { yields } = input;
  const poll =
    yields && canYield(ports) ? { id: key, isFirst: true, chars: '', ...toLimits(ports, yields) } : undefined;
  const io: Required<CommandIo> = {
    signal: asked.stop,
    lasting: { key, leave: asked.leave, ...(poll && { poll }) },
    onOutput: ({ text, chars }) => (progress = { ...progress, output: text, chars }),
  };
  try {
    const report = context.info.attempt > 1 ? await attach(ports, input, io) : await start(ports, input, io);
    if (report.outcome === 'aborted' && !asked.byThread()) throw stoppedByWorker(input, report);
    return report.outcome === 'yielded' ? { ...report, key } : report;
  } catch (error) {
    if (asked.leave.aborted && error === asked.leave.reason)
      throw leftToTheNext(`Command ${input.actionId} of thread ${input.threadId}`, error);
    if (error instanceof Failure && error.code === 'commandLost') throw lost(error, progress);
    throw toTemporal(error, true);
  } finally {
    beats.stop();
    asked.release();
  }
}

/** Only commands that outlive their worker can be left running. */
function canYield({ commands }: Ports): boolean {
  return commands.attach !== undefined;
}

export function toLimits({ maxOutputBytes: most }: Ports, { yieldMs, maxOutputBytes }: LookLimits) {
  return { yieldMs, maxOutputBytes: Math.min(maxOutputBytes ?? most, most) };
}

async function start(ports: Ports, input: CommandStep, io: Required<CommandIo>): Promise<CommandReport> {
  // The person may have taken long to accept it.
  refuseOwnSettings(ports, input.workspace, input.sandbox);
  const spec = {
    commandId: input.actionId,
    threadId: input.threadId,
    command: input.command ?? (await readCommand(ports, input, AbortSignal.any([io.signal, io.lasting.leave]))),
    cwd: input.cwd,
    workspace: input.workspace,
    ...(input.root === undefined ? {} : { root: input.root }),
    sandbox: { mode: input.sandbox, writableRoots: [], networkAccess: false },
    timeoutMs: timeoutOf(ports, input),
    ...(input.terminal && canYield(ports) ? { terminal: input.terminal } : {}),
    ...(input.offline && { offline: input.offline }),
    ...(input.unasked && { unasked: input.unasked }),
    maxOutputBytes: ports.maxOutputBytes,
  };
  return ports.commands.run(spec, io);
}

/** If a command cannot be left running, it gets as much time as any other. */
function timeoutOf(ports: Ports, { yields, timeoutMs }: CommandStep): number {
  return yields === undefined || canYield(ports) ? timeoutMs : Math.min(timeoutMs, COMMAND_TIMEOUT.default);
}

async function attach(ports: Ports, input: CommandStep, io: Required<CommandIo>): Promise<CommandReport> {
  const { threadId, actionId: commandId } = input;
  if (ports.commands.attach === undefined)
    throw new Failure('commandLost', `Command ${commandId} ended with its worker.`);
  return ports.commands.attach({ key: io.lasting.key, threadId, commandId }, io);
}

interface Requests {
  /** Fires when the command must stop. */
  stop: AbortSignal;
  /** Fires when only this attempt must end. */
  leave: AbortSignal;
  /** Whether the thread has stopped the command, or no longer waits for it. */
  byThread(): boolean;
  release(): void;
}

/** Who wants this attempt to end: its thread, its worker or the service. */
function watchRequests(ports: Ports, { threadId, actionId }: CommandStep, context: Context): Requests {
  const local = ports.steps.enter(threadId, actionId);
  const [stop, leave] = [new AbortController(), new AbortController()];
  let byThread = false;
  const stopByThread = (): void => {
    byThread = true;
    stop.abort();
  };
  const leaveToOthers = (): void => (ports.commands.attach === undefined ? stop : leave).abort(new Error('left'));
  const onCancel = async (): Promise<void> => {
    const { cancelRequested, notFound, timedOut } = context.cancellationDetails ?? {};
    // The service may have given up only this attempt, because it was away.
    const isOver =
      notFound === true || timedOut === true ? !(await isAwaited(ports, context)) : cancelRequested === true;
    if (isOver) stopByThread();
    else leaveToOthers();
  };
  const released = new AbortController();
  local.signal.addEventListener('abort', stopByThread, { signal: released.signal });
  const { cancellationSignal } = context;
  cancellationSignal.addEventListener('abort', () => void onCancel(), { signal: released.signal });
  if (local.signal.aborted) stopByThread();
  if (cancellationSignal.aborted) void onCancel();
  return {
    stop: stop.signal,
    leave: leave.signal,
    byThread: () => byThread,
    release() {
      released.abort();
      local.release();
    },
  };
}

/** Whether the run of the thread still waits for this step; true if the service cannot say. */
async function isAwaited(ports: Ports, { info }: Context): Promise<boolean> {
  const { workflowExecution, activityId } = info;
  if (workflowExecution === undefined) return false;
  return ports.threads.awaits({ ...workflowExecution, activityId }).catch(() => true);
}

function stoppedByWorker(input: CommandStep, report: CommandReport): ApplicationFailure {
  const type: FailureCode = 'commandStoppedByWorker';
  const details: LostCommand = { output: report.output };
  const message = `Command ${input.actionId} was ended because its worker was told to stop.`;
  return ApplicationFailure.create({ message, type, nonRetryable: true, details: [details] });
}

/** With the output that was seen last, by this attempt or an earlier one. */
function lost(failure: Failure, { output }: CommandProgress): ApplicationFailure {
  const details: LostCommand = { output };
  return ApplicationFailure.create({
    message: failure.message,
    type: failure.code,
    nonRetryable: true,
    details: [details],
  });
}

async function readCommand(ports: Ports, input: CommandStep, signal: AbortSignal): Promise<string> {
  const { items, from } = await ports.threads.context(input.threadId, input.index, signal);
  const item = items[input.index - from];
  if (item?.type === 'commandExecution') return item.command;
  throw new Failure(
    'internal',
    `Item ${input.index} of thread ${input.threadId} is not the command of ${input.actionId}.`,
  );
}
