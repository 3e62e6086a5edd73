/** Search attributes, by which the UI filters workflows. Only for workflows that know the attributes registered. */
import { defineSearchAttributeKey } from '@temporalio/common';
import { upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { SEARCH_ATTRIBUTES, SearchAttributeName, SearchAttributeValues } from '../../src/contract/index.ts';

/** The SDK's names for the types of the contract. */
const SDK_TYPES = { Keyword: 'KEYWORD', Bool: 'BOOL', Int: 'INT', Double: 'DOUBLE' } as const;

/** A copy of the contract's table, since only its types may be imported here. */
const TYPES: typeof SEARCH_ATTRIBUTES = {
  BobbinStatus: 'Keyword',
  BobbinActiveKind: 'Keyword',
  BobbinRepository: 'Keyword',
  BobbinAccount: 'Keyword',
  BobbinWaitsForPerson: 'Bool',
  BobbinDepth: 'Int',
  BobbinCostUsd: 'Double',
};

/** Changes with every model step, so it is published only together with others: each upsert is an event. */
const GOES_ALONG: SearchAttributeName = 'BobbinCostUsd';

/** SQL visibility stores that many characters of a keyword. */
const KEYWORD_CHARS = 255;

/**
 * Publishes the values that have changed since the last publication, in this run or an earlier one. If nothing has
 * changed, it adds no event. Call it when a workflow is idle, so that one workflow task makes one event.
 */
export function publishSearchAttributes(values: SearchAttributeValues): void {
  const known = workflowInfo().typedSearchAttributes;
  const changed = Object.entries(values)
    .map(([name, value]) => toPair(name as SearchAttributeName, value))
    .filter(({ key, value }) => (known.get(key) ?? null) !== value);
  if (changed.every(({ key }) => key.name === GOES_ALONG)) return;
  upsertSearchAttributes(changed as Parameters<typeof upsertSearchAttributes>[0]);
}

/** Whether the service has any attribute of this workflow from this run or an earlier one. */
export function isPublished(): boolean {
  return workflowInfo().typedSearchAttributes.getAll().length > 0;
}

/** What lists show as the status of this workflow; null if it was never published. */
export function publishedStatus(): string | null {
  return workflowInfo().typedSearchAttributes.get(defineSearchAttributeKey('BobbinStatus', 'KEYWORD')) ?? null;
}

function toPair(name: SearchAttributeName, value: string | boolean | number | null) {
  const key = defineSearchAttributeKey(name, SDK_TYPES[TYPES[name]]);
  // The end of a path is more useful than its beginning.
  return { key, value: typeof value === 'string' ? value.slice(-KEYWORD_CHARS) : value };
}
