/** What is kept of a search of the web. Pure. */
import type { WebSearchAction } from '../ports.ts';
import { headOf } from './bounded-text.ts';

const MAX_QUERIES = 20;
const MAX_CHARS = 2_000;

export function boundedSearch(action: WebSearchAction): WebSearchAction {
  const cut = (text: string): string => headOf(text, MAX_CHARS).toWellFormed();
  switch (action.type) {
    case 'search':
      return { ...action, queries: action.queries.slice(0, MAX_QUERIES).map(cut) };
    case 'openPage':
      return { ...action, url: cut(action.url) };
    case 'findInPage':
      return { ...action, url: cut(action.url), pattern: cut(action.pattern) };
    case 'other':
      return action;
  }
}
