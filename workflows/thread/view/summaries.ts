/** The line that the Temporal UI shows for each thing a thread does. Pure; no part of what a replay compares. */
import { firstLine } from '../../sandbox/plain-text.ts';
import type { Action, TimerAbout } from '../state/actions.ts';
import { itemAt } from '../state/log.ts';
import type { ThreadState } from '../state/state.ts';

/** UTF-16 units of what somebody else wrote. With the words before it a summary stays below 400 bytes, which is all that fits. */
const CHARS = 100;

/** Nothing for what the service shows no summary of. */
export function toSummary(state: ThreadState, action: Action): string {
  const { model } = state.settings;
  switch (action.type) {
    case 'callModel':
      return line('model', `${model} step ${action.step}`);
    case 'compactContext':
      return line('compact', `${action.model}, ${action.contextVersion} items`);
    case 'execCommand':
      return line('exec', action.command);
    case 'applyPatch':
      return line('patch', pathsOf(state, action.index));
    case 'callMcpTool':
      return line('mcp', `${action.server} ${action.tool}`);
    case 'findRules':
      return line('rules', `about item_${action.index}`);
    case 'rememberRule':
      return line('remember', `${action.rule.decision} for the repository`);
    case 'takeSnapshot':
      return line('snapshot', `${action.after === undefined ? 'before' : 'after'} turn ${action.turnId}`);
    case 'taskStep':
      return firstLine(action.summary, CHARS);
    case 'releaseSnapshots':
      return 'release snapshots';
    case 'prepareReview':
      return line('review: prepare', action.target.type);
    case 'finishReview':
      return 'review: finish';
    case 'registerAgentTask':
      return line('agent task: register for', action.account);
    case 'cleanWorkspace':
      return line('clean up', action.workspace);
    case 'startChild':
      return line(action.start.parent?.role ?? 'agent', action.start.title ?? action.start.threadId);
    case 'watchChild':
      return line('watch', action.threadId);
    case 'archiveSegment':
      return line('archive', `items ${action.segment.items.from} to ${action.segment.items.to}`);
    case 'awaitTime':
      return ofTimer(action.about);
    case 'sendMessage':
    case 'continueAsNew':
    case 'complete':
      return '';
  }
}

function line(verb: string, text: string): string {
  return `${verb}: ${firstLine(text, CHARS)}`;
}

function pathsOf(state: ThreadState, index: number): string {
  const item = itemAt(state.log, index);
  return item.type === 'fileChange' ? item.changes.map(({ path }) => path).join(', ') : item.id;
}

function ofTimer(about: TimerAbout): string {
  switch (about.type) {
    case 'budget':
      return 'time that a budget leaves';
    case 'agentWait':
      return line('wait for agents', `item_${about.index}`);
    case 'requestDeadline':
      return line('deadline', `of request ${about.requestId}`);
    case 'quiescence':
      return line('stop', `of turn ${about.turnId}`);
  }
}
