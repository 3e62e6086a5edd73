/** Runs one action and says what came of it. Whatever goes wrong becomes an event: this never throws. */
import {
  ActivityFailure,
  type ActivityFunctionWithOptions,
  ApplicationFailure,
  CancellationScope,
  type ChildWorkflowHandle,
  TimeoutFailure,
  type Workflow,
  getExternalWorkflowHandle,
  isCancellation,
  log,
  proxyActivities,
  sleep,
  startChild,
} from '@temporalio/workflow';
import type {
  Activities,
  CommandProgress,
  McpProgress,
  StoppedByWorker,
  UndoStep,
} from '../../../activities/contract.ts';
import type { ThreadSettings } from '../../../src/contract/index.ts';
import { toStepFailure } from '../../sandbox/step-failure.ts';
import { WORKFLOW_TASK_TIMEOUT } from '../../sandbox/task-timeout.ts';
import { toWorkflowId } from '../../../src/contract/plain/thread-workflow-id.ts';
import type { Action } from '../state/actions.ts';
import type { Happening } from '../state/inputs.ts';
import type { StepFailure } from '../../sandbox/step-failure.ts';
import type { ThreadState } from '../state/state.ts';
import { toStaticTexts } from '../view/static-details.ts';

/** Heartbeats tell a lost worker from a slow step; how soon a stop is noticed is the worker's throttle. */
const HEARTBEAT_TIMEOUT = '5s';
/** A command, or the arguments of a call, longer than this travel by reference to their item. */
const INLINE_CHARS = 2_000;

/** Failure type of a command whose worker was told to stop; see `activities/shell/exec-command.ts`. */
const STOPPED_BY_WORKER = 'commandStoppedByWorker';
/** Failure type of any other step whose worker was told to stop; see `activities/step.ts`. */
const LEFT_TO_THE_NEXT = 'stepStoppedByWorker';

const WAIT = { cancellationType: 'WAIT_CANCELLATION_COMPLETED' } as const;
const BACKOFF = { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '30s' } as const;

/** How often a step is tried is counted by the activity itself, so that a worker's restart does not use up a try. */
const modelOptions = {
  ...WAIT,
  startToCloseTimeout: '30m',
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  retry: BACKOFF,
} as const;
const patchOptions = {
  ...WAIT,
  startToCloseTimeout: '5m',
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  retry: BACKOFF,
} as const;
const lastSnapshotOptions = {
  ...patchOptions,
  scheduleToStartTimeout: '2m',
  startToCloseTimeout: '2m',
  scheduleToCloseTimeout: '2m',
} as const;
/** The longest time limit that a server's configuration may set, and a minute. */
const mcpOptions = { ...WAIT, startToCloseTimeout: '61m', heartbeatTimeout: HEARTBEAT_TIMEOUT } as const;
const registerOptions = {
  ...WAIT,
  startToCloseTimeout: '60s',
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  retry: BACKOFF,
} as const;
const shortOptions = { ...WAIT, startToCloseTimeout: '60s', heartbeatTimeout: HEARTBEAT_TIMEOUT } as const;
/** It waits for as long as the child lives; each attempt is given an hour, so that no attempt is waited for in vain. */
const watchOptions = {
  ...WAIT,
  startToCloseTimeout: '1h',
  heartbeatTimeout: '30s',
  retry: BACKOFF,
} as const;
/** A person waits at the other end, who is asked where this comes to nothing. */
const lookupOptions = {
  ...WAIT,
  startToCloseTimeout: '10s',
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  retry: { ...BACKOFF, maximumAttempts: 3 },
} as const;
const cleanOptions = { ...shortOptions, retry: { ...BACKOFF, maximumAttempts: 10 } } as const;
const archiveOptions = { ...shortOptions, retry: { ...BACKOFF, maximumAttempts: 5 } } as const;

const activities = proxyActivities<Activities>(modelOptions);

/** With the line that the Temporal UI shows for it. */
type Runnable = Exclude<Action, { type: 'continueAsNew' | 'complete' }> & { summary: string };

