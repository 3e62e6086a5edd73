/** Search of the web by the provider of a model. `cached`: only in what the provider has stored. `live`: in the web as it is. */
export const WEB_SEARCHES = ['off', 'cached', 'live'] as const;
export type WebSearch = (typeof WEB_SEARCHES)[number];

/** What a model may do: not more than was asked for, and not more than the operator allows. */
export function leastWebSearch(one: WebSearch, other: WebSearch): WebSearch {
  return WEB_SEARCHES[Math.min(WEB_SEARCHES.indexOf(one), WEB_SEARCHES.indexOf(other))] ?? 'off';
}
