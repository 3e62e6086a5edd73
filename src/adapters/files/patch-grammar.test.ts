import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { APPLY_PATCH } from '../../contract/plain/tools/apply-patch.ts';
import { parsePatch, type FilePatch } from './patch-grammar.ts';

function parseFiles(...lines: string[]): FilePatch[] {
  const parsed = parsePatch(['*** Begin Patch', ...lines, '*** End Patch'].join('\n'));
  if (!parsed.ok) throw new Error(`line ${String(parsed.line)}: ${parsed.expected}`);
  return parsed.files;
}

describe('a patch', () => {
  it('is taken apart into what it does to each file', () => {
    const files = parseFiles(
      '*** Add File: src/new.ts',
      '+one',
      '+',
      '*** Delete File: old.ts',
      '*** Update File: a.ts',
      '*** Move to: b.ts',
      '@@ class A',
      '@@ method()',
      ' kept',
      '-gone',
      '+come',
      '',
      ' after',
      '*** End of File',
    );
    expect(files).toEqual([
      { type: 'add', path: 'src/new.ts', lines: ['one', ''] },
      { type: 'delete', path: 'old.ts' },
      {
        type: 'update',
        path: 'a.ts',
        movePath: 'b.ts',
        hunks: [
          {
            at: 8,
            context: ['class A', 'method()'],
            lines: [
              { kind: 'kept', text: 'kept' },
              { kind: 'removed', text: 'gone' },
              { kind: 'added', text: 'come' },
              { kind: 'kept', text: '' },
              { kind: 'kept', text: 'after' },
            ],
            endOfFile: true,
          },
        ],
      },
    ]);
  });

  it('may come in a heredoc, with white space around it, and with Windows line ends', () => {
    const plain = '*** Begin Patch\n*** Delete File: a\n*** End Patch';
    const expected = { ok: true, files: [{ type: 'delete', path: 'a' }] };
    expect(parsePatch(plain)).toEqual(expected);
    expect(parsePatch(`\n  ${plain}  \n\n`)).toEqual(expected);
    expect(parsePatch(plain.replaceAll('\n', '\r\n'))).toEqual(expected);
    for (const word of ['EOF', "'EOF'", '"EOF"']) {
      expect(parsePatch(`<<${word}\n${plain}\nEOF\n`)).toEqual(expected);
      expect(parsePatch(`apply_patch <<${word}\n${plain}\nEOF`)).toEqual(expected);
    }
  });

  it('may leave out the first @@, and separate its parts by empty lines', () => {
    const files = parseFiles(
      '*** Update File: a',
      ' x',
      '+y',
      '',
      '*** Update File: b',
      '',
      '@@',
      '-z',
      '',
      '*** Delete File: c',
    );
    expect(
      files.map((file) => (file.type === 'update' ? file.hunks.map((hunk) => hunk.lines.length) : file.path)),
    ).toEqual([[2], [1], 'c']);
  });

  it('may only move a file', () => {
    expect(parseFiles('*** Update File: a', '*** Move to: b')).toEqual([
      { type: 'update', path: 'a', movePath: 'b', hunks: [] },
    ]);
  });

  it('may have the ranges of a unified diff, which say nothing', () => {
    const [file] = parseFiles('*** Update File: a', '@@ -1,2 +1,3 @@ function f()', '-x', '@@ -9 +9 @@', ' y');
    expect(file).toMatchObject({ hunks: [{ context: ['function f()'] }, { context: [] }] });
    expect(parseFiles('*** Update File: a', '@@ -0,0 +1 @@', '+x')).toMatchObject([{ hunks: [{ context: [] }] }]);
  });
});

