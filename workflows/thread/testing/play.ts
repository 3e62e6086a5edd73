/** For tests of the machine: plays any sequence of inputs to a thread, as its shell would, and checks every step. */
import type {
  ApprovalDecision,
  EditQueue,
  InterruptTurn,
  RuleScope,
  ThreadSettings,
  TreeBudget,
  TurnKind,
} from '../../../src/contract/index.ts';
import { type Action, onlyWaits } from '../state/actions.ts';
import { toCarryOver } from '../past/carry-over.ts';
import type { MachineInput } from '../state/inputs.ts';
import { toMove } from '../machine/moving.ts';
import { decide, reduce } from '../machine/machine.ts';
import { toHandover } from '../past/resume.ts';
import type { Decisions } from '../../../src/contract/plain/decisions.ts';
import { type ThreadState, newThreadState } from '../state/state.ts';
import type { StepActivity } from '../state/steps.ts';
import { isAtWork } from '../agents/sub-threads.ts';
import { type ChildSays, echoOf, toReport } from './children.ts';
import { type AnyEnding, type Output, type Step, toEnd } from './ends.ts';
import { createOracle, type Oracle } from './oracle.ts';
import { SETTINGS, text } from './fixtures.ts';

/** One input; if it needs something of the current thread, `pick` chooses among what exists. */
export type Play =
  | {
      do: 'submit';
      id: string;
      kind: TurnKind;
      onBusy: 'replace' | 'steer' | 'queue' | 'reject' | undefined;
      override: boolean;
    }
  | { do: 'steer'; id: string; right: boolean }
  | { do: 'interrupt'; id: string; which: 'active' | 'any' | 'id' }
  | { do: 'editQueue'; op: 'edit' | 'move' | 'drop'; pick: number; before: number | null; id: string }
  | {
      do: 'answer';
      pick: number;
      decision: ApprovalDecision;
      remember: RuleScope | undefined;
      fitting: boolean;
      twice: boolean;
    }
  /** A separate turn asks for something, and the answer is to be remembered. */
  | { do: 'remember'; output: Output; decision: ApprovalDecision; remember: RuleScope; id: string }
  /** A separate turn leaves a command running, and looks at it. */
  | { do: 'serve'; id: string }
  /** A separate turn starts an agent, and then its host is away. */
  | { do: 'lose'; id: string }
  | { do: 'revoke'; pick: number }
  | { do: 'end'; pick: number; how: AnyEnding; outputs: Output[] }
  /** An action that has already ended ends again. */
  | { do: 'endAgain'; pick: number; outputs: Output[] }
  /** A child sends a report, or a stranger does. */
  | { do: 'report'; pick: number; says: ChildSays }
  | { do: 'mail' }
  | { do: 'rollback'; numTurns: number }
  /** The thread above reports its budget. */
  | { do: 'tellBudget'; budget: TreeBudget }
  | { do: 'rollover' }
  | { do: 'postpone' }
  | { do: 'malformed' }
  /** The thread is resumed after it was closed properly, or after its workflow was ended from outside. */
  | { do: 'resume'; closed: boolean }
  | { do: 'manyTurns'; pick: number }
  | { do: 'close' };

/** A thread with its shell: the running actions, and a clock that moves with every event. */
interface Shell {
  state: ThreadState;
  at: number;
  wanted: Action[];
  running: Map<string, Step>;
  /** Ids of steps that were asked to stop. */
  stopping: Set<string>;
  ended: Step[];
  turns: number;
  oracle: Oracle;
}

/**
 * Plays the sequence, then lets everything end. Throws if an invariant does not hold.
 * @param end `away`: the host stays away until then, and no other one takes the thread
 */
