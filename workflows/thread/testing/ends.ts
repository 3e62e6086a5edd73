/** For tests of the machine: how actions end. */
import type { Action } from '../state/actions.ts';
import type {
  CommandEnd,
  CompactionEnd,
  Happening,
  McpEnd,
  ModelEnd,
  ModelOutput,
  RegistrationEnd,
  RulesEnd,
  SnapshotEnd,
  TaskStepEnd,
} from '../state/inputs.ts';
import type { StepFailure } from '../../sandbox/step-failure.ts';
import { NOTHING_FOUND } from './fixtures.ts';
import { NO_USAGE } from '../state/state.ts';

/**
 * How an action ends, as far as its kind can end so; `rejected` and `stale` speak of the agent task, `too long` of the
 * context.
 */
export type Ending = 'well' | 'failed' | 'lost' | 'aborted' | 'left over' | 'rejected' | 'stale' | 'too long';

/** What the model answers. */
export type Output =
  | 'say'
  /** The same, with the context at its limit. */
  | 'fill'
  | 'shout'
  | 'think'
  | 'ls'
  | 'cat'
  | 'make'
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

/** The end of an action. @param at makes ids of agent tasks differ. */
export function toEnd(action: Step, how: Ending, outputs: readonly Output[], at: number): Happening {
  const { id } = action;
  switch (action.type) {
    case 'callModel':
      return {
        type: 'modelEnded',
        id,
        end: withSnapshot(action, toModelEnd(how, outputs, action.contextTokens), how, at),
      };
    case 'compactContext':
      return { type: 'compactionEnded', id, end: toCompactionEnd(how) };
    case 'execCommand':
      return { type: 'commandEnded', id, end: toCommandEnd(how) };
    case 'applyPatch':
      if (how === 'aborted') return { type: 'patchEnded', id, end: { type: 'aborted' } };
      return how === 'failed' || how === 'lost'
        ? { type: 'patchEnded', id, end: { type: 'failed', failure: failure('patchDoesNotApply') } }
        : { type: 'patchEnded', id, end: { type: 'applied', changes: [] } };
    case 'callMcpTool':
      return { type: 'mcpCallEnded', id, end: toMcpEnd(how) };
    case 'findRules':
      return { type: 'rulesFound', id, end: toRulesEnd(action, how, outputs) };
    case 'rememberRule':
      return { type: 'ruleKept', id, failure: how === 'failed' ? 'disk full' : null };
    case 'takeSnapshot':
      return { type: 'snapshotEnded', id, end: toSnapshotEnd(how, at) };
    case 'taskStep':
      return { type: 'taskStepEnded', id, end: action.activity === 'redoFiles' ? toRedoEnd(how) : toUndoEnd(how) };
    case 'releaseSnapshots':
      return { type: 'snapshotsReleased', id, failure: how === 'failed' ? 'disk full' : null };
    case 'prepareReview':
      return { type: 'reviewPrepared', id, end: toPreparationEnd(how) };
    case 'finishReview':
      return { type: 'reviewConcluded', id, end: toConclusionEnd(how) };
    case 'registerAgentTask':
      return { type: 'registrationEnded', id, end: toRegistrationEnd(how, at) };
    case 'cleanWorkspace':
      return { type: 'workspaceCleaned', id, ended: how === 'failed' ? null : how === 'left over' ? 2 : 0 };
    case 'archiveSegment':
      return { type: 'archivingEnded', id, written: how !== 'failed', message: how === 'failed' ? 'disk full' : '' };
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

function failure(code: string): StepFailure {
  return { code, message: `it is ${code}`, details: { reason: 'agent_task_expired' } };
}

/** @param contextTokens set where the step may answer that the context is too large for its model. */
function toModelEnd(how: Ending, outputs: readonly Output[], contextTokens: number | null): ModelEnd {
  switch (how) {
    case 'well':
    case 'left over': {
      const usage = { ...NO_USAGE, totalTokens: outputs.includes('fill') ? 100 : 10 };
      const warned =
        how === 'well' ? {} : { mcpWarnings: [{ server: 'gone', message: 'MCP server gone is not there' }] };
      return { type: 'answered', output: outputs.map(toOutput), usage, costMicroUsd: 3, compactAt: 50, ...warned };
    }
    case 'too long':
      return contextTokens === null
        ? { type: 'failed', failure: failure('contextWindowExceeded') }
        : { type: 'compactFirst', compactAt: 5 };
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

function toCompactionEnd(how: Ending): CompactionEnd {
  switch (how) {
    case 'well':
    case 'left over': {
      const kept = { summary: 'so far', userMessages: ['do it'], provider: null };
      return { type: 'compacted', ...kept, usage: { ...NO_USAGE, totalTokens: 4 }, costMicroUsd: 1, droppedEntries: 0 };
    }
    case 'aborted':
      return { type: 'aborted' };
    case 'stale':
      return { type: 'failed', failure: failure('agentTaskStale') };
    case 'rejected':
      return { type: 'failed', failure: failure('agentAssertionRejected') };
    case 'failed':
    case 'lost':
    case 'too long':
      return { type: 'failed', failure: failure('modelServerError') };
  }
}

/** As the activity does: a snapshot is there where it was asked for and a tool is called. */
function withSnapshot(action: Action, end: ModelEnd, how: Ending, at: number): ModelEnd {
  if (action.type !== 'callModel' || action.snapshot === null || end.type !== 'answered') return end;
  if (!end.output.some(({ type }) => type === 'toolCall')) return end;
  return { ...end, snapshot: how === 'left over' ? SKIPPED : toTaken(at) };
}

/** The answer of the model decides by chance what the rules are. */
function toRulesEnd(
  { match }: Extract<Action, { type: 'findRules' }>,
  how: Ending,
  outputs: readonly Output[],
): RulesEnd {
  const given = { scope: 'repository', by: 'person', at: 1, threadId: 'other', turnId: 'turn' } as const;
  switch (how) {
    case 'well':
    case 'left over':
    case 'rejected':
    case 'stale': {
      if (outputs.length === 0) return { type: 'found', rules: [] };
      const decision = outputs.includes('say') ? 'accept' : 'decline';
      return { type: 'found', rules: [{ ...given, ruleId: 'repo_1', match, decision }] };
    }
    case 'aborted':
      return { type: 'aborted' };
    case 'failed':
    case 'lost':
    case 'too long':
      return { type: 'failed', failure: failure('rulesUnavailable') };
  }
}

const SKIPPED = { status: 'skipped', reason: 'not a repository.' } as const;

function toTaken(at: number) {
  return { status: 'taken' as const, commit: `commit-${at}`, warnings: at % 3 === 0 ? ['a large file'] : [] };
}

function toSnapshotEnd(how: Ending, at: number): SnapshotEnd {
  switch (how) {
    case 'well':
    case 'rejected':
    case 'stale':
      return toTaken(at);
    case 'left over':
      return SKIPPED;
    case 'aborted':
      return { status: 'aborted' };
    case 'failed':
    case 'lost':
    case 'too long':
      return { status: 'failed', failure: failure('gitFailed') };
  }
}

function toRedoEnd(how: Ending): TaskStepEnd {
  const end = toUndoEnd(how);
  if (end.type !== 'done') return end;
  const files = { restored: 1, deleted: 0, merged: 0, kept: 1 };
  return { type: 'done', value: { files, paths: [], morePaths: 0, notRedone: [] } };
}

function toUndoEnd(how: Ending): TaskStepEnd {
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
      return { type: 'failed', failure: failure('gitFailed') };
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
    case 'too long':
      return { type: 'failed', failure: failure('workspaceMissing') };
  }
}

function toMcpEnd(how: Ending): McpEnd {
  switch (how) {
    case 'well':
    case 'left over':
    case 'stale':
      return { type: 'reported', outcome: how === 'well' ? 'completed' : 'failed', output: 'out\n', durationMs: 5 };
    case 'aborted':
      return { type: 'aborted' };
    case 'lost':
      return { type: 'lost', text: 'half' };
    case 'failed':
    case 'rejected':
    case 'too long':
      return { type: 'failed', failure: failure('internal') };
  }
}

function toPreparationEnd(how: Ending): Extract<Happening, { type: 'reviewPrepared' }>['end'] {
  if (how === 'aborted') return { type: 'aborted' };
  if (how === 'failed' || how === 'lost') return { type: 'failed', failure: failure('reviewNothingToReview') };
  return { type: 'prepared', prompt: 'Review it.', range: { base: 'a1', head: null } };
}

function toConclusionEnd(how: Ending): Extract<Happening, { type: 'reviewConcluded' }>['end'] {
  if (how === 'aborted') return { type: 'aborted' };
  if (how === 'failed' || how === 'lost') return { type: 'failed', failure: failure('gitFailed') };
  return { type: 'concluded', output: NOTHING_FOUND };
}

function toRegistrationEnd(how: Ending, at: number): RegistrationEnd {
  if (how === 'failed' || how === 'lost') return { type: 'failed', failure: failure('agentIdentityUnavailable') };
  const task = { agentRuntimeId: 'runtime-1', taskId: `task-${at}`, registeredAt: '2026-01-01T00:00:00Z' };
  return { type: 'registered', task, currentRuntimeId: how === 'stale' ? 'runtime-2' : 'runtime-1', unusedTasks: 0 };
}

let calls = 0;

function toOutput(output: Output): ModelOutput {
  const call = (name: string, args: unknown): Extract<ModelOutput, { type: 'toolCall' }> => ({
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
