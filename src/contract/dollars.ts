/** Millionths of a dollar as a person reads them. */
export function toDollars(microUsd: number): string {
  const dollars = microUsd / 1_000_000;
  return `$${dollars >= 1 || microUsd === 0 ? dollars.toFixed(2) : dollars.toPrecision(2)}`;
}
