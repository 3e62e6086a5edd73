import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { completeDraft } from './complete.ts';
import { draftOf } from './editor.ts';

let folder: string;
beforeAll(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'bobbin-complete-')), 'workspace');
  for (const name of ['.git', 'src/deep']) mkdirSync(join(folder, name), { recursive: true });
  for (const name of ['README.md', 'src/one.ts', 'src/other.ts', 'with space', '../outside'])
    writeFileSync(join(folder, name), '');
});
afterAll(() => rmSync(join(folder, '..'), { recursive: true }));

const words = async (text: string) => (await completeDraft(draftOf(text), folder))?.words ?? [];

describe('completion', () => {
  it('offers commands at the beginning only', async () => {
    expect(await words('/re')).toEqual(['/redo', '/review', '/resume']);
    expect(await words('see /re')).toEqual([]);
    expect(await words('/review ')).toEqual([]);
  });

  it('offers the names of files and folders after an @', async () => {
    expect(await words('@')).toEqual(['README.md', 'src/']);
    expect(await words('read @src/o')).toEqual(['src/one.ts', 'src/other.ts']);
    expect(await words('read @src/')).toEqual(['src/deep/', 'src/one.ts', 'src/other.ts']);
    expect(await completeDraft(draftOf('read @src/on'), folder)).toEqual({ words: ['src/one.ts'], from: 6, to: 12 });
    expect(await words('mail me@READ')).toEqual([]);
  });

  it('offers nothing outside of the workspace, or of one that is elsewhere', async () => {
    for (const path of ['@../', '@src/../../', '@/etc/', '@../out']) expect(await words(path)).toEqual([]);
    expect(await completeDraft(draftOf('@'), '/no/such/folder')).toBeNull();
  });
});
