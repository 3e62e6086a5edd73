/** `user_shell`: one command of the person, without a sandbox, as its own turn or in parallel with the active one. */
import { addItem, completeItem, itemAt, itemCount } from '../state/log.ts';
import { toItemId } from '../../../src/contract/plain/item-ids.ts';
import { toInputText } from '../../../src/contract/plain/images/image-types.ts';
import { COMMAND_TIMEOUT } from '../../../src/contract/plain/tools/exec-command.ts';
import { WORKFLOW_CODES } from '../../../src/contract/plain/workflow-codes.ts';
import { emitStarted, endTurn, failTurn, findTurn, newTurn, warnOfForce } from '../turns/turns.ts';
import type { QueuedTurn, ShellTurn, ThreadState } from '../state/state.ts';
import { commandOf } from '../tools/labels.ts';
import { MOVED_BEFORE, onCommandEnd, toCommandResult, toCommandStep } from '../tools/command-step.ts';
import { type TaskKind, inWorkspace, onEndOf } from './task.ts';

/** The active turn if there is none, else in parallel with it. */
function beginShell(state: ThreadState, at: number, turn: QueuedTurn): ThreadState {
  const besideTurnId = state.active?.turnId ?? null;
  const started = emitStarted(state, at, turn, besideTurnId);
  const index = itemCount(started.log);
  const withItem = addItem(started, at, {
    type: 'commandExecution',
    turnId: turn.turnId,
    step: 0,
    callId: `shell_${index}`,
    call: null,
    command: toInputText(turn.input),
    cwd: state.settings.cwd,
    source: 'userShell',
    status: 'inProgress',
    output: '',
    exitCode: null,
    durationMs: null,
  });
  const shell: ShellTurn = { ...newTurn(state, turn.turnId, at), limited: false, kind: 'user_shell', index };
  return besideTurnId === null ? { ...withItem, active: shell } : { ...withItem, beside: [...withItem.beside, shell] };
}

export const userShell: TaskKind<ShellTurn> = {
  kind: 'user_shell',
  begin: beginShell,
  advance: (state) => state,
  desiredActions(state, turn) {
    const item = itemAt(state.log, turn.index);
    if (item.type !== 'commandExecution') return [];
    const { command, cwd } = item;
    const how = { sandbox: 'danger-full-access', timeoutMs: COMMAND_TIMEOUT.max } as const;
    return [toCommandStep(state, turn, { command, cwd, ...how })];
  },
  phase: (state, { index }) =>
    inWorkspace(state, { type: 'runningTools', step: 0, running: [commandOf(state, index)], waiting: [] }),
  onMoved(state, at, turn) {
    const ended = completeItem(state, at, turn.index, { status: 'failed', output: MOVED_BEFORE });
    return failTurn(ended, at, turn, { code: WORKFLOW_CODES.hostAway, message: MOVED_BEFORE });
  },
  onEvent: onEndOf('execCommand', (state, turn: ShellTurn, event) => {
    const result = toCommandResult(event.end);
    const { change, forced } = result;
    let next = completeItem(state, event.at, turn.index, change);
    if (forced !== undefined) next = warnOfForce(next, event.at, turn.turnId, toItemId(turn.index), forced);
    next = onCommandEnd(next, turn, event.id, result);
    if (turn.aborting !== null) return next;
    const current = findTurn(next, turn.turnId) ?? turn;
    return event.end.type === 'failed' || event.end.type === 'lost'
      ? failTurn(next, event.at, current, {
          code: event.end.type === 'lost' ? WORKFLOW_CODES.commandLost : event.end.failure.code,
          message: change.output,
        })
      : endTurn(next, event.at, current, { status: 'completed' });
  }),
};
