/** Texts that are like another one. Pure. */

const MAX_TEXTS = 20_000;
const MAX_CHARS = 200;
/** From 0 to 1; less is not called alike. */
const LEAST = 0.5;

/** Indexes of the texts that are most like one, the most alike first. */
export function mostAlike(text: string, others: readonly string[], most: number): number[] {
  const wanted = pairsOf(text);
  if (wanted.size === 0) return [];
  return others
    .slice(0, MAX_TEXTS)
    .map((other, at) => ({ at, likeness: likenessOf(wanted, pairsOf(other)) }))
    .filter(({ likeness }) => likeness >= LEAST)
    .sort((one, other) => other.likeness - one.likeness)
    .slice(0, most)
    .map(({ at }) => at);
}

/** Dice's coefficient. */
function likenessOf(wanted: Set<string>, others: Set<string>): number {
  let common = 0;
  for (const pair of others) if (wanted.has(pair)) common += 1;
  return (2 * common) / (wanted.size + others.size);
}

function pairsOf(text: string): Set<string> {
  const plain = text.trim().toLowerCase().slice(0, MAX_CHARS);
  return new Set(Array.from({ length: Math.max(0, plain.length - 1) }, (_, at) => plain.slice(at, at + 2)));
}
