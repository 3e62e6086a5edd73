/** `user_shell`: one command of the person, without a sandbox, as its own turn or beside the active one. */
import { actionIds } from '../state/actions.ts';
import { completeItem, itemAt } from '../state/log.ts';
import { COMMAND_TIMEOUT } from '../../../src/contract/plain/tools/exec-command.ts';
import { beginShell, endTurn, failTurn, findTurn, quieten } from '../turns/turns.ts';
import type { ShellTurn } from '../state/state.ts';
import { needCleanUp, toCommandResult } from '../tools/command-results.ts';
import type { TaskKind } from './task.ts';

export const userShell: TaskKind<ShellTurn> = {
  kind: 'user_shell',
  words: true,
  begin: beginShell,
  settle: (state) => state,
  wants(state, turn) {
    const item = itemAt(state.log, turn.index);
    if (item.type !== 'commandExecution') return [];
    return [
      {
        type: 'execCommand',
        id: actionIds.tool(state.threadId, turn.index),
        turnId: turn.turnId,
        index: turn.index,
        command: item.command,
        cwd: item.cwd,
        workspace: state.settings.cwd,
        sandbox: 'danger-full-access',
        timeoutMs: COMMAND_TIMEOUT.max,
      },
    ];
  },
  owns: (state, turn, actionId) => actionIds.tool(state.threadId, turn.index) === actionId,
  take(state, turn, event) {
    if (event.type !== 'commandEnded') return state;
    const { change, proven } = toCommandResult(event.end);
    let next = completeItem(state, event.at, turn.index, change);
    if (!proven) next = needCleanUp(next, [event.id]);
    if (turn.aborting !== null) return quieten(next, turn, event.id, proven);
    const current = findTurn(next, turn.turnId) ?? turn;
    return event.end.type === 'failed' || event.end.type === 'lost'
      ? failTurn(next, event.at, current, {
          code: event.end.type === 'lost' ? 'commandLost' : event.end.failure.code,
          message: change.output,
        })
      : endTurn(next, event.at, current, { status: 'completed' });
  },
};
