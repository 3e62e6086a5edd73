import type { WebSearchAction } from '../../index.ts';

/** What a model did in the web, in words. Queries and addresses in it are foreign text. */
export function toSearchWords(action: WebSearchAction): string {
  switch (action.type) {
    case 'search':
      return `searched the web: ${action.queries.join('; ')}`;
    case 'openPage':
      return `opened ${action.url}`;
    case 'findInPage':
      return `looked for ${JSON.stringify(action.pattern)} in ${action.url}`;
    case 'other':
      return 'searched the web';
  }
}
