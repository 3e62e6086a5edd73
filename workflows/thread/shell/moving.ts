/** The update `move`: looks at the new place, ends what may still run in the former one, and binds the thread. */
import {
  ApplicationFailure,
  condition,
  patched,
  scheduleActivity,
  upsertMemo,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities, NewHost, NewPlace, RestoredWorkspace } from '../../../activities/contract.ts';
import type { MoveThread, WorkspaceMove, WorkspacePlace } from '../../../src/contract/index.ts';
import { toHostQueue } from '../../../src/contract/plain/hosts.ts';
import { WORKFLOW_CODES } from '../../../src/contract/plain/workflow-codes.ts';
import { toStepFailure } from '../../sandbox/step-failure.ts';
import { commandsLeft, refuseForAgents, toMove } from '../machine/moving.ts';
import { toSummary } from '../state/steps.ts';
import { isStoring, storedOf, storedSnapshots } from '../turns/stored-files.ts';
import { HEARTBEAT_TIMEOUT_MS } from '../../../src/contract/plain/heartbeat.ts';
import type { MachineInput } from '../state/inputs.ts';
import { type ThreadState, storesFresh } from '../state/state.ts';
import { openSessions } from '../tools/sessions.ts';

/** How long a host is waited for that was served a moment ago. */
const HOST_WAIT = '30s';
/** The same for the former host, which the thread can do without. */
const FORMER_HOST_WAIT = '5s';

const SHORT = { startToCloseTimeout: '30s', heartbeatTimeout: '10s', retry: { maximumAttempts: 3 } } as const;

/** The files on the former host are waited for if it is there. */
const STORE_WAIT = '3m';
/** To fetch a repository, and write its files. */
const RESTORE = {
  startToCloseTimeout: '2h',
  heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
  retry: { maximumAttempts: 8 },
} as const;

/** Moves that an earlier release has begun leave it there. */
const RELEASES_BEHIND = 'snapshots released where the thread was';

interface Mover {
  dispatch: (input: MachineInput) => void;
  /** The state as it is after a wait. */
  current: () => ThreadState;
  /** Nothing of the former host is asked for, although the service may still list its workers. */
  isLost?: boolean;
}

/** @throws ApplicationFailure; the thread then stays as it was. */
export async function moveThread(state: ThreadState, request: MoveThread, mover: Mover): Promise<WorkspaceMove> {
  const { dispatch } = mover;
  const { host = '', cwd, managed } = state.settings;
  const from = { host, cwd };
  const staying = managed === undefined ? cwd : '';
  const to = { host: request.host ?? (request.cwd === undefined ? '' : host), cwd: request.cwd ?? staying };
  dispatch({ type: 'moveBegan', to });
  try {
    return await move(from, to, { ...mover, keepsFolder: request.cwd === undefined });
  } catch (error) {
    const { code, message } = toStepFailure(error);
    dispatch({ type: 'moveFailed', reason: message });
    throw code === WORKFLOW_CODES.stepTimedOut
      ? ApplicationFailure.nonRetryable(`The host does not answer: ${message}`, 'hostNotServing')
      : ApplicationFailure.nonRetryable(message, code);
  }
}

async function move(
  from: WorkspacePlace,
  to: WorkspacePlace,
  mover: Mover & { keepsFolder: boolean },
): Promise<WorkspaceMove> {
  const { dispatch, current, isLost = false, keepsFolder } = mover;
  const { managed, hostGroup } = current().settings;
  const isManaged = managed !== undefined;
  const group = !isManaged && keepsFolder ? hostGroup : undefined;
  const find: FindHost = (silent) => findHost({ from: from.host, host: to.host, group, silent });
  const found = await find([]);
  const isFormerServed = found.isFormerServed && !isLost;
  const refusal = isFormerServed ? refuseForAgents(current()) : null;
  if (refusal !== null) throw ApplicationFailure.nonRetryable(refusal.reason, refusal.code);
  const before = current();
  const ended = openSessions(before).length;
  if (isManaged && isFormerServed) await storeNewest(mover);
  const state = current();
  const { restored, place } = await arrive(state, to, found.host, find);
  const commandIds = [...new Set([...(storesFresh(before) ? commandsLeft(before) : []), ...commandsLeft(current())])];
  const quiescent = await endCommands(current(), commandIds, isFormerServed);
  if (current().status !== 'open')
    throw ApplicationFailure.nonRetryable(`Thread ${state.threadId} was closed meanwhile.`, 'threadClosed');
  const moved = toMove(current(), { from, place, restored, quiescent, ended, at: Date.now() });
  dispatch({ type: 'workspaceMoved', move: moved, place });
  upsertMemo({ cwd: place.cwd });
  if (isFormerServed && patched(RELEASES_BEHIND)) await release(state, from);
  return moved;
}

