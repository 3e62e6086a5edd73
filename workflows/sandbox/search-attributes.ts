/** What the service is told so that its UI can filter workflows. Only for workflows that know the attributes registered. */
import { defineSearchAttributeKey } from '@temporalio/common';
import { upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { SEARCH_ATTRIBUTES, SearchAttributeName, SearchAttributeValues } from '../../src/contract/index.ts';

/** As the SDK writes the types of the contract. */
const SDK_TYPES = { Keyword: 'KEYWORD', Bool: 'BOOL', Int: 'INT', Double: 'DOUBLE' } as const;

/** The contract's table once more, since only its types may come in here. */
const TYPES: typeof SEARCH_ATTRIBUTES = {
  BobbinStatus: 'Keyword',
  BobbinActiveKind: 'Keyword',
  BobbinRepository: 'Keyword',
  BobbinAccount: 'Keyword',
  BobbinWaitsForPerson: 'Bool',
  BobbinDepth: 'Int',
  BobbinCostUsd: 'Double',
};

/** Changes with every model step, so it goes along with others and is no reason of its own: each upsert is an event. */
const GOES_ALONG: SearchAttributeName = 'BobbinCostUsd';

/** SQL visibility keeps so many characters of a keyword. */
const KEYWORD_CHARS = 255;

/**
 * Tells the service what has changed since it was told last, in this run or in one before it; nothing costs nothing. To be called
 * where a workflow has come to rest, so that what happens in one workflow task makes one event.
 */
export function publishSearchAttributes(values: SearchAttributeValues): void {
  const known = workflowInfo().typedSearchAttributes;
  const changed = Object.entries(values)
    .map(([name, value]) => toPair(name as SearchAttributeName, value))
    .filter(({ key, value }) => (known.get(key) ?? null) !== value);
  if (changed.every(({ key }) => key.name === GOES_ALONG)) return;
  upsertSearchAttributes(changed as Parameters<typeof upsertSearchAttributes>[0]);
}

/** Whether the service has any attribute of this workflow from this run or one before it. */
export function isPublished(): boolean {
  return workflowInfo().typedSearchAttributes.getAll().length > 0;
}

function toPair(name: SearchAttributeName, value: string | boolean | number | null) {
  const key = defineSearchAttributeKey(name, SDK_TYPES[TYPES[name]]);
  // The end of a path tells more than its beginning.
  return { key, value: typeof value === 'string' ? value.slice(-KEYWORD_CHARS) : value };
}