describe('a text that is no patch', () => {
  it.each([
    ['', 1, "'*** Begin Patch' as the first line"],
    ['hello', 1, "'*** Begin Patch' as the first line"],
    ['*** Begin Patch', 1, "'*** End Patch' as the last line"],
    ['*** Begin Patch\n*** Delete File: a', 2, "'*** End Patch' as the last line"],
    ['*** Begin Patch\n*** End Patch', 2, 'at least one of'],
    ['*** Begin Patch\n*** Rename File: a\n*** End Patch', 2, 'a line that starts with'],
    ['*** Begin Patch\n*** Add File:  \n*** End Patch', 2, 'a path after'],
    ['*** Begin Patch\n*** Add File: a\n+x\ny\n*** End Patch', 4, 'a line that starts with'],
    ['*** Begin Patch\n*** Update File: a\n*** End Patch', 3, 'a hunk for a'],
    ['*** Begin Patch\n*** Update File: a\n@@ f\n*** End Patch', 4, "a line that starts with ' ', '+' or '-'"],
    ['*** Begin Patch\n*** Update File: a\n@@ -9,0 +10 @@ f\n+x\n*** End Patch', 3, 'lines of the file around'],
    ['*** Begin Patch\n*** Update File: a\n@@\n x\nwhat\n*** End Patch', 5, "'@@' at the start of a hunk"],
  ])('is refused with the line and what was expected: %j', (text, line, expected) => {
    expect(parsePatch(text)).toEqual({ ok: false, line, expected: expect.stringContaining(expected) as string });
  });

  it('never makes the parser throw', () => {
    const line = fc.oneof(
      fc.constantFrom(
        '*** Begin Patch',
        '*** End Patch',
        '*** Add File: a',
        '*** Update File: a',
        '*** Move to: b',
        '@@',
        '@@ x',
      ),
      fc.constantFrom(' x', '+x', '-x', '', '*** End of File', '<<EOF', 'EOF', '*** Delete File: a'),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        expect(typeof parsePatch(lines.join('\n')).ok).toBe('boolean');
      }),
    );
  });
});

describe('the grammar that a model is held to', () => {
  const rules = new Map(
    (APPLY_PATCH.freeform?.definition ?? '')
      .trimEnd()
      .split('\n')
      .map((rule): [string, string] => [rule.slice(0, rule.indexOf(':')), rule.slice(rule.indexOf(':') + 2)]),
  );
  /** No rule contains itself, so the grammar is one regular expression. */
  const toPattern = (name: string): string => {
    const rule = rules.get(name) ?? '';
    if (rule.startsWith('/')) return `(?:${rule.slice(1, -1)})`;
    const parts = rule.match(/\w+|\S/g) ?? [];
    return `(?:${parts.map((part) => (/\w/.test(part) ? toPattern(part) : part)).join('')})`;
  };
  const grammar = new RegExp(`^${toPattern('start')}$`);

  /** Hunks of one kept empty line. */
  const EMPTY_LINES = [
    ['*** Update File: a', ' ', '*** Delete File: b'],
    ['*** Update File: a', '*** Move to: b', ' ', '*** End of File', '*** Delete File: c'],
  ];
  it('has only patches that are read here', () => {
    fc.assert(
      fc.property(fc.stringMatching(grammar), (patch) => {
        expect(parsePatch(patch)).toMatchObject({ ok: true });
      }),
      { examples: EMPTY_LINES.map((lines) => [['*** Begin Patch', ...lines, '*** End Patch'].join('\n')]) },
    );
  });

  it.each([
    [
      'all parts',
      ['*** Add File: a b', '+1', '*** Delete File: c', '*** Update File: d', '*** Move to: e', '-x', '+y'],
    ],
    ['an empty file', ['*** Add File: a']],
    ['a move', ['*** Update File: a', '*** Move to: b']],
    ['hunks', ['*** Update File: a', '@@ class A', '@@ f()', ' x', '-y', '@@', '+z', '*** End of File']],
  ])('has a patch with %s', (_what, lines) => {
    expect(['*** Begin Patch', ...lines, '*** End Patch'].join('\n')).toMatch(grammar);
  });

  it.each([
    ['nothing', []],
    ['an update without a change', ['*** Update File: a']],
    ['hunks that are not apart', ['*** Update File: a', '-x', '*** End of File', '+y']],
    ['a line without a sign', ['*** Update File: a', 'x']],
    ['lines of a file that is deleted', ['*** Delete File: a', '-x']],
  ])('has no patch with %s', (_what, lines) => {
    expect(['*** Begin Patch', ...lines, '*** End Patch'].join('\n')).not.toMatch(grammar);
  });
});
