import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editText } from './edit-lines.ts';
import { parsePatch, type PatchHunk } from './patch-grammar.ts';

function toHunks(...lines: string[]): PatchHunk[] {
  const parsed = parsePatch(['*** Begin Patch', '*** Update File: a', ...lines, '*** End Patch'].join('\n'));
  if (!parsed.ok || parsed.files[0]?.type !== 'update') throw new Error(JSON.stringify(parsed));
  return parsed.files[0].hunks;
}

function edit(text: string, ...lines: string[]): string {
  const result = editText(text, toHunks(...lines));
  return result.type === 'edited' ? result.text : result.type;
}

/** The result of a retry after a lost attempt. */
function editAgain(text: string, ...lines: string[]): string {
  const result = editText(text, toHunks(...lines), { retried: true });
  return result.type === 'edited' ? result.text : result.type;
}

describe('hunks on a text', () => {
  it('replace, insert and remove lines', () => {
    expect(edit('a\nb\nc\n', ' a', '-b', '+B', ' c')).toBe('a\nB\nc\n');
    expect(edit('a\nb\nc\nd\n', '@@', ' a', '+a2', ' b', '@@', '-d')).toBe('a\na2\nb\nc\n');
  });

  it('look for their place after the lines of their headers', () => {
    const text = 'class A\n  f()\n    x\nclass B\n  f()\n    x\n';
    expect(edit(text, '@@ class B', '@@   f()', '-    x', '+    y')).toBe(
      'class A\n  f()\n    x\nclass B\n  f()\n    y\n',
    );
    expect(edit(text, '@@ class C', '-    x')).toBe('misfit');
  });

  it('add below the line that their header names, and not at the end of the file', () => {
    const text = 'class A:\n  a = 1\nclass B:\n  b = 1\n';
    expect(edit(text, '@@ class A:', '+  c = 1')).toBe('class A:\n  c = 1\n  a = 1\nclass B:\n  b = 1\n');
    expect(edit(text, '@@ class A:', '@@   a = 1', '+  c = 1')).toBe('class A:\n  a = 1\n  c = 1\nclass B:\n  b = 1\n');
    expect(edit(text, '@@ class A:', '+  c = 1', '@@ class B:', '+  c = 1')).toBe(
      'class A:\n  c = 1\n  a = 1\nclass B:\n  c = 1\n  b = 1\n',
    );
    expect(edit(text, '@@ class C:', '+  c = 1')).toBe('misfit');
    expect(edit(text, '@@ class A:', '+# end', '*** End of File')).toBe(`${text}# end\n`);
  });

  it('insert a line that equals the next one or the one before', () => {
    expect(edit('a\nb\n', ' a', '+b')).toBe('a\nb\nb\n');
    expect(edit('a\nb\n', '+a', ' b')).toBe('a\na\nb\n');
    expect(edit('a\n', '+a')).toBe('a\na\n');
    expect(edit('a\nb\n', '@@ a', '+b')).toBe('a\nb\nb\n');
    expect(edit('a\nb\nc\n', ' a', '+b', ' b', ' c')).toBe('a\nb\nb\nc\n');
  });

  it('apply where their result stands somewhere else', () => {
    expect(edit('new\nold\n', '-old', '+new')).toBe('new\nnew\n');
    expect(edit('a\nc\n', ' a', '-b', ' c')).toBe('misfit');
  });

  it('add at the end, not at the top, where an empty line after the addition is not in the file', () => {
    expect(edit('a\nb\n', '+c', ' ')).toBe('a\nb\nc\n');
  });

  it('do not bring a line back that another hunk removes', () => {
    expect(edit('a\n\n', ' a', '-', '@@', '+b')).toBe('a\nb\n');
  });

  it('look for their place at the end where they say so', () => {
    expect(edit('x\ny\nx\n', '-x', '+z', '*** End of File')).toBe('x\ny\nz\n');
    expect(edit('x\ny\n', '-x', '+z', '*** End of File')).toBe('misfit');
  });

  it('add at the end where they only add, and before an empty last line', () => {
    expect(edit('a\n', '+b')).toBe('a\nb\n');
    expect(edit('a\n\n', '+b')).toBe('a\nb\n\n');
    expect(edit('', '+b')).toBe('b\n');
  });

  it('keep the white space of the file where they were found without it', () => {
    expect(edit('\tif (a) {  \n\t\tb;\n\t}\n', ' if (a) {', '-b;', '+\t\tc;', ' }')).toBe(
      '\tif (a) {  \n\t\tc;\n\t}\n',
    );
  });

  it('find typographic characters written in ASCII', () => {
    expect(edit('it’s – “so”\nold\n', ' it\'s - "so"', '-old', '+new')).toBe('it’s – “so”\nnew\n');
  });

  it('keep Windows line ends, also in a file that has both', () => {
    expect(edit('a\r\nb\r\nc\r\n', ' a', '-b', '+B', '+B2')).toBe('a\r\nB\r\nB2\r\nc\r\n');
    expect(edit('a\r\nb\nc\r\n', '-c', '+C')).toBe('a\r\nb\nC\r\n');
  });

  it('leave a missing last line end as it is unless the end of the file changes', () => {
    expect(edit('a\nb\nc', '-a', '+A')).toBe('A\nb\nc');
    expect(edit('a\nb\nc', ' c', '+d')).toBe('a\nb\nc\nd\n');
    expect(edit('a\nb', '-b', '+B')).toBe('a\nB\n');
  });

  it('keep a byte order mark', () => {
    expect(edit('\ufeffa\nb\n', '-a', '+A')).toBe('\ufeffA\nb\n');
  });
});

