/** For tests of the machine: how actions end. */
import type { StepOutput } from '../../../activities/contract.ts';
import type { Action } from '../state/actions.ts';
import type { MachineInput } from '../state/inputs.ts';
import type { StepFailure } from '../../sandbox/step-failure.ts';
import { EXITED, NOTHING_FOUND, YIELDED } from './fixtures.ts';
import { hostOf } from '../state/places.ts';
import { NO_USAGE } from '../state/state.ts';
import type { StepAction, StepActivity, StepEnd, StepEnded, StepInput, StepValue } from '../state/steps.ts';

/**
 * How an action ends, if its kind can end that way; `rejected` and `stale` are about the agent task, `too long` about
 * the context.
 */
export type Ending = 'well' | 'failed' | 'lost' | 'aborted' | 'left over' | 'rejected' | 'stale' | 'too long';

/** Steps on a host may also end because it is away. */
export type AnyEnding = Ending | 'away';

/** The answer of the model. */
export type Output =
  | 'say'
  /** The same, with the context at its limit. */
  | 'fill'
  | 'shout'
  | 'think'
  | 'ls'
  | 'cat'
  | 'make'
  | 'serve'
  | 'look'
  | 'escalate'
  | 'patch'
  | 'patch out'
  | 'plan'
  | 'mcp read'
  | 'mcp write'
  | 'mcp nonsense'
  | 'ask'
  | 'nonsense'
  | 'twin'
  | 'spawn'
  | 'wait'
  | 'message'
  | 'close agent';

export type Step = Exclude<Action, { type: 'continueAsNew' | 'complete' }>;

/** The end of an action; a move away from a host is several inputs. @param at makes ids of agent tasks differ. */
export function toEnd(
  action: Exclude<Step, { type: 'relocate' }>,
  how: AnyEnding,
  outputs: readonly Output[],
  at: number,
): MachineInput {
  const { id } = action;
  switch (action.type) {
    case 'step':
      return {
        type: 'stepEnded',
        id,
        activity: action.activity,
        end: toStepEnd(action, how, outputs, at),
      } as StepEnded;
    case 'startChild':
      return { type: 'childStarted', id, failure: how === 'failed' ? failure('internal') : null };
    case 'watchChild':
      return { type: 'childGone', id, threadId: action.threadId };
    case 'sendMessage':
      return { type: 'messageSent', id, delivered: how !== 'failed' };
    case 'awaitTime':
      return { type: 'timeCame', id, about: action.about };
  }
}

type ToEnd<A extends StepActivity> = (
  given: { input: StepInput<A>; outputs: readonly Output[] },
  how: Ending,
  at: number,
) => StepEnd<A>;

/** The ends of steps that have more than one result; all others have none. */
const ENDS: { [A in StepActivity]?: ToEnd<A> } = {
  callModel: ({ input, outputs }, how, at) => withSnapshot(input, toModelEnd(how, outputs, input), how, at),
  compactContext: (_, how) => toCompactionEnd(how),
  execCommand: ({ input }, how) => toCommandEnd(how, input.yields !== undefined),
  applyPatch: (_, how) => toPatchEnd(how),
  callMcpTool: (_, how) => toMcpEnd(how),
  findRules: ({ input, outputs }, how) => toRulesEnd(input, how, outputs),
  runTask: ({ input }, how) => toTaskEnd(input, how),
  takeSnapshot: (_, how, at) => toSnapshotEnd(how, at),
  undoFiles: (_, how) => toUndoEnd(how),
  redoFiles: (_, how) => toRedoEnd(how),
  prepareReview: (_, how) => toPreparationEnd(how),
  finishReview: (_, how) => toConclusionEnd(how),
  registerAgentTask: (_, how, at) => toRegistrationEnd(how, at),
  writeStdin: ({ input }, how) => toLookEnd(input, how),
  awaitSessions: ({ input }, how) => toWaitEnd(input, how),
  lookForHost: (_, how) => (how === 'failed' ? failed('internal') : done({ isServed: how !== 'lost' })),
  storeSnapshots: (_, how, at) => (how === 'failed' ? failed('internal') : done(toStored(at))),
  cleanWorkspace: (_, how) => (how === 'failed' ? failed('internal') : done({ ended: how === 'left over' ? 2 : 0 })),
};

