/** What every failure of one model call says about that call, and what none of them may say. */

/** Characters of foreign text that go into a message. */
const MAX_EXCERPT = 512;
/** Shorter values are no secrets, and cutting them out would garble the text. */
const MIN_SECRET = 6;

export interface CallFacts {
  model: string;
  /** Without user, password and query. */
  url: string;
  /** Values that appear in no message: keys, assertions, header values. */
  secrets: readonly string[];
  /** Where the key comes from, for the advice in a message: the name of a variable. */
  keyName?: string;
}

/** A URL as it may be shown: credentials and query, which can hold keys, are left out. */
export function toShownUrl(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

/** An `Authorization` value as secrets: the whole, and the token on its own. */
export function toSecrets(values: Iterable<string | undefined>): string[] {
  const secrets = new Set<string>();
  for (const value of values) {
    for (const part of [value, value?.slice(value.indexOf(' ') + 1)]) {
      if (part !== undefined && part.length >= MIN_SECRET) secrets.add(part);
    }
  }
  return [...secrets].sort((a, b) => b.length - a.length);
}

/** Foreign text for a message: secrets cut out first, so that no part of one is left at the end, then shortened. */
export function excerpt(text: string, facts: CallFacts): string {
  let clean = text;
  for (const secret of facts.secrets) clean = clean.replaceAll(secret, '[redacted]');
  clean = clean.trim();
  return clean.length > MAX_EXCERPT ? `${clean.slice(0, MAX_EXCERPT)}...` : clean;
}
