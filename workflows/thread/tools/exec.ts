/** `exec_command`: a command of the model. */
import { COMMAND_TIMEOUT, EXEC_COMMAND, type ExecArguments } from '../../../src/contract/plain/tools/exec-command.ts';
import { patchHint, patchProgram } from '../../../src/contract/plain/patch-as-command.ts';
import { isKnownSafe } from '../../../src/contract/plain/safe-commands.ts';
import {
  assessCommand,
  isRoot,
  leavesSandbox,
  reachesNetwork,
  runsUnasked,
  sandboxFor,
  toAbsolute,
} from '../approvals/policy.ts';
import { addItem, itemAt } from '../state/log.ts';
import { type ThreadState, type ToolCall, decidesAnew, leavesCommandsRunning } from '../state/state.ts';
import type { StepEnd } from '../state/steps.ts';
import type { NewRequest } from '../turns/requests.ts';
import { withCall } from './call-list.ts';
import { describeReport, toCommandResult, toCommandStep } from './command-step.ts';
import { MAX_SESSIONS, openSessions } from './sessions.ts';
import type { CallResult, Tool } from './tool.ts';

export const exec: Tool<ExecArguments> = {
  definitions: [EXEC_COMMAND],
  inFolder: true,

  record(state, at, { item, call }, args) {
    const { command, workdir, escalated, justification } = args;
    const patch = decidesAnew(state) ? patchProgram(command) : null;
    if (patch !== null)
      return addItem(state, at, { ...item, type: 'dynamicToolCall', status: 'failed', output: patchHint(patch) });
    const { sandbox, cwd: root } = state.settings;
    const cwd = toAbsolute(workdir ?? '.', root);
    const readOnly = !escalated && (sandbox === 'read-only' || isKnownSafe(command, isRoot(cwd, root)));
    const said = { ...item, type: 'commandExecution' as const, command, cwd, source: 'agent' as const };
    const added = addItem(state, at, { ...said, exitCode: null, durationMs: null });
    return withCall(added, { ...call, readOnly, escalated, justification, cwd, ...toTimes(state, args) });
  },

  approve(state, call) {
    const { cwd, escalated } = call;
    const command = commandOf(state, call);
    const tooMany = call.yields === undefined ? null : refuseSession(state);
    return {
      verdict: tooMany ?? assessCommand({ command, cwd, escalated }, toPolicies(state)),
      match: { type: 'commandExecution', command, cwd, sandbox: sandboxFor(state.settings, escalated) },
      toRequest: (reason) => toRequest(state, call, reason),
    };
  },

  actions(state, { turnId }, call) {
    const { index, cwd, timeoutMs, escalated, yields, terminal } = call;
    const sandbox = sandboxFor(state.settings, escalated);
    const command = commandOf(state, call);
    const unasked = runsUnasked({ command, cwd, escalated }, toPolicies(state));
    return [toCommandStep(state, { turnId, index }, { command, cwd, sandbox, timeoutMs, yields, terminal, unasked })];
  },

  toResult: (event, { index }) =>
    event.activity === 'execCommand' ? (toRunning(event.end, index) ?? toCommandResult(event.end)) : null,
};

function toPolicies(state: ThreadState) {
  return { ...state.settings, gitAnywhere: !decidesAnew(state) };
}

/** Threads that an earlier release began wait for the end of every command. */
function toTimes(
  state: ThreadState,
  { timeoutMs, yieldMs, maxOutputBytes, tty }: ExecArguments,
): Pick<ToolCall, 'timeoutMs' | 'yields' | 'terminal'> {
  if (yieldMs === null || !leavesCommandsRunning(state)) return { timeoutMs: timeoutMs ?? COMMAND_TIMEOUT.default };
  const terminal = tty ? { terminal: true as const } : {};
  return { timeoutMs: timeoutMs ?? COMMAND_TIMEOUT.max, yields: { yieldMs, maxOutputBytes }, ...terminal };
}

/** The result of a command that was left running; null for one that has ended. */
function toRunning(end: StepEnd<'execCommand'>, index: number): CallResult | null {
  if (end.type !== 'done' || end.value.key === undefined) return null;
  const { key, durationMs: ranMs } = end.value;
  const output = describeReport(end.value, index);
  const change = { status: 'completed' as const, output, exitCode: null, durationMs: null, sessionId: index };
  return { change, proven: true, session: { type: 'begun', key, ranMs } };
}

function refuseSession(state: ThreadState): { type: 'refuse'; reason: string } | null {
  const open = openSessions(state).map(({ id }) => id);
  if (open.length < MAX_SESSIONS) return null;
  const reason = `${open.length} commands still run, as many as may: sessions ${open.join(', ')}. End some with write_stdin first.`;
  return { type: 'refuse', reason };
}

function toRequest(state: ThreadState, call: ToolCall, reason: string): NewRequest {
  const { settings } = state;
  const sandbox = sandboxFor(settings, call.escalated);
  return {
    type: 'commandExecution',
    command: commandOf(state, call),
    cwd: call.cwd,
    workspace: settings.cwd,
    sandbox,
    sandboxed: sandbox !== 'danger-full-access',
    escalated: leavesSandbox(settings, call.escalated),
    network: reachesNetwork(settings, sandbox),
    reason,
    ...(call.justification === '' ? {} : { justification: call.justification }),
  };
}

function commandOf(state: ThreadState, call: ToolCall): string {
  const item = itemAt(state.log, call.index);
  return item.type === 'commandExecution' ? item.command : '';
}