/** A clean-up that waits comes before every look at the files, and the host may be gone. */
async function storeNewest({ dispatch, current }: Mover): Promise<void> {
  if (storesFresh(current()) && current().cleanUp !== null)
    await condition(() => current().cleanUp === null, FORMER_HOST_WAIT);
  const isHeldBack = current().cleanUp !== null;
  // Then the receipt says that they may be missing.
  if (storesFresh(current()) || !isHeldBack) dispatch({ type: 'storeRequested' });
  if (!isHeldBack) await condition(() => !isStoring(current()), STORE_WAIT);
}

interface Arrived {
  restored: RestoredWorkspace | null;
  place: NewPlace;
}

/** A host that nobody has named may have died a moment ago; then it is another one. */
async function arrive(state: ThreadState, to: WorkspacePlace, first: string, find: FindHost): Promise<Arrived> {
  const silent: string[] = [];
  for (let host = first; ; host = (await find(silent)).host) {
    try {
      const restored = state.settings.managed === undefined ? null : await restore(state, host);
      return { restored, place: restored?.place ?? (await receive(state, { ...to, host })) };
    } catch (error) {
      if (to.host !== '' || toStepFailure(error).code !== WORKFLOW_CODES.stepTimedOut) throw error;
      silent.push(host);
    }
  }
}

/** @param silent hosts that have not answered */
type FindHost = (silent: string[]) => Promise<NewHost>;

interface HostSearch {
  from: string;
  /** Empty for any. */
  host: string;
  group: string | undefined;
  silent: string[];
}

function findHost({ from, host, group, silent }: HostSearch): Promise<NewHost> {
  const request = {
    from,
    ...(host === '' ? {} : { host }),
    ...(group === undefined ? {} : { group }),
    ...(silent.length === 0 ? {} : { silent }),
  };
  return step('findNewHost', [request], { ...SHORT, summary: toSummary('find host', host || 'any other') });
}

function receive({ threadId, settings }: ThreadState, { host, cwd }: WorkspacePlace): Promise<NewPlace> {
  const request = { threadId, cwd, ...ofSettings(settings) };
  return step('receiveThread', [request], {
    ...SHORT,
    ...on(host, HOST_WAIT),
    summary: toSummary('receive', `on ${host}`),
  });
}

/** What is stored by now; nothing is stored in the meantime, since no turn begins. */
function restore(state: ThreadState, host: string): Promise<RestoredWorkspace> {
  const { threadId, settings } = state;
  const { managed } = settings;
  if (managed === undefined) throw new Error(`Thread ${threadId} has no repository.`);
  const { packs, newest } = storedOf(state);
  const files = newest === null ? null : { commit: newest.commit, tree: newest.tree, files: newest.files };
  const stored = { packs, newest: files, snapshots: storedSnapshots(state) };
  const request = { threadId, key: uuid4(), managed, ...stored, ...ofSettings(settings) };
  return step('restoreWorkspace', [request], {
    ...RESTORE,
    ...on(host, HOST_WAIT),
    summary: toSummary('restore', `on ${host}`),
  });
}

function ofSettings({ repositoryRules: rules, hostGraceMs: graceMs }: ThreadState['settings']) {
  return { rules, ...(graceMs === undefined ? {} : { graceMs }) };
}

/** What the thread kept on the host that it has left; a host that does not answer keeps it. */
async function release({ threadId, settings: { root } }: ThreadState, { host, cwd }: WorkspacePlace): Promise<void> {
  const request = { threadId, cwd, ...(root === undefined ? {} : { root }) };
  const options = { ...SHORT, ...on(host, FORMER_HOST_WAIT), summary: 'release snapshots' };
  await step('releaseSnapshots', [request], options).catch(() => undefined);
}

/** Whether nothing of the thread's commands is left on the host that it leaves. */
async function endCommands({ settings }: ThreadState, commandIds: string[], isServed: boolean): Promise<boolean> {
  const { host = '', cwd: workspace } = settings;
  if (commandIds.length === 0) return true;
  if (!isServed) return false;
  const options = { ...SHORT, ...on(host, FORMER_HOST_WAIT), summary: toSummary('clean up', workspace) };
  return step('cleanWorkspace', [{ workspace, commandIds }], options).then(
    ({ gone }) => gone === true,
    () => false,
  );
}

function on(host: string, scheduleToStartTimeout: typeof HOST_WAIT | typeof FORMER_HOST_WAIT) {
  return { taskQueue: toHostQueue(workflowInfo().taskQueue, host), scheduleToStartTimeout };
}

type Options = NonNullable<Parameters<typeof scheduleActivity>[2]>;
type Result<A extends keyof Activities> = Awaited<ReturnType<Activities[A]>>;

function step<A extends keyof Activities>(
  activity: A,
  args: Parameters<Activities[A]>,
  options: Options,
): Promise<Result<A>> {
  return scheduleActivity<Result<A>>(activity, args, options);
}
