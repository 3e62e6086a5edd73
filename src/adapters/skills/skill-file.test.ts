import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { SkillFault, parseSkillFile } from './skill-file.ts';

const parse = (text: string | Uint8Array, folder = 'pdf-forms') =>
  parseSkillFile(typeof text === 'string' ? Buffer.from(text) : text, folder);
const withHead = (head: string) => `---\n${head}\n---\nbody`;

describe('SKILL.md', () => {
  it.each([
    ['plain', 'name: pdf-forms\ndescription: Fills PDF forms.', 'Fills PDF forms.'],
    ['quoted', 'name: "pdf-forms"\ndescription: "Fills: forms"', 'Fills: forms'],
    ['folded', 'name: pdf-forms\ndescription: >\n  Fills\n  forms.', 'Fills forms.\n'],
    [
      'with more fields',
      'license: MIT\nname: pdf-forms\nmetadata:\n  version: 1.0\ndescription: x\nallowed-tools: Read',
      'x',
    ],
    ['with a number and a date', 'name: pdf-forms\ndescription: 2026-11-29', '2026-11-29'],
  ])('has a name and a description, %s', (_, head, description) => {
    expect(parse(withHead(head))).toEqual({ name: 'pdf-forms', description, text: withHead(head) });
    expect(parse(withHead(head).replaceAll('\n', '\r\n')).name).toBe('pdf-forms');
    expect(parse(`\ufeff${withHead(head)}`).name).toBe('pdf-forms');
  });

  const bomb = [
    'a: &a [x, x, x, x]',
    ...'bcdefgh'.split('').map((c, n) => `${c}: &${c} [${Array(9).fill(`*${'abcdefg'[n]}`).join(', ')}]`),
  ];

  it.each<[string, string | Uint8Array, RegExp]>([
    ['nothing', '', /must begin with YAML/],
    ['no YAML', '# Title\nname: pdf-forms', /must begin with YAML/],
    ['YAML without an end', '---\nname: pdf-forms\ndescription: x\n', /must begin with YAML/],
    [
      'YAML that is too long',
      withHead(`name: pdf-forms\ndescription: x\n${'# y\n'.repeat(5_000)}`),
      /must begin with YAML/,
    ],
    ['a list', withHead('- name: pdf-forms'), /no name and no description/],
    ['no name', withHead('description: x'), /no text as name/],
    ['no description', withHead('name: pdf-forms'), /no text as description/],
    ['an empty description', withHead('name: pdf-forms\ndescription: ""'), /description is empty/],
    ['blanks as description', withHead('name: pdf-forms\ndescription: "  "'), /description is empty/],
    ['a list as description', withHead('name: pdf-forms\ndescription: [x]'), /no text as description/],
    ['a long description', withHead(`name: pdf-forms\ndescription: ${'x'.repeat(1_025)}`), /has 1025 characters/],
    [
      'a huge description',
      withHead(`name: pdf-forms\ndescription: ${'x'.repeat(1_000_000)}`),
      /more than 262144 bytes/,
    ],
    [
      'the name of another folder',
      withHead('name: other\ndescription: x'),
      /its name is other, and its folder is pdf-forms/,
    ],
    ['capitals', withHead('name: PDF\ndescription: x'), /its name must be lowercase/],
    ['a path as name', withHead('name: ../../etc\ndescription: x'), /its name must be lowercase/],
    ['two names', withHead('name: pdf-forms\nname: other\ndescription: x'), /cannot be read: Map keys must be unique/],
    [
      'a colon that is not quoted',
      withHead('name: pdf-forms\ndescription: Use when: always'),
      /cannot be read: Nested mappings/,
    ],
    ['an alias', withHead('x: &x pdf-forms\nname: *x\ndescription: x'), /no text as name/],
    ['a bomb of aliases', withHead(`${bomb.join('\n')}\nname: pdf-forms\ndescription: *h`), /no text as description/],
    ['nested lists without end', withHead('['.repeat(8_000)), /cannot be read/],
    ['two documents', withHead('name: pdf-forms\ndescription: x\n--- # next\nname: y'), /cannot be read/],
    [
      'bytes that are no text',
      Buffer.concat([Buffer.from(withHead('name: pdf-forms\ndescription: x')), Buffer.from([0xff])]),
      /not UTF-8/,
    ],
  ])('is refused with %s', (_, text, problem) => {
    expect(() => parse(text)).toThrow(SkillFault);
    expect(() => parse(text)).toThrow(problem);
  });
});

test('any text is read or refused with a reason', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (head) => {
      try {
        expect(parse(withHead(head)).name).toBe('pdf-forms');
      } catch (error) {
        expect(error).toBeInstanceOf(SkillFault);
      }
    }),
  );
});
