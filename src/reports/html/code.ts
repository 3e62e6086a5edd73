/** Lines of a file with their numbers, which a copy leaves out. Marks the lines of the place. */
import type { LedgerFinding } from '../../contract/index.ts';
import { toVisible } from '../foreign-text.ts';
import { type Markup, markup } from './markup.ts';

export function toCodeLines(code: NonNullable<LedgerFinding['code']>, place: LedgerFinding['location']): Markup {
  const lines = toVisible(code.text).replace(/\n$/, '').split('\n');
  const numbered = lines.map((line, index) => toLine(line, code.startLine + index, place));
  return markup`<pre class="code" tabindex="0" dir="ltr"><code>${numbered}</code></pre>`;
}

function toLine(text: string, number: number, place: LedgerFinding['location']): Markup {
  const isHit = place !== null && number >= place.startLine && number <= place.endLine;
  return markup`<span class="line${isHit ? ' hit' : ''}" data-n="${number}">${text}\n</span>`;
}
