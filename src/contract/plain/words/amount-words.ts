/** Amounts as a person reads them, the same everywhere. */
import type { LimitName, Limits, Spent } from '../../threads/budget.ts';
import { LIMIT_NAMES, usedUp } from '../amounts.ts';
import { grouped, plural } from '../plural.ts';

/** Millionths of a dollar. */
export function toDollars(microUsd: number): string {
  const dollars = microUsd / 1_000_000;
  return `$${dollars >= 1 || microUsd === 0 ? dollars.toFixed(2) : dollars.toPrecision(2)}`;
}

/** `0.4 s`, `12.0 s`, `1,200.5 s`. */
export function toSeconds(ms: number): string {
  const [whole = '0', tenths = '0'] = (ms / 1_000).toFixed(1).split('.');
  return `${grouped(Number(whole))}.${tenths} s`;
}

/** An amount in the unit of its limit. */
export function toAmount(limit: LimitName, amount: number): string {
  switch (limit) {
    case 'tokens':
      return plural(amount, 'token');
    case 'costUsd':
      return toDollars(Math.round(amount * 1_000_000));
    case 'steps':
      return plural(amount, 'model step');
    case 'wallMs':
      return toSeconds(amount);
  }
}

/** All that was used, each amount with its limit. */
export function toAmounts({ spent, limits }: { spent: Spent; limits: Limits }): string {
  return LIMIT_NAMES.map((limit) => {
    const max = limits[limit];
    return `${toAmount(limit, usedUp(spent, limit))}${max === undefined ? '' : ` of ${toAmount(limit, max)}`}`;
  }).join(', ');
}
