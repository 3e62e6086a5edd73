/**
 * Rules of `.gitignore` files, read as data, as gitignore(5) defines them. Patterns are matched without a regular
 * expression, in time that grows with the product of the lengths of pattern and name: a malicious file must not be
 * slow.
 */
import type { RawPath } from '../process/git-process.ts';

/** Bytes of all files that apply to one folder; the rest is ignored. */
export const MAX_IGNORE_BYTES = 100_000;

export interface IgnoreFile {
  /** Folder of the file, with a slash at its end; empty for the root. */
  base: RawPath;
  rules: readonly IgnoreRule[];
  /** Bytes of the text that the rules were made from. */
  bytes: number;
  /** The text was longer. */
  isCut: boolean;
}

interface IgnoreRule {
  negated: boolean;
  foldersOnly: boolean;
  /** Relative to the base; a single segment matches a name at any depth. */
  segments: readonly Segment[];
  anyDepth: boolean;
}

type Segment = '**' | readonly Token[];
type Token = { type: 'star' } | { type: 'any' } | { type: 'char'; code: number } | { type: 'set'; has: Uint8Array };

/**
 * @param text one character per byte.
 * @param around the files of the folders around it.
 */
export function parseIgnoreFile(text: string, base: RawPath, around: readonly IgnoreFile[] = []): IgnoreFile {
  const left = Math.max(0, MAX_IGNORE_BYTES - countBytes(around));
  const isCut = text.length > left;
  // A line that is cut would be another rule.
  const whole = isCut ? text.slice(0, text.lastIndexOf('\n', left) + 1) : text;
  const lines = whole.replace(/^\u00ef\u00bb\u00bf/, '').split('\n');
  return { base, rules: lines.flatMap(toRule), bytes: whole.length, isCut };
}