/** Children that this run has started: their end is told to it. */
export type Links = Map<string, ChildWorkflowHandle<Workflow>>;

/** What every step on the workspace is told of its thread. */
export type StepThread = { threadId: string } & Pick<ThreadSettings, 'root'>;

export function toStepThread({ threadId, settings: { root } }: ThreadState): StepThread {
  return root === undefined ? { threadId } : { threadId, root };
}

export async function run(thread: StepThread, links: Links, action: Runnable): Promise<Happening | null> {
  const { id } = action;
  const { threadId } = thread;
  switch (action.type) {
    case 'callModel':
      return { type: 'modelEnded', id, end: await callModel(threadId, action) };
    case 'compactContext':
      return { type: 'compactionEnded', id, end: await compactContext(threadId, action) };
    case 'execCommand':
      return { type: 'commandEnded', id, end: await execCommand(thread, action) };
    case 'applyPatch':
      return { type: 'patchEnded', id, end: await applyPatch(thread, action) };
    case 'callMcpTool':
      return { type: 'mcpCallEnded', id, end: await callMcpTool(threadId, action) };
    case 'takeSnapshot':
      return { type: 'snapshotEnded', id, end: await takeSnapshot(thread, action) };
    case 'findRules':
      return { type: 'rulesFound', id, end: await findRules(thread, action) };
    case 'rememberRule':
      return { type: 'ruleKept', id, failure: await rememberRule(thread, action) };
    case 'taskStep':
      return { type: 'taskStepEnded', id, end: await taskStep(thread, action) };
    case 'releaseSnapshots':
      return { type: 'snapshotsReleased', id, failure: await releaseSnapshots(thread, action) };
    case 'registerAgentTask':
      return { type: 'registrationEnded', id, end: await registerAgentTask(threadId, action) };
    case 'prepareReview':
      return { type: 'reviewPrepared', id, end: await prepareReview(thread, action) };
    case 'finishReview':
      return { type: 'reviewConcluded', id, end: await finishReview(thread, action) };
    case 'cleanWorkspace':
      return { type: 'workspaceCleaned', id, ended: await cleanWorkspace(action) };
    case 'archiveSegment':
      return archiveSegment(threadId, action);
    case 'startChild':
      return { type: 'childStarted', id, failure: await startChildThread(links, action) };
    case 'watchChild':
      return (await watchChild(threadId, links, action)) ? { type: 'childGone', id, threadId: action.threadId } : null;
    case 'sendMessage':
      return { type: 'messageSent', id, delivered: await sendMessage(action) };
    case 'awaitTime':
      return awaitTime(action);
  }
}

/** Nobody waits for a registration that was stopped. */
const STOPPED: StepFailure = { code: 'internal', message: 'The registration was stopped by its thread.', details: {} };

type Of<T extends Runnable['type']> = Extract<Runnable, { type: T }>;
type EndOf<T extends Happening['type']> = Extract<Happening, { type: T; end: unknown }>['end'];

async function callModel(threadId: string, action: Of<'callModel'>): Promise<EndOf<'modelEnded'>> {
  const { turnId, step, contextVersion, contextTokens, agentTask, agentIdentity, costLimited, snapshot } = action;
  const asked = { turnId, step, contextVersion, contextTokens, agentTask, agentIdentity, costLimited, snapshot };
  try {
    const options = { ...modelOptions, summary: action.summary };
    return await activities.callModel.executeWithOptions(options, [{ threadId, actionId: action.id, ...asked }]);
  } catch (error) {
    return isCancellation(error) ? { type: 'aborted' } : { type: 'failed', failure: toStepFailure(error) };
  }
}

async function compactContext(threadId: string, action: Of<'compactContext'>): Promise<EndOf<'compactionEnded'>> {
  const { turnId, model, contextVersion, agentTask, agentIdentity, costLimited } = action;
  try {
    const options = { ...modelOptions, summary: action.summary };
    return await activities.compactContext.executeWithOptions(options, [
      { threadId, actionId: action.id, turnId, model, contextVersion, agentTask, agentIdentity, costLimited },
    ]);
  } catch (error) {
    return isCancellation(error) ? { type: 'aborted' } : { type: 'failed', failure: toStepFailure(error) };
  }
}