describe('a hunk that has several places', () => {
  const twice = 'f() {\n  x\n}\ng() {\n  x\n}\n';

  it('is refused unless it says which one it means', () => {
    expect(edit(twice, '-  x', '+  y')).toBe('misfit');
    expect(edit(twice, '@@ g() {', '-  x', '+  y')).toBe('f() {\n  x\n}\ng() {\n  y\n}\n');
    expect(edit(twice, ' g() {', '-  x', '+  y')).toBe('f() {\n  x\n}\ng() {\n  y\n}\n');
    expect(edit(twice, ' f() {', '-  x', '+  y', '@@', '-  x', '+  z')).toBe('f() {\n  y\n}\ng() {\n  z\n}\n');
    expect(edit('x\nx\n', '-x', '+y', '*** End of File')).toBe('x\ny\n');
  });

  it('is one of as many hunks as there are places', () => {
    expect(edit(twice, '-  x', '+  y', '@@', '-  x', '+  z')).toBe('f() {\n  y\n}\ng() {\n  z\n}\n');
    expect(edit(`${twice}  x\n`, '-  x', '+  y', '@@', '-  x', '+  z')).toBe('misfit');
  });

  it('does not compare less strictly than the first place allows', () => {
    expect(edit('  x\nx\n', '-x', '+y')).toBe('  x\ny\n');
  });
});

describe('hunks that a lost try may have applied', () => {
  it.each([
    ['a replacement', 'a\nB\nc\n', [' a', '-b', '+B', ' c']],
    ['an insertion', 'a\nb\nc\n', [' a', '+b', ' c']],
    ['an insertion after a line', 'a\nb\n', [' a', '+b']],
    ['an insertion before a line', 'a\nb\n', ['+a', ' b']],
    ['an addition at the end', 'a\nb\n', ['+b']],
    ['a removal', 'a\nc\n', [' a', '-b', ' c']],
    ['a removal that says nothing else', 'a\nc\n', ['-b']],
    ['several', 'A\nb\nc\nd\n', ['-a', '+A', '@@', ' c', '+d']],
  ])('stand: %s', (_what, text, lines) => {
    expect(editAgain(text, ...lines)).toBe('standing');
  });

  it('do not stand where only one of them does', () => {
    expect(editAgain('A\nx\n', '-a', '+A', '@@', '-c', '+C')).toBe('misfit');
    expect(editAgain('a\nb\nc\n', ' a', '+b', '@@', '-c', '+C')).toBe('a\nb\nb\nC\n');
  });

  it.each([
    ['a line that stands twice is removed', 'b\nb\n', ['-b']],
    ['the old line is there, and the new one too', 'new\nold\n', ['-old', '+new']],
  ])('may or may not stand: %s', (_what, text, lines) => {
    expect(editAgain(text, ...lines)).toBe('uncertain');
  });

  it('stand below the line of their header', () => {
    expect(editAgain('a\nb\nc\n', '@@ a', '+b')).toBe('standing');
    expect(editAgain('a\nc\n', '@@ a', '+b')).toBe('a\nb\nc\n');
  });

  it('do not stand where a line to be removed is still there in another place', () => {
    expect(editAgain('b\na\nx\n', ' a', '-b')).toBe('misfit');
  });
});

/** A text of distinct lines, and an edit of it as kept, removed and added lines. */
const edits = fc
  .array(fc.record({ fate: fc.constantFrom('keep', 'drop', 'add', 'change'), far: fc.boolean() }), {
    minLength: 1,
    maxLength: 40,
  })
  .map((fates) =>
    fates.map((line, index) => ({ ...line, text: `line ${String(index)} {`, other: `added ${String(index)} }` })),
  );

type Fates = typeof edits extends fc.Arbitrary<infer T> ? T : never;

const isKept = (line: Fates[number]): boolean => line.fate === 'keep';

function textBefore(fates: Fates): string[] {
  return fates.filter((line) => line.fate !== 'add').map((line) => line.text);
}

function textAfter(fates: Fates): string[] {
  return fates.flatMap((line) => {
    if (line.fate === 'drop') return [];
    return [isKept(line) ? line.text : line.other];
  });
}

function toHunkLines(fates: Fates): string[] {
  return fates.flatMap((line) => {
    if (line.fate === 'keep') return [` ${line.text}`];
    const removed = line.fate === 'add' ? [] : [`-${line.text}`];
    return line.fate === 'drop' ? removed : [...removed, `+${line.other}`];
  });
}

/** Hunks with one line of context on each side, as a model writes them; several if kept lines lie between. */
function toPatchLines(fates: Fates): string[] {
  const lines: string[] = [];
  fates.forEach((line, index) => {
    const nearChange = [index - 1, index, index + 1].some((at) => fates[at] !== undefined && !isKept(fates[at]));
    const gapBefore = index > 0 && isKept(line) && fates[index - 1] !== undefined && isKept(fates[index - 1]!);
    if (!nearChange) return;
    if (lines.length === 0 || gapBefore) lines.push('@@');
    lines.push(...toHunkLines([line]));
  });
  return lines;
}

describe('any edit', () => {
  for (const end of ['\n', '\r\n']) {
    it(`gives the text it describes, and tried twice gives the same (${JSON.stringify(end)})`, () => {
      fc.assert(
        fc.property(edits, (fates) => {
          fc.pre(fates.some((line) => !isKept(line)) && fates.some(isKept));
          const join = (lines: string[]): string => lines.map((line) => line + end).join('');
          const hunks = toHunks(...toPatchLines(fates));
          expect(editText(join(textBefore(fates)), hunks)).toEqual({ type: 'edited', text: join(textAfter(fates)) });
          expect(editText(join(textAfter(fates)), hunks, { retried: true })).toEqual({ type: 'standing' });
        }),
        { numRuns: 300 },
      );
    });
  }
});
