/** Selects the messages of the person that a compaction keeps as they are. */

import { headOf, tailOf } from './bounded-text.ts';

/** A rough measure, the same for every model. */
const CHARS_PER_TOKEN = 4;

/** The newest messages with at most that many tokens, oldest first. The one that crosses the limit is cut. */
export function newestMessages(messages: readonly string[], tokens: number): string[] {
  let left = tokens * CHARS_PER_TOKEN;
  const kept: string[] = [];
  for (const message of messages.toReversed()) {
    if (left <= 0) break;
    kept.unshift(message.length <= left ? message : cutInTheMiddle(message, left));
    left -= message.length;
  }
  return kept;
}

/** The beginning and end of a text, together `chars` characters. */
function cutInTheMiddle(text: string, chars: number): string {
  const head = headOf(text, Math.ceil(chars / 2));
  const tail = tailOf(text, Math.floor(chars / 2));
  return `${head}\n… ${text.length - chars} characters were left out\n${tail}`;
}
