import { describe, expect, it } from 'vitest';
import { editText } from './edit-lines.ts';
import { describeMisfit } from './misfit-words.ts';
import { parsePatch } from './patch-grammar.ts';

/** What is said of the hunks of a patch that do not fit a text. The first line of a hunk is line 3 of the patch. */
function told(text: string, ...lines: string[]): string[] {
  const parsed = parsePatch(['*** Begin Patch', '*** Update File: a', ...lines, '*** End Patch'].join('\n'));
  if (!parsed.ok || parsed.files[0]?.type !== 'update') throw new Error(JSON.stringify(parsed));
  const edit = editText(text, parsed.files[0].hunks);
  if (edit.type !== 'misfit') throw new Error(edit.type);
  return describeMisfit(text, edit).split('\n');
}

const FILE = 'one\nfunction a() {\n  return 1;\n}\nfunction b() {\n  return 2;\n}\n';

describe('a hunk without a place', () => {
  it('shows the lines that it expects, and those that are nearest, with their numbers', () => {
    expect(told(FILE, ' function b() {', '-  return 3;', '+  return 4;', ' }')).toEqual([
      'the hunk at line 3 of the patch: these lines were not found.',
      'Expected:',
      'function b() {',
      '  return 3;',
      '}',
      'Nearest in the file (> marks what differs):',
      '  4| }',
      '  5| function b() {',
      '> 6|   return 2;',
      '  7| }',
    ]);
  });

  it('shows a line that is like the longest one where none is as expected', () => {
    expect(told(FILE, '-function b(x) {').slice(-2)).toEqual(['> 5| function b() {', '  6|   return 2;']);
    expect(told('first line\nsecond\n', '-first lines', '+x').slice(-2)).toEqual(['> 1| first line', '  2| second']);
    expect(told(FILE, '-something else').at(-1)).toBe('Nothing in the 7 lines of the file is like that. Read it.');
    expect(told('', '-x')).toContain('the hunk at line 3 of the patch: the file is empty.');
  });

  it('says where its lines are if hunks do not have the order of the file', () => {
    const [first] = told(FILE, ' function b() {', '+  // b', '@@', '-  return 1;');
    expect(first).toBe(
      'the hunk at line 5 of the patch: these lines were not found after line 5. They are at line 3. Hunks must have the order of the file.',
    );
    expect(told(FILE, '@@ function b() {', '@@ function a() {', '+x')[0]).toContain('after line 5. It is at line 2.');
  });

  it('shows the end of the file where its lines are expected there', () => {
    expect(told('x\ny\nz\n', '-y', '*** End of File')).toEqual([
      'the hunk at line 3 of the patch: these lines are not at the end of the file.',
      ...['Expected:', 'y', 'The file ends:', '  2| y', '> 3| z'],
    ]);
  });

  it('names the lines that are most like its header', () => {
    expect(told(FILE, '@@ function bb() {', '+x')).toEqual([
      'the hunk at line 3 of the patch: no line "function bb() {" was found. Most like it:',
      '5| function b() {',
      '2| function a() {',
    ]);
    expect(told(FILE, '@@ 1234', '+x')[0]).toContain('was found, nor one like it.');
  });

  it('names its places if there are several', () => {
    expect(told(FILE, '-}', '+};')).toEqual([
      'the hunk at line 3 of the patch: its lines are in the file at 2 places, at lines 4, 7. Give it more lines of context, or name the function or class after @@.',
    ]);
    expect(told('x\n'.repeat(99), '-x')[0]).toContain('at more than 5 places, at lines 1, 2, 3, 4, 5.');
  });

  it('says that a file has line ends that are none here', () => {
    expect(told('a\rb\rc', '-b').at(-1)).toContain('a carriage return alone');
    expect(told('a\r\nb\r\n', '-c').join()).not.toContain('carriage return');
  });

  it('is described within bounds', () => {
    const long = Array.from({ length: 500 }, (_, at) => `${at} ${'x'.repeat(5_000)}\n`).join('');
    const wanted = long.trimEnd().replace('250 x', '250 y').split('\n');
    const rows = told(long, ...wanted.map((line) => `-${line}`));
    expect(rows.join('\n').length).toBeLessThan(8_000);
    expect(rows).toContain('… 486 more');
  });
});
