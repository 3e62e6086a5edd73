import type { TurnCompletion } from '../../index.ts';
import { plural } from '../plural.ts';

/** What may still run on hosts that were lost, as the end of a sentence; empty if nothing does. */
export function toLeftBehindWords({ mayStillRun = [] }: TurnCompletion): string {
  const each = mayStillRun.map(({ host, commandIds }) => `${toWhat(commandIds)} on host ${host}`);
  return each.length === 0 ? '' : `; may still run and write here: ${each.join(', ')}`;
}

function toWhat(commandIds: readonly string[]): string {
  const agents = commandIds.filter((id) => id.endsWith('/*')).length;
  const own = commandIds.length - agents;
  const what = [
    ...(own === 0 ? [] : [plural(own, 'command')]),
    ...(agents === 0 ? [] : [`commands of ${plural(agents, 'agent')}`]),
  ];
  return what.join(' and ');
}
