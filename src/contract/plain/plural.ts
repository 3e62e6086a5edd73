/** A number with the noun that fits it: `1 file`, `2,000 files`. @param many if it is not `one` with an s. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`;
}

/** With a comma for each thousand. Workflows cannot use the host's locales. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}
