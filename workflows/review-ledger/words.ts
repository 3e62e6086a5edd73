/** Similarity of two texts by their words. Pure. */

/** Words that do not describe the subject of a text. */
const EMPTY_WORDS = new Set(
  `a an and are as at be been being but by can could do does for from had has have here how if in into is it its
  may might more most must no not of on or our out should so such than that the their them then there these they this
  those to too under up very was we were what when where which while who why will with would you your p0 p1 p2 p3`.split(
    /\s+/,
  ),
);

const ENDINGS = ['ations', 'ation', 'ingly', 'ments', 'ment', 'ness', 'ions', 'ion', 'ings', 'ing', 'edly', 'ers'];
const SHORT_ENDINGS = ['able', 'ible', 'ies', 'ed', 'es', 'er', 'ly', 's', 'e', 'y'];
const BEGINNINGS = ['un', 'non'];
const SHORTEST = 3;

/** The subject of a text: its words without endings, and names split at their capitals. */
export function wordsOf(text: string): Set<string> {
  const apart = text.replace(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase();
  const words = apart.match(/[\p{L}\p{N}]+/gu) ?? [];
  return new Set(words.filter((word) => !EMPTY_WORDS.has(word)).map(toStem));
}

function toStem(word: string): string {
  let stem = word;
  for (const beginning of BEGINNINGS) {
    if (stem.startsWith(beginning) && stem.length > beginning.length + SHORTEST) stem = stem.slice(beginning.length);
  }
  for (const endings of [ENDINGS, SHORT_ENDINGS]) {
    const ending = endings.find((one) => stem.endsWith(one) && stem.length - one.length >= SHORTEST);
    if (ending !== undefined) stem = stem.slice(0, -ending.length);
  }
  return stem;
}

/** Words in both, as a part of all words in either: from 0 to 1. */
export function likeness(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  if (a.size === 0 || b.size === 0) return a.size === b.size ? 1 : 0;
  const shared = countShared(a, b);
  return shared / (a.size + b.size - shared);
}

/** Words in both, as a part of the words of the shorter one: from 0 to 1. */
export function overlap(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const fewer = Math.min(a.size, b.size);
  return fewer === 0 ? 0 : countShared(a, b) / fewer;
}

function countShared(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let shared = 0;
  for (const word of a) if (b.has(word)) shared++;
  return shared;
}

const FNV_OFFSET = 0xcbf29ce484222325n;
const FNV_PRIME = 0x100000001b3n;

/** FNV-1a with 64 bits over UTF-16 code units, hexadecimal. An identifier, not a secret. */
export function hashOf(text: string): string {
  let hash = FNV_OFFSET;
  for (let at = 0; at < text.length; at++) {
    hash ^= BigInt(text.charCodeAt(at));
    hash = BigInt.asUintN(64, hash * FNV_PRIME);
  }
  return hash.toString(16).padStart(16, '0');
}
