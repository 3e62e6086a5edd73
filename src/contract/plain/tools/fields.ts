/** Readers for single arguments of a call. */
import { LIMITS } from '../limits.ts';
import type { Fields } from './tool.ts';

/** Empty for anything that is not text. */
export function shortText(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, LIMITS.shortChars) : '';
}

/** Non-empty text, cut to a length; null for anything else. */
export function nonEmptyText(value: unknown, maxChars: number): string | null {
  return typeof value === 'string' && value.trim() !== '' ? value.trim().slice(0, maxChars) : null;
}

/** Empty for anything that is not an object. */
export function members(value: unknown): Fields {
  return (typeof value === 'object' && value !== null ? value : {}) as Fields;
}
