/** A state in one word. */
import type { ComponentChildren } from 'preact';

export type Tone = 'plain' | 'live' | 'good' | 'bad' | 'warn';

export function Chip({ tone = 'plain', children }: { tone?: Tone | undefined; children: ComponentChildren }) {
  return <span class={`chip ${tone}`}>{children}</span>;
}
