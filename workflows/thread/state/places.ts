/** Where steps run: on the host of their thread, or anywhere. */
import { toHostQueue } from '../../../src/contract/plain/hosts.ts';
import type { ThreadSettings } from '../../../src/contract/index.ts';
import type { Action } from './actions.ts';
import type { StepActivity } from './steps.ts';

/**
 * `host`: it reads or writes the workspace, or something else that only one host has, such as its MCP servers and the
 * snapshots in its data folder. So does an activity that is not named here, such as that of an added tool.
 */
const PLACES: Partial<Record<StepActivity, 'host' | 'any'>> = {
  // Reads AGENTS.md, lists the tools of MCP servers and takes the snapshot.
  callModel: 'host',
  compactContext: 'host',
  execCommand: 'host',
  writeStdin: 'host',
  awaitSessions: 'host',
  applyPatch: 'host',
  callMcpTool: 'host',
  viewImage: 'host',
  readSkill: 'host',
  runTask: 'host',
  takeSnapshot: 'host',
  undoFiles: 'host',
  redoFiles: 'host',
  releaseSnapshots: 'host',
  prepareReview: 'host',
  finishReview: 'host',
  cleanWorkspace: 'host',
  // Only to find out where the rules are.
  findRules: 'host',
  rememberRule: 'host',
  // The model steps, which are on the host, read what it writes.
  archiveSegment: 'host',
  storeSnapshots: 'host',
  registerAgentTask: 'any',
  // Asked while the host may be away.
  lookForHost: 'any',
};

type Bound = Pick<ThreadSettings, 'host' | 'hostGraceMs' | 'rulesAt'>;

/** They are in a workflow that any worker asks. */
const ABOUT_RULES: readonly StepActivity[] = ['findRules', 'rememberRule'];

/** For a state that somebody has made by hand. */
const DEFAULT_GRACE_MS = 600_000;

export interface Place {
  taskQueue?: string;
  scheduleToStartTimeout?: number;
}

/** The host that must run a step of a thread; undefined if any may. */
export function hostOf(activity: StepActivity, { host, rulesAt }: Bound): string | undefined {
  if (rulesAt !== undefined && ABOUT_RULES.includes(activity)) return undefined;
  return PLACES[activity] === 'any' ? undefined : host;
}

/**
 * Steps that a thread waits for before it closes or continues as new, and that it can do without: their failure is a
 * warning.
 */
const DISPENSABLE: readonly StepActivity[] = ['archiveSegment', 'releaseSnapshots', 'rememberRule', 'storeSnapshots'];
const DISPENSABLE_WAIT_MS = 5_000;

export function isDispensable(activity: StepActivity): boolean {
  return DISPENSABLE.includes(activity);
}

/** The settings by which a step finds its host: one that has its own host does not wait for it for long. */
export function boundOf<S extends Bound>(step: { host?: string }, settings: S): S {
  const { host } = step;
  return host === undefined ? settings : { ...settings, host, hostGraceMs: DISPENSABLE_WAIT_MS };
}

/** Whether only a worker of the thread's host can run it. */
export function isOnOwnHost(action: Action, settings: Bound): boolean {
  return action.type === 'step' && action.host === undefined && hostOf(action.activity, settings) !== undefined;
}

/** Options of a step of a thread, unless it has its own. @param taskQueue of its workflow */
export function placeOf(activity: StepActivity, settings: Bound, taskQueue: string): Place {
  const host = hostOf(activity, settings);
  if (host === undefined) return {};
  return { taskQueue: toHostQueue(taskQueue, host), scheduleToStartTimeout: waitOf(activity, settings) };
}

/** Milliseconds that a step waits for its host. */
export function waitOf(activity: StepActivity, { hostGraceMs = DEFAULT_GRACE_MS }: Bound): number {
  return isDispensable(activity) ? Math.min(DISPENSABLE_WAIT_MS, hostGraceMs) : hostGraceMs;
}
