/**
 * The building blocks of guards. Raw clients reach workflows without passing through our edge, and zod does not run in
 * the sandbox, so messages are read by hand there: unknown members are dropped, and null counts as left out.
 */
import type { RejectionCode } from '../../src/contract/index.ts';
import { LIMITS } from '../../src/contract/plain/limits.ts';
import { unreadableReason } from './unreadable.ts';

export type Parsed<T> = { ok: true; value: T } | { ok: false; code: RejectionCode; reason: string };

/** Thrown while a message is read, and caught by {@link parse}. */
export class Refused extends Error {
  readonly code: RejectionCode;
  constructor(reason: string, code: RejectionCode = 'malformed') {
    super(reason);
    this.code = code;
  }
}

export type Fields = Record<string, unknown>;

export function parse<T>(read: () => T): Parsed<T> {
  try {
    return { ok: true, value: read() };
  } catch (error) {
    if (error instanceof Refused) return { ok: false, code: error.code, reason: error.message };
    throw error;
  }
}

export function fields(value: unknown, name: string): Fields {
  const unreadable = unreadableReason(value);
  if (unreadable !== null) throw new Refused(`${name}: the payload cannot be read: ${quote(unreadable)}`);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Refused(`${name}: an object is needed`);
  return value as Fields;
}

/** A client's text inside a reason: shortened, and well-formed, since malformed text cannot be encoded and sent. */
export function quote(words: string): string {
  return words.slice(0, LIMITS.idChars).replace(/\p{Surrogate}/gu, '\ufffd');
}

export function text(value: unknown, name: string, max: number, min = 0): string {
  if (typeof value !== 'string') throw new Refused(`${name}: a string is needed`);
  if (value.length < min) throw new Refused(`${name}: must not be empty`);
  if (value.length > max) throw new Refused(`${name}: at most ${max} characters`);
  return value;
}

export function id(value: unknown, name: string, max: number = LIMITS.idChars): string {
  const string = text(value, name, max, 1);
  if (!/^[A-Za-z0-9._:@/-]+$/.test(string))
    throw new Refused(`${name}: only letters, digits and . _ : @ / - are allowed`);
  return string;
}

export function oneOf<T extends string>(value: unknown, name: string, allowed: readonly T[]): T {
  const found = allowed.find((candidate) => candidate === value);
  if (found === undefined) throw new Refused(`${name}: one of ${allowed.join(', ')} is needed`);
  return found;
}

/** `{ [key]: read(value) }`, or empty if the value is left out. */
export function maybe<K extends string, T>(
  from: Fields,
  key: K,
  read: (value: unknown, name: string) => T,
): { [P in K]?: T } {
  const value = from[key];
  if (value === undefined || value === null) return {};
  return { [key]: read(value, key) } as { [P in K]?: T };
}

export function flag(value: unknown, name: string): boolean {
  if (typeof value !== 'boolean') throw new Refused(`${name}: true or false is needed`);
  return value;
}

export function number(value: unknown, name: string, min: number, max: number): number {
  // JSON has no infinity, but a number that is too large for a double is read as one.
  if (typeof value === 'number' && Number.isFinite(value) && value >= min && value <= max) return value;
  throw new Refused(`${name}: a number is needed, from ${min} to ${max}`);
}

export function wholeNumber(value: unknown, name: string, min: number, max = Infinity): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw new Refused(`${name}: a whole number is needed, ${min} or more${max === Infinity ? '' : `, at most ${max}`}`);
}