async function execCommand(thread: StepThread, action: Of<'execCommand'>): Promise<EndOf<'commandEnded'>> {
  const { id, index, command, cwd, workspace, sandbox, timeoutMs } = action;
  const options = {
    ...WAIT,
    startToCloseTimeout: timeoutMs + 60_000,
    heartbeatTimeout: HEARTBEAT_TIMEOUT,
    retry: { maximumAttempts: 1 },
    summary: action.summary,
  };
  const inline = command.length <= INLINE_CHARS ? command : null;
  try {
    const report = await activities.execCommand.executeWithOptions(options, [
      { ...thread, actionId: id, index, command: inline, cwd, workspace, sandbox, timeoutMs },
    ]);
    const { outcome, exitCode, output, durationMs, gone, limit } = report;
    return { type: 'reported', outcome, exitCode, output, durationMs, gone, ...(limit === undefined ? {} : { limit }) };
  } catch (error) {
    if (isCancellation(error)) return { type: 'aborted' };
    const lost = lostOutput(error);
    return lost === null ? { type: 'failed', failure: toStepFailure(error) } : { type: 'lost', output: lost };
  }
}

/** The output seen in the last heartbeat, where the error says that the worker was lost; else null. */
function lostOutput(error: unknown): string | null {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  if (cause instanceof ApplicationFailure && cause.type === STOPPED_BY_WORKER) {
    const [details] = (cause.details ?? []) as StoppedByWorker[];
    return details?.output ?? '';
  }
  if (!(cause instanceof TimeoutFailure)) return null;
  const progress = cause.lastHeartbeatDetails as CommandProgress | undefined;
  return progress?.output ?? '';
}

async function applyPatch(thread: StepThread, action: Of<'applyPatch'>): Promise<EndOf<'patchEnded'>> {
  const { index, cwd, sandbox, leads } = action;
  const led = leads === undefined ? {} : { leads };
  try {
    return await activities.applyPatch.executeWithOptions({ ...patchOptions, summary: action.summary }, [
      { ...thread, actionId: action.id, index, cwd, sandbox, ...led },
    ]);
  } catch (error) {
    return isCancellation(error) ? { type: 'aborted' } : { type: 'failed', failure: toStepFailure(error) };
  }
}

async function callMcpTool(threadId: string, action: Of<'callMcpTool'>): Promise<EndOf<'mcpCallEnded'>> {
  const { id, index, server, tool, readOnly } = action;
  // Only what the server says changes nothing may be called twice.
  const retry = readOnly ? BACKOFF : { maximumAttempts: 1 };
  const options = { ...mcpOptions, retry, summary: action.summary };
  const inline = JSON.stringify(action.arguments).length <= INLINE_CHARS ? action.arguments : null;
  try {
    return await activities.callMcpTool.executeWithOptions(options, [
      { threadId, actionId: id, index, server, tool, arguments: inline },
    ]);
  } catch (error) {
    if (isCancellation(error)) return { type: 'aborted' };
    const lost = lostProgress(error);
    return lost === null ? { type: 'failed', failure: toStepFailure(error) } : { type: 'lost', text: lost };
  }
}

/** What the server said last, where the error says that the worker was lost; else null. */
function lostProgress(error: unknown): string | null {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  if (cause instanceof ApplicationFailure && cause.type === LEFT_TO_THE_NEXT) return '';
  if (!(cause instanceof TimeoutFailure)) return null;
  const progress = cause.lastHeartbeatDetails as McpProgress | undefined;
  return progress?.text ?? '';
}