export function countBytes(files: readonly IgnoreFile[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

/**
 * Whether a path is ignored, if no folder around it is.
 * @param files outermost first, each of the root or of a folder around the path.
 */
export function isIgnored(files: readonly IgnoreFile[], path: RawPath, isFolder: boolean): boolean {
  for (let n = files.length - 1; n >= 0; n--) {
    const { base, rules } = files[n] ?? { base: '', rules: [] };
    const segments = path.slice(base.length).split('/');
    const decisive = rules.findLast((rule) => (isFolder || !rule.foldersOnly) && matches(rule, segments));
    if (decisive !== undefined) return !decisive.negated;
  }
  return false;
}

function toRule(line: string): IgnoreRule[] {
  // A space at the end counts only after a backslash.
  const text = line.replace(/\r$/, '').replace(/(?<!\\) +$/, '');
  if (text === '' || text.startsWith('#')) return [];
  const negated = text.startsWith('!');
  const pattern = negated ? text.slice(1) : text;
  const foldersOnly = pattern.endsWith('/');
  const path = foldersOnly ? pattern.slice(0, -1) : pattern;
  const anyDepth = !path.includes('/');
  const parts = splitPattern(path.replace(/^\//, ''));
  if (parts.some((part) => part === '')) return [];
  const segments = parts.map((part) => (part === '**' && !anyDepth ? '**' : toTokens(part)));
  return [{ negated, foldersOnly, anyDepth, segments }];
}

/** A slash in a set does not separate. */
function splitPattern(pattern: string): string[] {
  const parts: string[] = [];
  let start = 0;
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern.charAt(at);
    if (char === '[') at = toSet(pattern, at + 1)?.end ?? at;
    else if (char === '\\' && pattern.charAt(at + 1) !== '/') at += 1;
    else if (char === '/' || char === '\\') {
      parts.push(pattern.slice(start, at));
      if (char === '\\') at += 1;
      start = at + 1;
    }
  }
  return [...parts, pattern.slice(start)];
}

function matches({ segments, anyDepth }: IgnoreRule, path: readonly string[]): boolean {
  if (!anyDepth) return matchesPath(segments, path);
  const [only] = segments;
  return only !== undefined && only !== '**' && matchesName(only, path.at(-1) ?? '');
}

/** A greedy match that backtracks only to the last `**`, which is enough. */
function matchesPath(segments: readonly Segment[], path: readonly string[]): boolean {
  let [at, from, retry, retryFrom] = [0, 0, -1, 0];
  while (from < path.length) {
    const segment = segments[at];
    if (segment === '**') {
      // At the end it matches the content, and not the folder itself.
      if (at === segments.length - 1) return true;
      [retry, retryFrom] = [at, from];
      at += 1;
    } else if (segment !== undefined && matchesName(segment, path[from] ?? '')) {
      at += 1;
      from += 1;
    } else if (retry >= 0) {
      retryFrom += 1;
      [at, from] = [retry + 1, retryFrom];
    } else return false;
  }
  return at === segments.length;
}

function matchesName(tokens: readonly Token[], name: string): boolean {
  let [at, from, retry, retryFrom] = [0, 0, -1, 0];
  while (from < name.length) {
    const token = tokens[at];
    if (token?.type === 'star') {
      [retry, retryFrom] = [at, from];
      at += 1;
    } else if (token !== undefined && matchesByte(token, name.charCodeAt(from))) {
      at += 1;
      from += 1;
    } else if (retry >= 0) {
      retryFrom += 1;
      [at, from] = [retry + 1, retryFrom];
    } else return false;
  }
  while (tokens[at]?.type === 'star') at += 1;
  return at === tokens.length;
}

function matchesByte(token: Exclude<Token, { type: 'star' }>, code: number): boolean {
  if (token.type === 'any') return true;
  return token.type === 'char' ? token.code === code : token.has[code] === 1;
}

/** A pattern that is not well-formed matches nothing. */
function toTokens(pattern: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern.charAt(at);
    if (char === '*') tokens.push({ type: 'star' });
    else if (char === '?') tokens.push({ type: 'any' });
    else if (char === '[') {
      const set = toSet(pattern, at + 1);
      if (set === null) return [NOTHING];
      tokens.push({ type: 'set', has: set.has });
      at = set.end;
    } else if (char !== '\\') tokens.push({ type: 'char', code: char.charCodeAt(0) });
    else if (at + 1 === pattern.length) return [NOTHING];
    else tokens.push({ type: 'char', code: pattern.charCodeAt(++at) });
  }
  return tokens;
}

const NOTHING: Token = { type: 'set', has: new Uint8Array(256) };

const CLASSES: Record<string, RegExp> = {
  alnum: /[A-Za-z0-9]/,
  alpha: /[A-Za-z]/,
  blank: /[ \t]/,
  digit: /[0-9]/,
  lower: /[a-z]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[ \t\n\v\f\r]/,
  upper: /[A-Z]/,
  xdigit: /[0-9A-Fa-f]/,
};

/** @param start after the bracket. Returns the position of the closing one; null if there is none. */
function toSet(pattern: string, start: number): { has: Uint8Array; end: number } | null {
  const negated = /[!^]/.test(pattern.charAt(start));
  const has = new Uint8Array(256).fill(0);
  const first = negated ? start + 1 : start;
  for (let at = first; at < pattern.length; at++) {
    if (pattern.charAt(at) === ']' && at > first) {
      return { has: negated ? has.map((one) => 1 - one) : has, end: at };
    }
    const [named, name = ''] = /^\[:([a-z]*):\]/.exec(pattern.slice(at, at + 12)) ?? [];
    if (named !== undefined) {
      const members = CLASSES[name];
      if (members === undefined) return null;
      for (let code = 0; code < 128; code++) if (members.test(String.fromCharCode(code))) has[code] = 1;
      at += named.length - 1;
      continue;
    }
    if (pattern.charAt(at) === '\\') at += 1;
    const from = pattern.charCodeAt(at);
    let to = from;
    if (pattern.charAt(at + 1) === '-' && at + 2 < pattern.length && pattern.charAt(at + 2) !== ']') {
      at += pattern.charAt(at + 2) === '\\' ? 3 : 2;
      to = pattern.charCodeAt(at);
    }
    for (let code = from; code <= to; code++) has[code] = 1;
  }
  return null;
}
