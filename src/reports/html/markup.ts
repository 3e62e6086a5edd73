/** HTML that can only be put together in one way: what is interpolated is escaped, unless it is itself markup made here. */
import { toVisible } from '../foreign-text.ts';

const MARKUP = Symbol('markup');

/** Made in this file alone: its symbol cannot come out of JSON. */
export interface Markup {
  readonly [MARKUP]: string;
}

/** Nothing is shown of null. */
export type Part = string | number | Markup | null | readonly Markup[];

/** For contents and for attribute values in double quotes; not for the inside of a style. */
export function markup(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return { [MARKUP]: strings.map((text, index) => text + render(parts[index] ?? null)).join('') };
}

/** @param text written in this repository. */
export function trusted(text: string): Markup {
  return { [MARKUP]: text };
}

export function toText(made: Markup): string {
  return made[MARKUP];
}

function render(part: Part): string {
  if (part === null) return '';
  if (typeof part === 'string') return escape(part);
  if (typeof part === 'number') return String(part);
  return MARKUP in part ? part[MARKUP] : part.map(toText).join('');
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escape(text: string): string {
  return toVisible(text).replace(/[&<>"']/g, (mark) => ENTITIES[mark] ?? '');
}