async function takeSnapshot(thread: StepThread, action: Of<'takeSnapshot'>): Promise<EndOf<'snapshotEnded'>> {
  const { id: actionId, turnId: name, cwd, release, after } = action;
  // The end of a turn waits for it.
  const options = after === undefined ? patchOptions : lastSnapshotOptions;
  const compared = after === undefined ? {} : { after };
  try {
    const made = await activities.takeSnapshot.executeWithOptions({ ...options, summary: action.summary }, [
      { ...thread, actionId, cwd, name, release, ...compared },
    ]);
    return 'type' in made ? { status: 'aborted' } : made;
  } catch (error) {
    return isCancellation(error) ? { status: 'aborted' } : { status: 'failed', failure: toStepFailure(error) };
  }
}

async function findRules(thread: StepThread, action: Of<'findRules'>): Promise<EndOf<'rulesFound'>> {
  const { id: actionId, cwd, match } = action;
  try {
    const options = { ...lookupOptions, summary: action.summary };
    return await activities.findRules.executeWithOptions(options, [{ ...thread, actionId, cwd, match }]);
  } catch (error) {
    return isCancellation(error) ? { type: 'aborted' } : { type: 'failed', failure: toStepFailure(error) };
  }
}

/** Why it could not be kept, or null. */
async function rememberRule({ root }: StepThread, { cwd, rule, summary }: Of<'rememberRule'>): Promise<string | null> {
  try {
    const options = { ...archiveOptions, summary };
    await activities.rememberRule.executeWithOptions(options, [{ cwd, rule, ...(root === undefined ? {} : { root }) }]);
    return null;
  } catch (error) {
    return toStepFailure(error).message;
  }
}

async function taskStep(thread: StepThread, action: Of<'taskStep'>): Promise<EndOf<'taskStepEnded'>> {
  const { id: actionId, activity, input, summary } = action;
  try {
    const options = { ...patchOptions, startToCloseTimeout: '30m', summary } as const;
    // The compiler cannot see that an activity and its input belong together; the action's type has seen to it.
    const call = activities[activity] as unknown as ActivityFunctionWithOptions<(step: object) => Promise<object>>;
    const value = await call.executeWithOptions(options, [{ ...thread, actionId, ...input }]);
    return 'type' in value ? { type: 'aborted' } : { type: 'done', value };
  } catch (error) {
    return isCancellation(error) ? { type: 'aborted' } : { type: 'failed', failure: toStepFailure(error) };
  }
}

/** What an undo of that turn would do. Rejects with a failure that the caller is told. */
export async function previewUndo(
  thread: StepThread,
  input: Omit<UndoStep, keyof StepThread | 'actionId' | 'preview'>,
) {
  const { turnId } = input.undone;
  const options = {
    ...shortOptions,
    summary: `preview of an undo: ${turnId}`,
    retry: { ...BACKOFF, maximumAttempts: 3 },
  };
  const step = { ...thread, actionId: `preview/${turnId}`, preview: true, ...input } as const;
  return activities.undoFiles.executeWithOptions(options, [step]);
}

/** Why snapshots may be left, or null. */
async function releaseSnapshots(thread: StepThread, action: Of<'releaseSnapshots'>): Promise<string | null> {
  try {
    const options = { ...archiveOptions, summary: action.summary };
    await activities.releaseSnapshots.executeWithOptions(options, [{ ...thread, cwd: action.cwd }]);
    return null;
  } catch (error) {
    return toStepFailure(error).message;
  }
}

async function prepareReview(thread: StepThread, action: Of<'prepareReview'>): Promise<EndOf<'reviewPrepared'>> {
  const { cwd, target } = action;
  try {
    return await activities.prepareReview.executeWithOptions({ ...patchOptions, summary: action.summary }, [
      { ...thread, actionId: action.id, cwd, target },
    ]);
  } catch (error) {
    return isCancellation(error) ? { type: 'aborted' } : { type: 'failed', failure: toStepFailure(error) };
  }
}

async function finishReview(thread: StepThread, action: Of<'finishReview'>): Promise<EndOf<'reviewConcluded'>> {
  const { turnId, cwd, range, text } = action;
  try {
    return await activities.finishReview.executeWithOptions({ ...patchOptions, summary: action.summary }, [
      { ...thread, turnId, actionId: action.id, cwd, range, text },
    ]);
  } catch (error) {
    return isCancellation(error) ? { type: 'aborted' } : { type: 'failed', failure: toStepFailure(error) };
  }
}

