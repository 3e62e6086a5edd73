/** Events that are not items, in words. */
import type { ThreadEvent, TurnCompletion } from '../../../../contract/index.ts';
import { toDollars, toSeconds } from '../../../../contract/plain/words/amount-words.ts';
import { toLeftBehindWords } from '../../../../contract/plain/words/left-behind-words.ts';
import { plural } from '../../../../contract/plain/plural.ts';
import { CONVERSATION } from '../../../../contract/plain/turn-kinds.ts';

export interface Note {
  tone: 'plain' | 'warning' | 'error';
  /** May contain foreign text. */
  text: string;
  /** The conversational turn that has ended here: another thread can go on from it. */
  turnId?: string;
}

/** Null for events that other parts of the page show. */
export function toNote(event: ThreadEvent): Note | null {
  switch (event.type) {
    case 'turn/completed':
      return event.turn.kind === CONVERSATION ? { ...toEnd(event.turn), turnId: event.turn.turnId } : toEnd(event.turn);
    case 'thread/closed':
      return plain(`The thread is closed${event.reason === null ? '' : `: ${event.reason}`}`);
    case 'thread/rolledBack':
      return plain(`${plural(event.numTurns, 'turn')} removed from the conversation; files are unchanged`);
    case 'serverRequest/resolved':
      return plain(`Request ${event.requestId}: ${DECISIONS[event.decision]} by ${event.by}`);
    case 'rule/remembered':
      return plain(`Remembered as rule ${event.rule.ruleId}: ${event.rule.decision}`);
    case 'rule/applied':
      return plain(`${DECISIONS[event.decision]} by rule ${event.ruleIds.join(', ')}`);
    case 'rule/revoked':
      return plain(`Rule ${event.ruleId} was revoked`);
    case 'error':
      return { tone: 'warning', text: `${event.error.message} (${event.error.code})` };
    case 'warning':
      return { tone: 'warning', text: event.message };
    case 'message/rejected':
      return { tone: 'error', text: `Not accepted: ${event.reason} (${event.code})` };
    case 'workspace/moved':
      return plain(
        `The thread works in ${event.to.cwd} on host ${event.to.host}. ${event.receipt.notRestored.join(' ')}`,
      );
    case 'thread/started':
    case 'workspace/bound':
    case 'thread/tokenUsage/updated':
    case 'turn/started':
    case 'turn/queued':
    case 'turn/queueUpdated':
    case 'turn/steered':
    case 'turn/plan/updated':
    case 'item/started':
    case 'item/completed':
    case 'item/commandExecution/requestApproval':
    case 'item/fileChange/requestApproval':
    case 'item/mcpToolCall/requestApproval':
    case 'item/tool/requestUserInput':
    case 'turn/budget/requestApproval':
    case 'subThread/updated':
    case 'agentTask/registered':
    case 'agentTask/cleared':
      return null;
  }
}

const DECISIONS = {
  accept: 'approved',
  acceptForSession: 'approved for the thread',
  decline: 'declined',
  cancel: 'declined, and the turn stopped',
};

function plain(text: string): Note {
  return { tone: 'plain', text };
}

function toEnd(turn: TurnCompletion): Note {
  const { durationMs, usage } = turn;
  const cost = usage.costMicroUsd === null ? 'cost unknown' : toDollars(usage.costMicroUsd);
  const amounts = `${toSeconds(durationMs)}, ${cost}`;
  const left = toLeftBehindWords(turn);
  switch (turn.status) {
    case 'completed':
      return plain(`Turn completed: ${amounts}${left}`);
    case 'aborted':
      return { tone: 'warning', text: `Turn stopped (${turn.reason}): ${turn.detail ?? amounts}${left}` };
    case 'failed':
      return { tone: 'error', text: `Turn failed: ${turn.error.message} (${turn.error.code})${left}` };
  }
}
