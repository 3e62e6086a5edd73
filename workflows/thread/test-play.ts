/** For tests of the machine: plays any sequence of happenings to a thread, as its shell would, and checks every step. */
import type { ApprovalDecision, ThreadSettings } from '../../src/contract/index.ts';
import type { Action } from './actions.ts';
import { toCarryOver } from './carry-over.ts';
import type { CommandEnd, Happening, ModelOutput, RegistrationEnd, StepFailure } from './machine-events.ts';
import { decide, reduce } from './machine.ts';
import { type ThreadState, NO_USAGE, newThreadState } from './state.ts';
import { createWitness, type Witness } from './test-witness.ts';
import { SETTINGS, text } from './testing.ts';

/** One thing that happens; where it needs something of the thread as it stands, `pick` chooses among what there is. */
export type Play =
  | {
      do: 'submit';
      id: string;
      shell: boolean;
      onBusy: 'replace' | 'steer' | 'queue' | 'reject' | undefined;
      override: boolean;
    }
  | { do: 'steer'; id: string; right: boolean }
  | { do: 'interrupt'; id: string; which: 'active' | 'any' | 'id' }
  | { do: 'answer'; pick: number; decision: ApprovalDecision; fitting: boolean; twice: boolean }
  | { do: 'end'; pick: number; how: Ending; outputs: Output[] }
  /** An action ends that has ended before. */
  | { do: 'endAgain'; pick: number; outputs: Output[] }
  | { do: 'rollover' }
  | { do: 'postpone' }
  | { do: 'malformed' }
  | { do: 'manyTurns'; pick: number }
  | { do: 'close' };

/** How an action ends, as far as its kind can end so; `rejected` and `stale` speak of the agent task. */
export type Ending = 'well' | 'failed' | 'lost' | 'aborted' | 'left over' | 'rejected' | 'stale';
export type Output =
  'say' | 'think' | 'ls' | 'cat' | 'make' | 'escalate' | 'patch' | 'patch out' | 'plan' | 'ask' | 'nonsense' | 'twin';

type Step = Exclude<Action, { type: 'continueAsNew' | 'complete' }>;

/** A thread with its shell: what is under way, and a clock that moves with every event. */
interface Shell {
  state: ThreadState;
  at: number;
  wanted: Action[];
  running: Map<string, Step>;
  /** Ids of steps that were told to stop. */
  stopping: Set<string>;
  ended: Step[];
  turns: number;
  witness: Witness;
}

/** Plays the sequence, then lets everything come to its end. Throws where an invariant does not hold. */
export function playOut(settings: Partial<ThreadSettings>, plays: readonly Play[], end: { close: boolean }): Witness {
  const state = newThreadState('t1', { ...SETTINGS, ...settings }, 1_000);
  const shell: Shell = {
    state,
    at: 1_000,
    wanted: [],
    running: new Map(),
    stopping: new Set(),
    ended: [],
    turns: 0,
    witness: createWitness(),
  };
  happen(shell, { type: 'threadOpened' });
  for (const play of plays) perform(shell, play);
  if (end.close) perform(shell, { do: 'close' });
  comeToRest(shell);
  shell.witness.atRest(shell.state);
  return shell.witness;
}

// ------------------------------------------------------------------------------------------------------- the shell

function happen(shell: Shell, happening: Happening): void {
  if (isOver(shell)) return;
  shell.at += 1;
  const before = shell.state;
  shell.state = reduce(before, { ...happening, at: shell.at, running: [...shell.running.keys()] });
  shell.wanted = decide(shell.state, [...shell.running.keys()]);
  const starting = shell.wanted.filter(({ id }) => !shell.running.has(id));
  const ids = new Set(shell.wanted.map(({ id }) => id));
  const stopping = [...shell.running.values()].filter(({ id }) => !ids.has(id) && !shell.stopping.has(id));
  for (const { id } of stopping) shell.stopping.add(id);
  const { state, wanted } = shell;
  shell.witness.after({ before, happening, state, wanted, starting, stopping });
  follow(shell);
}

function isOver(shell: Shell): boolean {
  return shell.state.status === 'closed';
}

/** As `reconcile` in `workflow.ts`: timers that are no longer wanted are gone, steps stay until their end is known. */
function follow(shell: Shell): void {
  const ids = new Set(shell.wanted.map(({ id }) => id));
  for (const [id, action] of shell.running) if (action.type === 'awaitTime' && !ids.has(id)) shell.running.delete(id);
  for (const action of shell.wanted) {
    if (action.type === 'continueAsNew' || action.type === 'complete') continue;
    if (!shell.running.has(action.id)) shell.running.set(action.id, action);
  }
  if (shell.wanted.some(({ type }) => type === 'continueAsNew') && shell.turns++ % 3 !== 2) goOnAsNew(shell);
}

