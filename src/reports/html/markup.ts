/** Builds HTML. Interpolated values are escaped unless they are markup made here. */
import { toVisible } from '../foreign-text.ts';

const MARKUP = Symbol('markup');

/** Only this file can make one: its symbol cannot come out of JSON. */
export interface Markup {
  readonly [MARKUP]: string;
}

/** Null becomes nothing. */
export type Part = string | number | Markup | null | readonly Markup[];

/** For content and attribute values in double quotes, not for styles. */
export function markup(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return { [MARKUP]: strings.map((text, index) => text + render(parts[index] ?? null)).join('') };
}

/** @param text trusted, from this repository */
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
