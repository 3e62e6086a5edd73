/** Costs as text for a person. */
import { toDollars } from '../../../contract/plain/words/amount-words.ts';

/** Empty if there was no cost. */
export function costWords(costMicroUsd: number | null): string {
  if (costMicroUsd === null) return ', cost unknown';
  return costMicroUsd === 0 ? '' : `, ${toDollars(costMicroUsd)}`;
}
