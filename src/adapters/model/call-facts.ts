/** What the failures of a model call say about the call, and what they must not contain. */

/** Maximum characters of foreign text in a message. */
const MAX_EXCERPT = 512;
/** Shorter values are not secrets, and removing them would garble the text. */
const MIN_SECRET = 6;

export interface CallFacts {
  model: string;
  /** Without user, password and query. */
  url: string;
  /** Values that appear in no message: keys, assertions, header values. */
  secrets: readonly string[];
  /** The variable with the key, for the advice in a message. */
  keyName?: string;
}

/** A URL without credentials and query, which can contain keys. */
export function toShownUrl(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

/** The secrets in an `Authorization` value: the whole, and the token alone. */
export function toSecrets(values: Iterable<string | undefined>): string[] {
  const secrets = new Set<string>();
  for (const value of values) {
    for (const part of [value, value?.slice(value.indexOf(' ') + 1)]) {
      if (part !== undefined && part.length >= MIN_SECRET) secrets.add(part);
    }
  }
  return [...secrets].sort((a, b) => b.length - a.length);
}

/** Foreign text for a message. Removes secrets before shortening, so that no part of one is left at the end. */
export function excerpt(text: string, facts: CallFacts): string {
  let clean = text;
  for (const secret of facts.secrets) clean = clean.replaceAll(secret, '[redacted]');
  clean = clean.trim();
  return clean.length > MAX_EXCERPT ? `${clean.slice(0, MAX_EXCERPT)}...` : clean;
}