async function registerAgentTask(
  threadId: string,
  action: Of<'registerAgentTask'>,
): Promise<EndOf<'registrationEnded'>> {
  const { account, replaceIdentity } = action;
  try {
    const options = { ...registerOptions, summary: action.summary };
    const registered = await activities.registerAgentTask.executeWithOptions(options, [
      { threadId, actionId: action.id, account, replaceIdentity },
    ]);
    return 'task' in registered ? { type: 'registered', ...registered } : { type: 'failed', failure: STOPPED };
  } catch (error) {
    return { type: 'failed', failure: toStepFailure(error) };
  }
}

async function cleanWorkspace(action: Of<'cleanWorkspace'>): Promise<number | null> {
  const { workspace, commandIds } = action;
  try {
    const options = { ...cleanOptions, summary: action.summary };
    return (await activities.cleanWorkspace.executeWithOptions(options, [{ workspace, commandIds }])).ended;
  } catch (error) {
    log.warn('The workspace could not be cleaned', { workspace, error: toStepFailure(error).message });
    return null;
  }
}

async function archiveSegment(threadId: string, action: Of<'archiveSegment'>): Promise<Happening> {
  const { id, segment } = action;
  try {
    const written = await activities.archiveSegment.executeWithOptions({ ...archiveOptions, summary: action.summary }, [
      { threadId, segment },
    ]);
    const { segmentId } = written ?? segment;
    return { type: 'archivingEnded', id, written: true, message: '', segmentId };
  } catch (error) {
    return { type: 'archivingEnded', id, written: false, message: toStepFailure(error).message };
  }
}

/**
 * Null once the child is started. It is left to itself where this run ends or is cancelled: the service would apply
 * another policy whenever a thread goes on as a new run. It is closed by a message.
 */
async function startChildThread(links: Links, { start }: Of<'startChild'>): Promise<StepFailure | null> {
  try {
    const child = await startChild<Workflow>('thread', {
      workflowId: toWorkflowId(start.threadId),
      args: [start],
      parentClosePolicy: 'ABANDON',
      cancellationType: 'ABANDON',
      workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
      ...toStaticTexts(start),
      memo: { title: start.title ?? '', cwd: start.workspace.cwd },
    });
    links.set(start.threadId, child);
    return null;
  } catch (error) {
    return toStepFailure(error);
  }
}

/** True once the child's workflow has ended; false where nobody wants to know any more. */
async function watchChild(threadId: string, links: Links, action: Of<'watchChild'>): Promise<boolean> {
  const child = links.get(action.threadId);
  const ended = child === undefined ? watchFromOutside(threadId, action) : child.result().catch(() => null);
  try {
    await Promise.race([ended, CancellationScope.current().cancelRequested]);
    return true;
  } catch (error) {
    if (isCancellation(error)) return false;
    throw error;
  }
}

/** An earlier run has started it: the service does not tell this one of its end. */
async function watchFromOutside(threadId: string, action: Of<'watchChild'>): Promise<void> {
  const options = { ...watchOptions, summary: action.summary };
  await activities.watchThread.executeWithOptions(options, [
    { threadId, actionId: action.id, watched: action.threadId },
  ]);
}

/** False where there is nobody to take it. */
async function sendMessage({ to, message }: Of<'sendMessage'>): Promise<boolean> {
  try {
    await getExternalWorkflowHandle(toWorkflowId(to)).signal(message.signal, message.payload);
    return true;
  } catch (error) {
    log.warn('A message could not be delivered', { to, signal: message.signal, reason: toStepFailure(error).message });
    return false;
  }
}

/** Null when the timer was cancelled. */
async function awaitTime(action: Of<'awaitTime'>): Promise<Happening | null> {
  try {
    await sleep(Math.max(1, action.at - Date.now()), { summary: action.summary });
    return { type: 'timeCame', id: action.id, about: action.about };
  } catch (error) {
    if (isCancellation(error)) return null;
    throw error;
  }
}
