/** How many findings of a ledger keep their identity when code changes; see `docs/ledger.md` for the method. */
import { join } from 'node:path';
import { notMeasured, summarise, toRow } from '../figures.ts';
import { type Measured, measureKinds } from '../fingerprints/kinds.ts';
import type { Part } from '../part.ts';

/** Deterministic, so that a quick run measures the same. */
export const fingerprints: Part = async (environment, { signal }) => {
  environment.progress('fingerprints: looking for findings in the history of this repository');
  const measured = await measureKinds(join(environment.root, 'fingerprints'), signal);
  if (measured === null)
    return [notMeasured('findings that keep their identity', '%', 'this clone has no whole history')];
  return measured.map(toKindRow);
};

function toKindRow({ kind, tally }: Measured) {
  const { same, kept, lost, mistaken, unsure, found } = tally;
  // Where nothing is the same, what counts is how many are rightly taken for new ones.
  const [right, all] = same === 0 ? [found - mistaken - unsure, found] : [kept, same];
  const counts = `${right} of ${all}; ${lost} taken for new, ${mistaken} for another one, ${unsure} of changed lines`;
  return toRow(`identity: ${kind}`, '%', summarise([(100 * right) / all]), { note: counts });
}
