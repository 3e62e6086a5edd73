/** `exec_command`: a command of the model. */
import { EXEC_COMMAND, type ExecArguments } from '../../../src/contract/plain/tools/exec-command.ts';
import { patchHint, patchProgram } from '../../../src/contract/plain/patch-as-command.ts';
import { isKnownSafe } from '../../../src/contract/plain/safe-commands.ts';
import { assessCommand, isRoot, leavesSandbox, reachesNetwork, sandboxFor, toAbsolute } from '../approvals/policy.ts';
import { addItem, itemAt } from '../state/log.ts';
import { type ThreadState, type ToolCall, decidesAnew } from '../state/state.ts';
import type { NewRequest } from '../turns/requests.ts';
import { withCall } from './call-list.ts';
import { toCommandResult, toCommandStep } from './command-step.ts';
import type { Tool } from './tool.ts';

export const exec: Tool<ExecArguments> = {
  definitions: [EXEC_COMMAND],

  record(state, at, { item, call }, { command, workdir, escalated, justification, timeoutMs }) {
    const patch = decidesAnew(state) ? patchProgram(command) : null;
    if (patch !== null)
      return addItem(state, at, { ...item, type: 'dynamicToolCall', status: 'failed', output: patchHint(patch) });
    const { sandbox, cwd: root } = state.settings;
    const cwd = toAbsolute(workdir ?? '.', root);
    const readOnly = !escalated && (sandbox === 'read-only' || isKnownSafe(command, isRoot(cwd, root)));
    const said = { ...item, type: 'commandExecution' as const, command, cwd, source: 'agent' as const };
    const added = addItem(state, at, { ...said, exitCode: null, durationMs: null });
    return withCall(added, { ...call, readOnly, escalated, justification, timeoutMs, cwd });
  },

  approve(state, call) {
    const { cwd, escalated } = call;
    const command = commandOf(state, call);
    const policies = { ...state.settings, gitAnywhere: !decidesAnew(state) };
    return {
      verdict: assessCommand({ command, cwd, escalated }, policies),
      match: { type: 'commandExecution', command, cwd, sandbox: sandboxFor(state.settings, escalated) },
      toRequest: (reason) => toRequest(state, call, reason),
    };
  },

  actions(state, { turnId }, call) {
    const { index, cwd, timeoutMs, escalated } = call;
    const sandbox = sandboxFor(state.settings, escalated);
    return [toCommandStep(state, { turnId, index }, { command: commandOf(state, call), cwd, sandbox, timeoutMs })];
  },

  toResult: (event) => (event.activity === 'execCommand' ? toCommandResult(event.end) : null),
};

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
