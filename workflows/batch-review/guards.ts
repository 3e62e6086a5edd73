/**
 * The start argument of a batch as raw clients may send it. The same as `StartBatchSchema`, and a property test holds them
 * equal, except for addresses that are well formed and not taken: a Schedule may have been stored with one by an earlier
 * version, and its other targets are reviewed. `faultsOf` names those.
 */
import { isRefName } from '../../src/contract/plain/ref-name.ts';
import { faultOfRepository } from '../../src/contract/plain/repository-address.ts';
import type { BatchTarget, StartBatch } from '../../src/contract/index.ts';
import {
  type Parsed,
  Refused,
  agentIdentity,
  fields,
  flag,
  limits,
  maybe,
  parse,
  text,
  wholeNumber,
} from '../sandbox/value-readers.ts';
import { LIMITS } from '../../src/contract/plain/limits.ts';

export function parseStartBatch(value: unknown): Parsed<StartBatch> {
  return parse(() => {
    const from = fields(value, 'batch');
    return {
      targets: targets(from['targets']),
      ...maybe(from, 'concurrency', (v, name) => wholeNumber(v, name, 1, LIMITS.batchConcurrency)),
      ...maybe(from, 'reviewsPerMinute', (v, name) => wholeNumber(v, name, 1, 10_000)),
      ...maybe(from, 'budget', (v, name) => {
        const budget = fields(v, name);
        return { ...maybe(budget, 'review', limits), ...maybe(budget, 'batch', limits) };
      }),
      ...maybe(from, 'model', (v, name) => text(v, name, LIMITS.idChars, 1)),
      ...maybe(from, 'instructions', (v, name) => text(v, name, LIMITS.instructionsChars)),
      ...maybe(from, 'fullPassEvery', (v, name) => wholeNumber(v, name, 0, 1_000)),
      ...maybe(from, 'fullPass', flag),
      ...maybe(from, 'agentIdentity', agentIdentity),
    };
  });
}

/** Why a target cannot be reviewed, by its place in the list; null if it can. */
export function faultsOf(targets: readonly BatchTarget[]): (string | null)[] {
  return targets.map(({ repository }) => faultOfRepository(repository)?.message ?? null);
}

function targets(value: unknown): BatchTarget[] {
  if (!Array.isArray(value) || value.length === 0) throw new Refused('targets: a list is needed, of one or more');
  if (value.length > LIMITS.batchTargets) throw new Refused(`targets: at most ${LIMITS.batchTargets} entries`);
  const read = value.map((one, index): BatchTarget => {
    const from = fields(one, `targets[${index}]`);
    return {
      repository: repository(from['repository'], index),
      ...maybe(from, 'branch', ref),
      ...maybe(from, 'base', ref),
    };
  });
  if (JSON.stringify(read).length > LIMITS.batchTargetsChars)
    throw new Refused(`targets: more than ${LIMITS.batchTargetsChars} characters; make several batches of them`);
  return read;
}

function repository(value: unknown, index: number): string {
  const name = `targets[${index}].repository`;
  const written = text(value, name, LIMITS.pathChars, 1);
  const fault = faultOfRepository(written);
  if (fault?.kind === 'malformed') throw new Refused(`${name}: ${fault.message}`);
  return written;
}

function ref(value: unknown, name: string): string {
  const written = text(value, name, LIMITS.idChars, 1);
  if (!isRefName(written)) throw new Refused(`${name}: the name of a branch or a commit is needed`);
  return written;
}