function toStored(at: number): StepValue<'storeSnapshots'> {
  return { newest: { commit: `c${at}`, tree: 't', files: 1 }, pack: { id: `p${at}`, bytes: 10 }, whole: false };
}

function toStepEnd(step: StepAction, ending: AnyEnding, outputs: readonly Output[], at: number): StepEnd {
  const isOnHost = hostOf(step.activity, { host: 'a' }) !== undefined;
  if (ending === 'away' && isOnHost) return failed('hostAway');
  const how = ending === 'away' ? 'well' : ending;
  // The compiler cannot see that a step matches the function looked up by its activity.
  const toEnd = ENDS[step.activity] as ToEnd<StepActivity> | undefined;
  if (toEnd !== undefined) return toEnd({ input: step.input, outputs }, how, at);
  return how === 'failed' ? failed('diskFull') : done(null);
}

/** Half of the looks see its end. */
function toLookEnd({ index, session: { id } }: StepInput<'writeStdin'>, how: Ending): StepEnd<'writeStdin'> {
  if (how === 'aborted') return { type: 'aborted' };
  if (how === 'failed' || how === 'lost') return failed(id % 2 === 0 ? 'commandLost' : 'internal');
  return done({ ...EXITED, ...((index + id) % 2 === 0 ? YIELDED : { tail: 'the end' }) });
}

function toWaitEnd({ sessions }: StepInput<'awaitSessions'>, how: Ending): StepEnd<'awaitSessions'> {
  if (how === 'aborted') return { type: 'aborted' };
  if (how === 'failed') return failed('internal');
  const report = how === 'lost' ? null : { ...EXITED, gone: how !== 'left over' };
  return done({ ended: sessions.slice(0, 1).map(({ id }) => ({ id, report })) });
}

function toPatchEnd(how: Ending): StepEnd<'applyPatch'> {
  if (how === 'aborted') return { type: 'aborted' };
  return how === 'failed' || how === 'lost' ? failed('patchDoesNotApply') : done({ type: 'applied', changes: [] });
}

function done<T>(value: T) {
  return { type: 'done' as const, value };
}

function failed(code: string) {
  return { type: 'failed' as const, failure: failure(code) };
}

function failure(code: string): StepFailure {
  return { code, message: `it is ${code}`, details: { reason: 'agent_task_expired' } };
}

/** With `contextTokens` it may answer that the context is too large for its model. */
function toModelEnd(
  how: Ending,
  outputs: readonly Output[],
  { contextTokens, sessions }: StepInput<'callModel'>,
): StepEnd<'callModel'> {
  switch (how) {
    case 'well':
    case 'left over': {
      const usage = { ...NO_USAGE, totalTokens: outputs.includes('fill') ? 100 : 10 };
      const warned =
        how === 'well' ? {} : { mcpWarnings: [{ server: 'gone', message: 'MCP server gone is not there' }] };
      return done({
        type: 'answered',
        output: outputs.map((output) => toOutput(output, sessions?.at(-1)?.id ?? 3)),
        usage,
        costMicroUsd: 3,
        compactAt: 50,
        ...warned,
      });
    }
    case 'too long':
      return contextTokens === null ? failed('contextWindowExceeded') : done({ type: 'compactFirst', compactAt: 5 });
    case 'aborted':
      return { type: 'aborted' };
    case 'stale':
      return failed('agentTaskStale');
    case 'rejected':
      return failed('agentAssertionRejected');
    case 'failed':
    case 'lost':
      return failed('modelServerError');
  }
}

function toCompactionEnd(how: Ending): StepEnd<'compactContext'> {
  switch (how) {
    case 'well':
    case 'left over': {
      const kept = { summary: 'so far', userMessages: ['do it'], provider: null };
      const usage = { ...NO_USAGE, totalTokens: 4 };
      return done({ type: 'compacted', ...kept, usage, costMicroUsd: 1, droppedEntries: 0 });
    }
    case 'aborted':
      return { type: 'aborted' };
    case 'stale':
      return failed('agentTaskStale');
    case 'rejected':
      return failed('agentAssertionRejected');
    case 'failed':
    case 'lost':
    case 'too long':
      return failed('modelServerError');
  }
}