export function playOut(
  settings: Partial<ThreadSettings>,
  plays: readonly Play[],
  end: { close: boolean; decisions?: Decisions | undefined; away?: boolean },
): Oracle {
  const fresh = newThreadState('t1', { ...SETTINGS, ...settings }, 1_000);
  const { decisions } = end;
  const snapshots = { ...fresh.snapshots, after: fresh.settings.snapshots };
  const state = { ...fresh, snapshots, ...(decisions === undefined ? {} : { decisions }) };
  const shell: Shell = {
    state,
    at: 1_000,
    wanted: [],
    running: new Map(),
    stopping: new Set(),
    ended: [],
    turns: 0,
    oracle: createOracle(),
  };
  happen(shell, { type: 'threadOpened', warnings: [] });
  for (const play of plays) perform(shell, play);
  if (end.close) perform(shell, { do: 'close' });
  comeToRest(shell, end.away === true);
  shell.oracle.atRest(shell.state);
  return shell.oracle;
}

// ------------------------------------------------------------------------------------------------------- the shell

function happen(shell: Shell, machineInput: MachineInput): void {
  if (isOver(shell)) return;
  shell.at += 1;
  const before = shell.state;
  shell.state = reduce(before, { ...machineInput, at: shell.at, running: [...shell.running.keys()] });
  shell.wanted = decide(shell.state, [...shell.running.keys()]);
  const starting = shell.wanted.filter(({ id }) => !shell.running.has(id));
  const ids = new Set(shell.wanted.map(({ id }) => id));
  const stopping = [...shell.running.values()].filter(({ id }) => !ids.has(id) && !shell.stopping.has(id));
  for (const { id } of stopping) shell.stopping.add(id);
  const { state, wanted } = shell;
  shell.oracle.after({ before, machineInput, state, wanted, starting, stopping });
  follow(shell);
}

function isOver(shell: Shell): boolean {
  return shell.wanted.some(({ type }) => type === 'complete');
}

const isTimer = ({ id }: Action): boolean => onlyWaits(id);

/** Like `reconcile` in `workflow.ts`: timers that are no longer requested end, steps stay until their end is known. */
function follow(shell: Shell): void {
  const ids = new Set(shell.wanted.map(({ id }) => id));
  for (const [id, action] of shell.running) if (isTimer(action) && !ids.has(id)) shell.running.delete(id);
  const isMoving = shell.wanted.some(({ type, id }) => type === 'relocate' && !shell.running.has(id));
  for (const action of shell.wanted) {
    if (action.type === 'continueAsNew' || action.type === 'complete') continue;
    if (!shell.running.has(action.id)) shell.running.set(action.id, action);
  }
  if (isMoving) happen(shell, { type: 'moveBegan', to: { host: '', cwd: '' } });
  else if (shell.wanted.some(({ type }) => type === 'continueAsNew') && shell.turns++ % 3 !== 2) goOnAsNew(shell);
}

function goOnAsNew(shell: Shell): void {
  shell.state = JSON.parse(JSON.stringify(toCarryOver(shell.state).carriedOver)) as ThreadState;
  shell.running.clear();
  shell.stopping.clear();
  shell.oracle.continued();
  happen(shell, { type: 'runContinued' });
}

/** Running actions are lost with the run. */
function resume(shell: Shell, closed: boolean): void {
  if (closed) {
    perform(shell, { do: 'close' });
    comeToRest(shell);
  }
  const left = toHandover(shell.state);
  if (left.type !== 'state') throw new Error(`Nothing can be resumed: ${left.type}`);
  for (const segment of left.toArchive) shell.oracle.archived(shell.state, segment);
  shell.state = JSON.parse(JSON.stringify(left.state)) as ThreadState;
  shell.wanted = [];
  shell.running.clear();
  shell.stopping.clear();
  shell.oracle.resumed();
  happen(shell, { type: 'threadResumed' });
}

