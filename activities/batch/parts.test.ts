import { describe, expect, it } from 'vitest';
import type { ChangedFile } from '../ports.ts';
import { toPartPrompts } from './part-prompt.ts';
import { pathsOf, toParts } from './parts.ts';

const file = (path: string, bytes = 10, more: Partial<ChangedFile> = {}): ChangedFile => ({
  ...{ path, before: null, kind: 'text', bytes },
  ...more,
});
/** A window of which a part takes a hundred and fifty bytes. */
const WINDOW = 100;

describe('the changes of a target', () => {
  it('are one part where they fit, and are filled into parts in their order where they do not', () => {
    expect(toParts([file('a', 100), file('b', 50)], WINDOW).parts).toHaveLength(1);
    const { parts, leftOut } = toParts([file('a', 100), file('b', 60), file('c', 90), file('d', 1)], WINDOW);
    expect(parts.map((part) => part.map(({ path }) => path))).toEqual([['a'], ['b', 'c'], ['d']]);
    expect(leftOut).toEqual([]);
  });

  it('leave out what cannot be read, and say why', () => {
    const files = [file('a', 151), file('b', 1, { kind: 'binary' }), file('c', 1, { kind: 'submodule' }), file('d')];
    const { parts, leftOut } = toParts(files, WINDOW);
    expect(parts).toEqual([[file('d')]]);
    expect(leftOut.map(({ file: { path }, why }) => [path, why])).toEqual([
      ['a', expect.stringContaining('151 bytes')],
      ['b', 'binary'],
      ['c', 'a submodule'],
    ]);
  });

  it('are looked at by twelve reviews at the most; a small file may still find room in the last of them', () => {
    const files = Array.from({ length: 14 }, (_, index) => file(`f${index}`, 100));
    const { parts, leftOut } = toParts([...files, file('small', 50)], WINDOW);
    expect(parts).toHaveLength(12);
    expect(leftOut.map(({ file: { path } }) => path)).toEqual(['f12', 'f13']);
    expect(pathsOf(parts)).toContain('small');
  });

  it('have the names that renamed files had before, too', () => {
    expect(pathsOf([[file('new', 1, { before: 'old' }), file('x')]])).toEqual(['new', 'old', 'x']);
  });
});

describe('the message of a part', () => {
  const compared = { base: 'b1', head: 'h1', hasHistory: true, isElsewhere: false, instructions: '' };
  const promptOf = (files: ChangedFile[], window = 10_000, more = {}) =>
    toPartPrompts({ ...compared, ...more }, toParts(files, window));

  it('names the commits, and where it is the only one no files behind the command', () => {
    const [prompt = ''] = promptOf([file('a.ts'), file('b.ts')]);
    expect(prompt).toContain('`git diff b1 h1`');
    expect(prompt).toContain('`git log --oneline b1..h1`');
    expect(prompt).toContain('2 files are under review.\n- a.ts\n- b.ts');
  });

  it('names its own files where others have the rest, as a shell takes them', () => {
    const prompts = promptOf([file("it's a file.ts", 100), file('$(x)`y`.ts', 100, { before: '-old' })], WINDOW);
    expect(prompts).toHaveLength(2);
    expect(prompts[0]).toContain("`git diff b1 h1 -- 'it'\\''s a file.ts'`");
    expect(prompts[1]).toContain("`git diff b1 h1 -- -old '$(x)?y?.ts'`");
    expect(prompts[1]).toContain('This is part 2 of 2');
    expect(promptOf([file('a[b].ts', 100), file('c', 100)], WINDOW)[0]).toContain("-- ':(literal)a[b].ts'`");
  });

  it('says what is left out, once', () => {
    const prompts = promptOf([file('a', 100), file('b', 100), file('big', 999)], WINDOW);
    expect(prompts[0]).toContain('1 file is left out.\n- big (999 bytes');
    expect(prompts[1]).not.toContain('left out');
  });

  it('speaks of a tree without files as no commit, and of files elsewhere as such', () => {
    const [prompt = ''] = promptOf([file('a')], 10_000, {
      hasHistory: false,
      isElsewhere: true,
      instructions: ' Mind it. ',
    });
    expect(prompt).toContain('Review all files of commit h1');
    expect(prompt).not.toContain('git log');
    expect(prompt).toContain('`git show h1:PATH`');
    expect(prompt.endsWith('Rules of whoever asks for this review:\n\nMind it.')).toBe(true);
  });

  it('stays short whatever the number of files', () => {
    const files = Array.from({ length: 20_000 }, (_, index) => file(`some/where/file-${index}.ts`, 1));
    const [prompt = ''] = promptOf(files, 1_000_000);
    expect(prompt.length).toBeLessThan(12_000);
    expect(prompt).toMatch(/- and \d+ more/);
  });
});