/** As the activity does: a snapshot is there if it was requested and a tool is called. */
function withSnapshot(
  { snapshot }: StepInput<'callModel'>,
  end: StepEnd<'callModel'>,
  how: Ending,
  at: number,
): StepEnd<'callModel'> {
  if (snapshot === null || end.type !== 'done' || end.value.type !== 'answered') return end;
  if (!end.value.output.some(({ type }) => type === 'toolCall')) return end;
  return done({ ...end.value, snapshot: how === 'left over' ? SKIPPED : toTaken(at) });
}

/** The answer of the model decides at random what the rules are. */
function toRulesEnd({ match }: StepInput<'findRules'>, how: Ending, outputs: readonly Output[]): StepEnd<'findRules'> {
  const given = { scope: 'repository', by: 'person', at: 1, threadId: 'other', turnId: 'turn' } as const;
  switch (how) {
    case 'well':
    case 'left over':
    case 'rejected':
    case 'stale': {
      if (outputs.length === 0) return done({ type: 'found', rules: [] });
      const decision = outputs.includes('say') ? 'accept' : 'decline';
      return done({ type: 'found', rules: [{ ...given, ruleId: 'repo_1', match, decision }] });
    }
    case 'aborted':
      return { type: 'aborted' };
    case 'failed':
    case 'lost':
    case 'too long':
      return failed('rulesUnavailable');
  }
}

const SKIPPED = { status: 'skipped', reason: 'not a repository.' } as const;

function toTaken(at: number) {
  return { status: 'taken' as const, commit: `commit-${at}`, warnings: at % 3 === 0 ? ['a large file'] : [] };
}

function toSnapshotEnd(how: Ending, at: number): StepEnd<'takeSnapshot'> {
  switch (how) {
    case 'well':
    case 'rejected':
    case 'stale':
      return done(toTaken(at));
    case 'left over':
      return done(SKIPPED);
    case 'aborted':
      return { type: 'aborted' };
    case 'failed':
    case 'lost':
    case 'too long':
      return failed('gitFailed');
  }
}

function toRedoEnd(how: Ending): StepEnd<'redoFiles'> {
  const end = toUndoEnd(how);
  if (end.type !== 'done') return end;
  const files = { restored: 1, deleted: 0, merged: 0, kept: 1 };
  return done({ files, paths: [], morePaths: 0, notRedone: [] });
}

function toUndoEnd(how: Ending): StepEnd<'undoFiles'> {
  switch (how) {
    case 'well':
    case 'left over':
    case 'rejected':
    case 'stale': {
      const commands = [{ command: 'make', cwd: '/work/repo' }];
      const redo = how === 'well' ? { before: 'start', after: 'end' } : null;
      return {
        type: 'done',
        value: { files: { restored: 1, deleted: 2 }, redo, commands, called: true, notUndone: [] },
      };
    }
    case 'aborted':
      return { type: 'aborted' };
    case 'failed':
    case 'lost':
    case 'too long':
      return failed('gitFailed');
  }
}

function toCommandEnd(how: Ending, yields: boolean): StepEnd<'execCommand'> {
  const report = { exitCode: 0, output: 'out\n', outputBytes: 4, truncated: false, durationMs: 5 };
  switch (how) {
    case 'well':
      return done({ ...report, ...(yields ? { ...YIELDED, key: 'key' } : { outcome: 'exited', gone: true }) });
    case 'left over':
    case 'stale':
      return done({ ...report, outcome: 'aborted', exitCode: null, gone: false });
    case 'aborted':
      return { type: 'aborted' };
    case 'lost':
      return { type: 'lost', lastBeat: { output: 'half' } };
    case 'failed':
    case 'rejected':
    case 'too long':
      return failed('workspaceMissing');
  }
}

function toMcpEnd(how: Ending): StepEnd<'callMcpTool'> {
  switch (how) {
    case 'well':
    case 'left over':
    case 'stale':
      return done({
        type: 'reported',
        outcome: how === 'well' ? 'completed' : 'failed',
        output: 'out\n',
        durationMs: 5,
        ...(how === 'stale' ? { left: true } : {}),
      });
    case 'aborted':
      return { type: 'aborted' };
    case 'lost':
      return { type: 'lost', lastBeat: { text: 'half' } };
    case 'failed':
    case 'rejected':
    case 'too long':
      return failed('internal');
  }
}