function perform(shell: Shell, play: Play): void {
  const machineInput = toHappening(shell, play);
  if (machineInput !== null) happen(shell, machineInput);
  else if (play.do === 'answer') answer(shell, play);
  else if (play.do === 'remember') remember(shell, play);
  else if (play.do === 'serve') serve(shell, play.id);
  else if (play.do === 'lose') lose(shell, play.id);
  else if (play.do === 'manyTurns') manyTurns(shell, play.pick);
  else if (play.do === 'resume') resume(shell, play.closed);
  else if (play.do === 'end' || play.do === 'endAgain') endOne(shell, play);
}

/** Null for a play that is several inputs, or none now. */
function toHappening(shell: Shell, play: Play): MachineInput | null {
  switch (play.do) {
    case 'submit':
      return toSubmission(play);
    case 'steer': {
      const expectedTurnId = play.right ? (shell.state.active?.turnId ?? play.id) : play.id;
      return { type: 'turnSteered', steer: { expectedTurnId, input: text('also') } };
    }
    case 'interrupt':
      return { type: 'interruptRequested', interrupt: whom(shell, play) };
    case 'editQueue':
      return { type: 'queueEdited', edit: toQueueEdit(shell, play) };
    case 'report':
      return toReport(shell, play);
    case 'mail':
      return { type: 'agentMessageReceived', message: { from: 'other', text: 'mind the gap' } };
    case 'revoke': {
      const ruleId = among(shell.state.rules, play.pick)?.ruleId ?? 'rule_none';
      return { type: 'revocationRequested', revocation: { ruleId } };
    }
    case 'rollback':
      return { type: 'rollbackRequested', rollback: { numTurns: play.numTurns } };
    case 'tellBudget':
      return { type: 'treeBudgetTold', budget: play.budget };
    case 'rollover':
      return shell.state.rollover === null ? { type: 'rolloverDue' } : null;
    case 'postpone': {
      const due = shell.wanted.some(({ type }) => type === 'continueAsNew');
      return due ? { type: 'rolloverPostponed', bytes: 2_000_000 } : null;
    }
    case 'malformed':
      return { type: 'messageRejected', message: 'submitTurn', code: 'malformed', reason: 'no', id: null };
    case 'close':
      return { type: 'closeRequested', close: { reason: 'enough' } };
    case 'answer':
    case 'remember':
    case 'serve':
    case 'lose':
    case 'manyTurns':
    case 'resume':
    case 'end':
    case 'endAgain':
      return null;
  }
}

function endOne(shell: Shell, play: Extract<Play, { do: 'end' | 'endAgain' }>): void {
  const again = play.do === 'endAgain';
  const action = among(again ? shell.ended : [...shell.running.values()], play.pick);
  if (action === undefined || (again && shell.running.has(action.id))) return;
  end(shell, action, again ? 'well' : play.how, play.outputs);
}

function among<T>(all: readonly T[], pick: number): T | undefined {
  return all[pick % Math.max(1, all.length)];
}

function toSubmission(play: Extract<Play, { do: 'submit' }>): MachineInput {
  const { id: turnId, kind, onBusy, override } = play;
  const turn = {
    turnId,
    kind,
    input: kind === 'regular' ? text('do it') : kind === 'user_shell' ? text('git status') : [],
    ...(kind === 'custom' ? { task: 'count' } : {}),
    ...(kind === 'review' ? { review: { target: { type: 'uncommittedChanges' as const } } } : {}),
    ...(onBusy === undefined ? {} : { onBusy }),
    ...(override ? { overrides: { approvalPolicy: 'untrusted' as const, model: 'offline/other' } } : {}),
  };
  return { type: 'turnSubmitted', turn };
}

/** For a turn that waits if there is one, else for one that does not. */
function toQueueEdit({ state }: Shell, play: Extract<Play, { do: 'editQueue' }>): EditQueue {
  const turnId = among(state.queue, play.pick)?.turnId ?? play.id;
  switch (play.op) {
    case 'edit':
      return { op: 'edit', turnId, input: text('git diff'), overrides: { model: 'another' } };
    case 'move': {
      const before = play.before === null ? undefined : (among(state.queue, play.before)?.turnId ?? play.id);
      return { op: 'move', turnId, ...(before === undefined ? {} : { before }) };
    }
    case 'drop':
      return { op: 'drop', turnId, reason: 'not needed' };
  }
}

