/** The prompt that a person types: a text of several lines with a cursor, and the prompts of earlier. Pure. */

export interface Draft {
  text: string;
  /** Offset of the cursor in UTF-16 code units; never inside a character. */
  at: number;
}

/** A key by name, or the text that was typed. */
export interface Key {
  name:
    | 'text'
    | 'enter'
    | 'newline'
    | 'escape'
    | 'tab'
    | 'up'
    | 'down'
    | 'left'
    | 'right'
    | 'wordLeft'
    | 'wordRight'
    | 'home'
    | 'end'
    | 'backspace'
    | 'delete'
    | 'deleteWord'
    | 'deleteBefore'
    | 'deleteAfter'
    | 'takeBack'
    | 'interrupt'
    | 'endOfInput';
  /** What was typed; empty for other keys. */
  text: string;
}

export const EMPTY: Draft = { text: '', at: 0 };

export function draftOf(text: string): Draft {
  return { text, at: text.length };
}

export function insert({ text, at }: Draft, added: string): Draft {
  return { text: text.slice(0, at) + added + text.slice(at), at: at + added.length };
}

/** Line feeds for every kind of line end. */
export function toPlainLines(pasted: string): string {
  return pasted.replace(/\r\n?/g, '\n');
}

/** The draft after a key that moves or deletes; undefined for other keys. */
export function edit(draft: Draft, key: Key): Draft | undefined {
  const { text, at } = draft;
  switch (key.name) {
    case 'text':
      return insert(draft, toPlainLines(key.text));
    case 'newline':
      return insert(draft, '\n');
    case 'left':
      return { text, at: before(draft) };
    case 'right':
      return { text, at: after(draft) };
    case 'wordLeft':
      return { text, at: wordBefore(draft) };
    case 'wordRight':
      return { text, at: at + (/^\s*\S+/.exec(text.slice(at))?.[0].length ?? text.length - at) };
    case 'home':
      return { text, at: lineStart(draft) };
    case 'end':
      return { text, at: lineEnd(draft) };
    case 'backspace':
      return cut(text, before(draft), at);
    case 'delete':
      return cut(text, at, after(draft));
    case 'deleteWord':
      return cut(text, wordBefore(draft), at);
    case 'deleteBefore':
      return cut(text, lineStart(draft), at);
    case 'deleteAfter':
      return cut(text, at, lineEnd(draft));
    case 'up':
    case 'down':
      return moveLine(draft, key.name);
    case 'enter':
    case 'escape':
    case 'tab':
    case 'takeBack':
    case 'interrupt':
    case 'endOfInput':
      return undefined;
  }
}

function cut(text: string, from: number, to: number): Draft {
  return { text: text.slice(0, from) + text.slice(to), at: from };
}

const segments = new Intl.Segmenter('en', { granularity: 'grapheme' });
/** Longer than the code units of any character that a person types. */
const NEAR = 64;

function before({ text, at }: Draft): number {
  const from = Math.max(0, at - NEAR);
  const last = [...segments.segment(text.slice(from, at))].at(-1);
  return last === undefined ? 0 : from + last.index;
}

function after({ text, at }: Draft): number {
  const [first] = segments.segment(text.slice(at, at + NEAR));
  return at + (first?.segment.length ?? 0);
}

function wordBefore({ text, at }: Draft): number {
  const from = Math.max(0, at - 10_000);
  return at - (/\S*\s*$/.exec(text.slice(from, at))?.[0].length ?? 0);
}

function lineStart({ text, at }: Draft): number {
  return text.lastIndexOf('\n', at - 1) + 1;
}

function lineEnd({ text, at }: Draft): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end;
}

/** Undefined if there is no such line: the key then means something else. */
function moveLine(draft: Draft, key: 'up' | 'down'): Draft | undefined {
  const { text, at } = draft;
  const start = lineStart(draft);
  const column = at - start;
  if (key === 'up') {
    if (start === 0) return undefined;
    const above = lineStart({ text, at: start - 1 });
    return { text, at: Math.min(above + column, start - 1) };
  }
  const end = lineEnd(draft);
  if (end === text.length) return undefined;
  return { text, at: Math.min(end + 1 + column, lineEnd({ text, at: end + 1 })) };
}

/** Earlier prompts, newest last. */
export interface Recall {
  prompts: readonly string[];
  /** The one that is shown; `prompts.length` for none. */
  at: number;
  /** What was typed before the first one was shown. */
  typed: string;
}

export function recallOf(prompts: readonly string[]): Recall {
  return { prompts, at: prompts.length, typed: '' };
}

/** The prompt before or after the shown one; undefined at the end. */
export function recall(given: Recall, draft: Draft, key: 'up' | 'down'): { recall: Recall; draft: Draft } | undefined {
  const { prompts, at } = given;
  const next = key === 'up' ? at - 1 : at + 1;
  if (next < 0 || next > prompts.length) return undefined;
  const typed = at === prompts.length ? draft.text : given.typed;
  return { recall: { prompts, at: next, typed }, draft: draftOf(prompts[next] ?? typed) };
}

const MAX_PROMPTS = 500;

export function addPrompt({ prompts }: Recall, prompt: string): Recall {
  const others = prompts.filter((one) => one !== prompt);
  return recallOf([...others, prompt].slice(-MAX_PROMPTS));
}