/** Three steps at most. */
function toTaskEnd({ step }: StepInput<'runTask'>, how: Ending): StepEnd<'runTask'> {
  switch (how) {
    case 'well':
    case 'rejected':
    case 'stale':
      return done(
        step < 3 ? { type: 'next', state: { step }, message: null } : { type: 'done', message: 'it is done' },
      );
    case 'left over':
      return done({ type: 'left' });
    case 'aborted':
      return { type: 'aborted' };
    case 'failed':
    case 'lost':
    case 'too long':
      return failed('taskFailed');
  }
}

function toPreparationEnd(how: Ending): StepEnd<'prepareReview'> {
  if (how === 'aborted') return { type: 'aborted' };
  if (how === 'failed' || how === 'lost') return failed('reviewNothingToReview');
  return done({ type: 'prepared', prompt: 'Review it.', range: { base: 'a1', head: null } });
}

function toConclusionEnd(how: Ending): StepEnd<'finishReview'> {
  if (how === 'aborted') return { type: 'aborted' };
  if (how === 'failed' || how === 'lost') return failed('gitFailed');
  return done({ type: 'concluded', output: NOTHING_FOUND });
}

function toRegistrationEnd(how: Ending, at: number): StepEnd<'registerAgentTask'> {
  if (how === 'failed' || how === 'lost') return failed('agentIdentityUnavailable');
  const task = { agentRuntimeId: 'runtime-1', taskId: `task-${at}`, registeredAt: '2026-01-01T00:00:00Z' };
  return done({ task, currentRuntimeId: how === 'stale' ? 'runtime-2' : 'runtime-1', unusedTasks: 0 });
}

let calls = 0;

function toOutput(output: Output, session: number): StepOutput {
  const call = (name: string, args: unknown): Extract<StepOutput, { type: 'toolCall' }> => ({
    type: 'toolCall',
    callId: output === 'twin' ? 'call_twin' : `call_${calls++}`,
    name,
    arguments: typeof args === 'string' ? args : JSON.stringify(args),
  });
  switch (output) {
    case 'say':
    case 'fill':
      return { type: 'message', text: 'hello' };
    case 'shout':
      return { type: 'message', text: 'LONG '.repeat(20_000) };
    case 'think':
      return { type: 'reasoning', summary: ['hm'] };
    case 'ls':
    case 'cat':
      return call('exec_command', { cmd: output === 'ls' ? 'ls' : 'cat x', timeout_ms: 1_000 });
    case 'serve':
      return call('exec_command', { cmd: 'npm run dev' });
    case 'look':
      return call('write_stdin', { session_id: session });
    case 'make':
    case 'twin':
      return call('exec_command', { cmd: 'make', timeout_ms: 1_000 });
    case 'escalate':
      return call('exec_command', { cmd: 'curl x', timeout_ms: 1_000, sandbox_permissions: 'require_escalated' });
    case 'patch':
      return call('apply_patch', { input: '*** Begin Patch\n*** Add File: a\n+a\n*** End Patch' });
    case 'patch out':
      return call('apply_patch', { input: '*** Begin Patch\n*** Add File: /etc/a\n+a\n*** End Patch' });
    case 'plan':
      return call('update_plan', { plan: [{ step: 'one', status: 'pending' }] });
    case 'ask':
      return call('request_user_input', { questions: [{ id: 'q', header: 'h', question: 'why?' }] });
    case 'mcp read':
      return {
        ...call('mcp__files__read', {}),
        mcp: { server: 'files', tool: 'read', readOnly: true, approval: 'writes' },
      };
    case 'mcp write':
    case 'mcp nonsense':
      return {
        ...call('mcp__files__write', output === 'mcp write' ? { path: 'a' } : '['),
        mcp: { server: 'files', tool: 'write', readOnly: false, approval: 'writes' },
      };
    case 'spawn':
      return call('spawn_agent', { task_name: 'helper', message: 'do it' });
    case 'wait':
      return call('wait_agent', {});
    case 'message':
      return call('followup_task', { target: 'helper', message: 'and that' });
    case 'close agent':
      return call('close_agent', { target: 'helper' });
    case 'nonsense':
      return call('no_such_tool', '{');
  }
}