function whom({ state }: Shell, play: Extract<Play, { do: 'interrupt' }>): InterruptTurn {
  if (play.which === 'any') return play.id === 'turn-0' ? { keepSessions: true } : {};
  const turnId = play.which === 'active' ? (state.active?.turnId ?? play.id) : play.id;
  return { turnId, reason: 'stop' };
}

function answer(shell: Shell, play: Extract<Play, { do: 'answer' }>): void {
  const request = among(shell.state.requests, play.pick);
  const requestId = request?.requestId ?? `req_${play.pick}`;
  const withAnswers = (request?.type === 'userInput') === play.fitting;
  const given = {
    requestId,
    decision: play.decision,
    ...(play.remember === undefined ? {} : { remember: { scope: play.remember } }),
    ...(withAnswers ? { answers: { q: { answers: ['yes'] } } } : {}),
  };
  for (let times = play.twice ? 2 : 1; times > 0; times--) {
    happen(shell, { type: 'requestAnswered', answer: given, by: 'person' });
  }
}

function remember(shell: Shell, play: Extract<Play, { do: 'remember' }>): void {
  const { output, decision } = play;
  const id = `remember-${play.id}-${shell.at}`;
  happen(shell, toSubmission({ do: 'submit', id, kind: 'regular', onBusy: undefined, override: true }));
  for (const [activity, outputs] of [
    ['callModel', [output]],
    ['findRules', []],
  ] as const) {
    const action = stepsOf(shell, activity).find(({ id }) => !shell.stopping.has(id));
    if (action !== undefined) end(shell, action, 'well', outputs);
  }
  const pick = shell.state.requests.findIndex(({ turnId, origin }) => turnId === id && origin === null);
  if (pick < 0) return;
  answer(shell, { do: 'answer', pick, decision, remember: play.remember, fitting: true, twice: false });
}

function serve(shell: Shell, id: string): void {
  const turnId = `serve-${id}-${shell.at}`;
  happen(shell, toSubmission({ do: 'submit', id: turnId, kind: 'regular', onBusy: undefined, override: false }));
  for (const [activity, outputs] of [
    ['callModel', ['serve']],
    ['execCommand', []],
    ['callModel', ['look']],
  ] as const) {
    const action = stepsOf(shell, activity).find((one) => !shell.stopping.has(one.id));
    if (action !== undefined) end(shell, action, 'well', outputs);
  }
}

function lose(shell: Shell, id: string): void {
  const turnId = `lose-${id}-${shell.at}`;
  happen(shell, toSubmission({ do: 'submit', id: turnId, kind: 'regular', onBusy: undefined, override: false }));
  for (const [type, how, outputs] of [
    ['callModel', 'well', ['spawn']],
    ['startChild', 'well', []],
    ['callModel', 'away', []],
  ] as const) {
    const action = [...shell.running.values()].find(
      (one) => (one.type === 'step' ? one.activity : one.type) === type && !shell.stopping.has(one.id),
    );
    if (action !== undefined) end(shell, action, how, outputs);
  }
}

function stepsOf({ running }: Shell, activity: StepActivity): Step[] {
  return [...running.values()].filter((action) => action.type === 'step' && action.activity === activity);
}

/** Enough quick turns to make the oldest ready for the archive. */
function manyTurns(shell: Shell, pick: number): void {
  for (let i = 0; i < 20 && shell.state.status === 'open' && shell.state.active === null; i++) {
    const id = `many-${pick}-${shell.at}`;
    happen(shell, toSubmission({ do: 'submit', id, kind: 'regular', onBusy: undefined, override: false }));
    const [action] = stepsOf(shell, 'callModel');
    if (action !== undefined) end(shell, action, 'well', ['say']);
  }
}

