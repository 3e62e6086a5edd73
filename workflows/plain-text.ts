/** Text of others, made fit to be shown in one line. */

/** What hides in commands and addresses: a password in a URL, a bearer token, a value that a name calls secret. */
const SECRETS: readonly [RegExp, string][] = [
  [/(\w:\/\/)[^\s/@:]*:[^\s/@]+@/g, '$1…@'],
  [/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, '$1 …'],
  [/((?:token|secret|password|passwd|api[_-]?key)["']?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s"'&;]+)/gi, '$1…'],
];

/** The first line that says something, at most `chars` UTF-16 units long; control characters become spaces. */
export function firstLine(text: string, chars: number): string {
  const line = (text.split(/[\r\n]+/).find((part) => part.trim() !== '') ?? '').trim();
  const plain = line.slice(0, 4 * Math.min(chars, 4_000)).replace(/[\p{Cc}\p{Cs}]/gu, ' ');
  return cut(
    SECRETS.reduce((shown, [pattern, instead]) => shown.replace(pattern, instead), plain),
    chars,
  );
}

/** The same as a code span of Markdown. */
export function codeSpan(text: string, chars: number): string {
  const line = firstLine(text, chars).replaceAll('`', "'");
  return line === '' ? '' : `\`${line}\``;
}

function cut(text: string, chars: number): string {
  if (text.length <= chars) return text;
  // A pair of units that is one character is not taken apart.
  const end = chars - 1;
  const inPair = /[\uD800-\uDBFF]/.test(text.charAt(end - 1));
  return `${text.slice(0, inPair ? end - 1 : end)}…`;
}