function goOnAsNew(shell: Shell): void {
  shell.state = JSON.parse(JSON.stringify(toCarryOver(shell.state).carriedOver)) as ThreadState;
  shell.running.clear();
  shell.stopping.clear();
  shell.witness.continued();
  happen(shell, { type: 'runContinued' });
}

function perform(shell: Shell, play: Play): void {
  switch (play.do) {
    case 'submit':
      return submit(shell, play);
    case 'steer': {
      const expectedTurnId = play.right ? (shell.state.active?.turnId ?? play.id) : play.id;
      return happen(shell, { type: 'turnSteered', steer: { expectedTurnId, input: text('also') } });
    }
    case 'interrupt':
      return happen(shell, { type: 'interruptRequested', interrupt: whom(shell, play) });
    case 'answer':
      return answer(shell, play);
    case 'end': {
      const action = among([...shell.running.values()], play.pick);
      return action === undefined ? undefined : end(shell, action, play.how, play.outputs);
    }
    case 'endAgain': {
      const action = among(shell.ended, play.pick);
      return action === undefined || shell.running.has(action.id)
        ? undefined
        : end(shell, action, 'well', play.outputs);
    }
    case 'rollover':
      return shell.state.rollover === null ? happen(shell, { type: 'rolloverDue' }) : undefined;
    case 'postpone':
      return shell.wanted.some(({ type }) => type === 'continueAsNew')
        ? happen(shell, { type: 'rolloverPostponed', bytes: 2_000_000 })
        : undefined;
    case 'malformed':
      return happen(shell, {
        type: 'messageRejected',
        message: 'submitTurn',
        code: 'malformed',
        reason: 'no',
        id: null,
      });
    case 'manyTurns':
      return manyTurns(shell, play.pick);
    case 'close':
      return happen(shell, { type: 'closeRequested', close: { reason: 'enough' } });
  }
}

function among<T>(all: readonly T[], pick: number): T | undefined {
  return all[pick % Math.max(1, all.length)];
}

function submit(shell: Shell, play: Extract<Play, { do: 'submit' }>): void {
  const { id: turnId, shell: isShell, onBusy, override } = play;
  const overrides = override ? { overrides: { approvalPolicy: 'untrusted' as const } } : {};
  happen(shell, {
    type: 'turnSubmitted',
    turn: {
      turnId,
      kind: isShell ? 'user_shell' : 'regular',
      input: text(isShell ? 'git status' : 'do it'),
      ...(onBusy === undefined ? {} : { onBusy }),
      ...overrides,
    },
  });
}

function whom({ state }: Shell, play: Extract<Play, { do: 'interrupt' }>): { turnId?: string; reason?: string } {
  if (play.which === 'any') return {};
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
    ...(withAnswers ? { answers: { q: { answers: ['yes'] } } } : {}),
  };
  for (let times = play.twice ? 2 : 1; times > 0; times--) {
    happen(shell, { type: 'requestAnswered', answer: given, by: 'person' });
  }
}

/** Enough quick turns for something to be old enough for the archive. */
function manyTurns(shell: Shell, pick: number): void {
  for (let i = 0; i < 20 && shell.state.status === 'open' && shell.state.active === null; i++) {
    submit(shell, { do: 'submit', id: `many-${pick}-${shell.at}`, shell: false, onBusy: undefined, override: false });
    const action = [...shell.running.values()].find(({ type }) => type === 'callModel');
    if (action !== undefined) end(shell, action, 'well', ['say']);
  }
}

