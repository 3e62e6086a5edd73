/** Input for the model that is not from the person: messages of other agents, and how its own agents ended. */
import { addItem } from '../state/log.ts';
import type { RegularTurn, ThreadState } from '../state/state.ts';

export function hasMail(state: ThreadState): boolean {
  return state.mailbox.length > 0 || state.children.some(isNews);
}

const isNews = (child: ThreadState['children'][number]): boolean => child.role === 'agent' && child.news !== null;

/** Adds everything received to the history, for the next model request. Each entry is added once. */
export function onMail(state: ThreadState, at: number, turn: Pick<RegularTurn, 'turnId' | 'step'>): ThreadState {
  if (!hasMail(state)) return state;
  const place = { type: 'subAgentNotification' as const, turnId: turn.turnId, step: turn.step };
  const messages = state.mailbox.map(({ from, text }) => ({ threadId: from, name: from, status: 'message', text }));
  const news = state.children
    .filter(isNews)
    .map(({ threadId, name, status, news: text }) => ({ threadId, name, status, text: text ?? '' }));
  const children = state.children.map((child) => (isNews(child) ? { ...child, news: null } : child));
  const emptied: ThreadState = { ...state, mailbox: [], children };
  return [...messages, ...news].reduce((current, mail) => addItem(current, at, { ...place, ...mail }), emptied);
}
