/** Costs and other amounts as text for a person. */
import { toDollars } from '../../../contract/dollars.ts';
import type { LimitName } from '../../../contract/index.ts';
import { plural } from '../../../contract/plain/plural.ts';

export { toDollars };

/** Empty if there was no cost. */
export function costWords(costMicroUsd: number | null): string {
  if (costMicroUsd === null) return ', cost unknown';
  return costMicroUsd === 0 ? '' : `, ${toDollars(costMicroUsd)}`;
}

/** An amount in the unit of its limit. */
export function describeAmount(limit: LimitName, amount: number): string {
  switch (limit) {
    case 'tokens':
      return plural(amount, 'token');
    case 'costUsd':
      return toDollars(amount * 1_000_000);
    case 'steps':
      return plural(amount, 'model step');
    case 'wallMs':
      return `${(amount / 1000).toLocaleString('en')} s`;
  }
}
