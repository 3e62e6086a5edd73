/** The keys of a person, from what Ink has read. Pure. */
import type { Key as InkKey } from 'ink';
import type { Key } from './editor.ts';

const CONTROL: Record<string, Key['name']> = {
  c: 'interrupt',
  d: 'endOfInput',
  a: 'home',
  e: 'end',
  b: 'left',
  f: 'right',
  p: 'up',
  n: 'down',
  w: 'deleteWord',
  u: 'deleteBefore',
  k: 'deleteAfter',
  h: 'backspace',
};
const META: Record<string, Key['name']> = { b: 'wordLeft', f: 'wordRight', d: 'deleteAfter', '\r': 'newline' };

/** Several if a terminal without bracketed paste, or a fast typist, sends text and keys at once. */
export function toKeys(input: string, key: InkKey): Key[] {
  const name = nameOf(input, key);
  if (name !== undefined) return [{ name, text: '' }];
  if (key.ctrl || key.meta) return [];
  return split(input);
}

const CONTROL_CHARACTER = /([\0-\x1f])/; // eslint-disable-line no-control-regex
const LETTER_BEFORE_A = 96;

/** Enter only at the beginning or the end: between, it is a line of a paste. */
function split(input: string): Key[] {
  const parts = input.split(CONTROL_CHARACTER).filter((part) => part !== '');
  return parts.flatMap((part, index): Key[] => {
    if (!CONTROL_CHARACTER.test(part)) return [{ name: 'text', text: part }];
    if (part === '\t') return [{ name: 'text', text: '\t' }];
    if (part === '\r' && (index === 0 || index === parts.length - 1)) return [{ name: 'enter', text: '' }];
    if (part === '\r' || part === '\n') return [{ name: 'newline', text: '' }];
    const name = CONTROL[String.fromCharCode(part.charCodeAt(0) + LETTER_BEFORE_A)];
    return name === undefined ? [] : [{ name, text: '' }];
  });
}

function nameOf(input: string, key: InkKey): Key['name'] | undefined {
  if (key.return) return key.meta || key.shift ? 'newline' : 'enter';
  if (key.escape) return 'escape';
  if (key.tab) return 'tab';
  if (key.upArrow) return key.meta ? 'takeBack' : 'up';
  if (key.downArrow) return 'down';
  if (key.leftArrow) return key.ctrl || key.meta ? 'wordLeft' : 'left';
  if (key.rightArrow) return key.ctrl || key.meta ? 'wordRight' : 'right';
  if (key.home) return 'home';
  if (key.end) return 'end';
  if (key.backspace) return key.meta ? 'deleteWord' : 'backspace';
  if (key.delete) return 'delete';
  if (key.ctrl) return CONTROL[input];
  return key.meta ? META[input] : undefined;
}