/** Everything under way ends well, requests are declined; timers come last, since most of them then have no cause. */
function comeToRest(shell: Shell): void {
  for (let steps = 0; steps < 2_000; steps++) {
    const [request] = shell.state.requests;
    const actions = [...shell.running.values()];
    const next = actions.find(({ type }) => type !== 'awaitTime') ?? actions[0];
    if (isOver(shell)) return;
    if (next !== undefined) end(shell, next, 'well', ['say']);
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

// ------------------------------------------------------------------------------------------------------------ ends

function end(shell: Shell, action: Step, how: Ending, outputs: readonly Output[]): void {
  shell.running.delete(action.id);
  shell.ended.push(action);
  happen(shell, toEnd(shell, action, how, outputs));
}

function toEnd(shell: Shell, action: Step, how: Ending, outputs: readonly Output[]): Happening {
  const { id } = action;
  switch (action.type) {
    case 'callModel':
      return { type: 'modelEnded', id, end: toModelEnd(how, outputs) };
    case 'execCommand':
      return { type: 'commandEnded', id, end: toCommandEnd(how) };
    case 'applyPatch':
      if (how === 'aborted') return { type: 'patchEnded', id, end: { type: 'aborted' } };
      return how === 'failed' || how === 'lost'
        ? { type: 'patchEnded', id, end: { type: 'failed', failure: failure('patchDoesNotApply') } }
        : { type: 'patchEnded', id, end: { type: 'applied', changes: [] } };
    case 'registerAgentTask':
      return { type: 'registrationEnded', id, end: toRegistrationEnd(how, shell.at) };
    case 'cleanWorkspace':
      return { type: 'workspaceCleaned', id, ended: how === 'failed' ? null : how === 'left over' ? 2 : 0 };
    case 'archiveSegment':
      if (how !== 'failed') shell.witness.archived(shell.state, action.segment);
      return { type: 'archivingEnded', id, written: how !== 'failed', message: how === 'failed' ? 'disk full' : '' };
    case 'awaitTime':
      return { type: 'timeCame', id, about: action.about };
  }
}

function failure(code: string): StepFailure {
  return { code, message: `it is ${code}`, details: { reason: 'agent_task_expired' } };
}

function toModelEnd(how: Ending, outputs: readonly Output[]): Extract<Happening, { type: 'modelEnded' }>['end'] {
  switch (how) {
    case 'well':
    case 'left over':
      return { type: 'answered', output: outputs.map(toOutput), usage: NO_USAGE };
    case 'aborted':
      return { type: 'aborted' };
    case 'stale':
      return { type: 'failed', failure: failure('agentTaskStale') };
    case 'rejected':
      return { type: 'failed', failure: failure('agentAssertionRejected') };
    case 'failed':
    case 'lost':
      return { type: 'failed', failure: failure('modelServerError') };
  }
}

function toCommandEnd(how: Ending): CommandEnd {
  const report = { type: 'reported', exitCode: 0, output: 'out\n', durationMs: 5 } as const;
  switch (how) {
    case 'well':
      return { ...report, outcome: 'exited', gone: true };
    case 'left over':
    case 'stale':
      return { ...report, outcome: 'aborted', exitCode: null, gone: false };
    case 'aborted':
      return { type: 'aborted' };
    case 'lost':
      return { type: 'lost', output: 'half' };
    case 'failed':
    case 'rejected':
      return { type: 'failed', failure: failure('workspaceMissing') };
  }
}

function toRegistrationEnd(how: Ending, at: number): RegistrationEnd {
  if (how === 'failed' || how === 'lost') return { type: 'failed', failure: failure('agentIdentityUnavailable') };
  const task = { agentRuntimeId: 'runtime-1', taskId: `task-${at}`, registeredAt: '2026-01-01T00:00:00Z' };
  return { type: 'registered', task, currentRuntimeId: how === 'stale' ? 'runtime-2' : 'runtime-1' };
}

let calls = 0;

function toOutput(output: Output): ModelOutput {
  const call = (name: string, args: unknown): ModelOutput => ({
    type: 'toolCall',
    callId: output === 'twin' ? 'call_twin' : `call_${calls++}`,
    name,
    arguments: typeof args === 'string' ? args : JSON.stringify(args),
  });
  switch (output) {
    case 'say':
      return { type: 'message', text: 'hello' };
    case 'think':
      return { type: 'reasoning', summary: ['hm'] };
    case 'ls':
    case 'cat':
      return call('exec_command', { cmd: output === 'ls' ? 'ls' : 'cat x' });
    case 'make':
    case 'twin':
      return call('exec_command', { cmd: 'make' });
    case 'escalate':
      return call('exec_command', { cmd: 'curl x', sandbox_permissions: 'require_escalated' });
    case 'patch':
      return call('apply_patch', { input: '*** Begin Patch\n*** Add File: a\n+a\n*** End Patch' });
    case 'patch out':
      return call('apply_patch', { input: '*** Begin Patch\n*** Add File: /etc/a\n+a\n*** End Patch' });
    case 'plan':
      return call('update_plan', { plan: [{ step: 'one', status: 'pending' }] });
    case 'ask':
      return call('request_user_input', { questions: [{ id: 'q', header: 'h', question: 'why?' }] });
    case 'nonsense':
      return call('no_such_tool', '{');
  }
}