/**
 * Every running action ends well, unless its host is away, reviews included, requests are declined; timers come last: most have no purpose then.
 */
function comeToRest(shell: Shell, away = false): void {
  for (let steps = 0; steps < 2_000; steps++) {
    const request = shell.state.requests.find(({ origin }) => origin?.answered !== true);
    // A host that stays away is tried without end.
    const actions = [...shell.running.values()].filter((action) => !away || !isStoreAgain(action));
    const step = actions.find((action) => !isTimer(action));
    const review = step === undefined ? shell.state.children.findIndex(isReviewAtWork) : -1;
    const next = step ?? actions[0];
    if (isOver(shell)) return;
    if (review >= 0) happen(shell, toReport(shell, { pick: review, says: 'completed' }));
    else if (shell.state.budget.held || shell.state.budget.waits)
      happen(shell, { type: 'treeBudgetTold', budget: { held: false, limits: {} } });
    else if (next !== undefined) end(shell, next, toLastEnding(next, away), ['say']);
    else if (request !== undefined) {
      happen(shell, {
        type: 'requestAnswered',
        answer: { requestId: request.requestId, decision: 'decline' },
        by: 'person',
      });
    } else if (shell.wanted.some(({ type }) => type === 'continueAsNew')) goOnAsNew(shell);
    else return;
  }
  throw new Error(`It never comes to rest: ${[...shell.running.keys()].join(', ')}`);
}

function isStoreAgain(action: Step): boolean {
  return action.type === 'awaitTime' && action.about.type === 'storeAgain';
}

function toLastEnding({ type }: Step, away: boolean): AnyEnding {
  if (!away) return 'well';
  return type === 'relocate' ? 'failed' : type === 'step' ? 'away' : 'well';
}

function isReviewAtWork(child: ThreadState['children'][number]): boolean {
  return child.role === 'review' && child.start === null && isAtWork(child);
}

function end(shell: Shell, action: Step, how: AnyEnding, outputs: readonly Output[]): void {
  shell.running.delete(action.id);
  // Its end is several inputs of one move, which moves the thread once.
  if (action.type !== 'relocate') shell.ended.push(action);
  // A timer ends when its time has come.
  if (action.type === 'awaitTime') shell.at = Math.max(shell.at, action.at);
  if (action.type === 'step' && action.activity === 'archiveSegment' && !['failed', 'away'].includes(how))
    shell.oracle.archived(shell.state, action.input.segment);
  if (action.type === 'relocate') relocate(shell, action, how);
  else happen(shell, toEnd(action, how, outputs, shell.at));
  const echo = action.type === 'sendMessage' && how !== 'failed' ? echoOf(shell.state, action) : [];
  for (const one of echo) happen(shell, one);
}

/** Reports of agents come in the middle of it. */
function relocate(shell: Shell, { id }: Action, how: AnyEnding): void {
  const { host = '', cwd } = shell.state.settings;
  for (const [pick, child] of shell.state.children.entries())
    if (isAtWork(child) && child.start === null && pick % 2 === 0)
      happen(shell, toReport(shell, { pick, says: 'completed' }));
  const isPossible = how !== 'failed' && !shell.stopping.has(id);
  if (!isPossible) {
    happen(shell, { type: 'moveFailed', reason: 'no other host takes threads' });
    return;
  }
  const place = { ...shell.state.settings, host: host === 'a' ? 'b' : 'a', cwd: `${cwd}+`, root: `${cwd}+` };
  const restored = { restored: { commit: 'd', tree: 't', files: 3 }, notRestored: [] };
  const move = toMove(shell.state, { from: { host, cwd }, place, restored, quiescent: true, at: shell.at });
  happen(shell, { type: 'workspaceMoved', move, place });
}
