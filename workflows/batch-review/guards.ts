/** The start argument of a batch as raw clients may send it. The same as `StartBatchSchema`; a property test holds them equal. */
import type { BatchTarget, StartBatch } from '../../src/contract/index.ts';
import {
  type Parsed,
  Refused,
  agentIdentity,
  fields,
  limits,
  maybe,
  parse,
  text,
  wholeNumber,
} from '../guard-values.ts';
import { BOUNDS } from '../thread/bounds.ts';

export function parseStartBatch(value: unknown): Parsed<StartBatch> {
  return parse(() => {
    const from = fields(value, 'batch');
    return {
      targets: targets(from['targets']),
      ...maybe(from, 'concurrency', (v, name) => wholeNumber(v, name, 1, BOUNDS.batchConcurrency)),
      ...maybe(from, 'reviewsPerMinute', (v, name) => wholeNumber(v, name, 1, 10_000)),
      ...maybe(from, 'budget', (v, name) => {
        const budget = fields(v, name);
        return { ...maybe(budget, 'review', limits), ...maybe(budget, 'batch', limits) };
      }),
      ...maybe(from, 'model', (v, name) => text(v, name, BOUNDS.idChars, 1)),
      ...maybe(from, 'instructions', (v, name) => text(v, name, BOUNDS.instructionsChars)),
      ...maybe(from, 'fullPassEvery', (v, name) => wholeNumber(v, name, 0, 1_000)),
      ...maybe(from, 'agentIdentity', agentIdentity),
    };
  });
}

function targets(value: unknown): BatchTarget[] {
  if (!Array.isArray(value) || value.length === 0) throw new Refused('targets: a list is needed, of one or more');
  if (value.length > BOUNDS.batchTargets) throw new Refused(`targets: at most ${BOUNDS.batchTargets} entries`);
  const read = value.map((one, index): BatchTarget => {
    const from = fields(one, `targets[${index}]`);
    return {
      repository: repository(from['repository'], index),
      ...maybe(from, 'branch', ref),
      ...maybe(from, 'base', ref),
    };
  });
  if (JSON.stringify(read).length > BOUNDS.batchTargetsChars)
    throw new Refused(`targets: more than ${BOUNDS.batchTargetsChars} characters; make several batches of them`);
  return read;
}

function repository(value: unknown, index: number): string {
  const name = `targets[${index}].repository`;
  const written = text(value, name, BOUNDS.pathChars, 1);
  if (!/^(\/|[a-z][a-z0-9+.-]*:\/\/|[^/\s:]+@?[^/\s:]*:)/i.test(written))
    throw new Refused(`${name}: an absolute path or a URL is needed`);
  if (/^[a-z][a-z0-9+.-]*:\/\/[^/@\s]*:[^/@\s]*@/i.test(written))
    throw new Refused(`${name}: a URL with a password in it is not taken; give the credentials to the workers`);
  if (written.includes('\n')) throw new Refused(`${name}: one line is needed`);
  return written;
}

function ref(value: unknown, name: string): string {
  const written = text(value, name, BOUNDS.idChars, 1);
  if (!/^[^-\s][^\s]*$/.test(written)) throw new Refused(`${name}: the name of a branch or a commit is needed`);
  return written;
}
