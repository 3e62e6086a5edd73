import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dataLayout } from '../../../folders/folders.ts';
import { readPrompts, writePrompts } from './prompt-file.ts';

let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'bobbin-prompts-')), 'data');
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true }));

describe('the prompts of earlier chats', () => {
  it('are private, and those of several chats come together', () => {
    expect(readPrompts(folder)).toEqual([]);
    writePrompts(folder, ['one', 'two']);
    writePrompts(folder, ['two', 'three']);
    expect(readPrompts(folder)).toEqual(['one', 'two', 'three']);
    expect(statSync(dataLayout(folder).prompts).mode & 0o777).toBe(0o600);
  });

  it('are bounded, in number and in size', () => {
    writePrompts(folder, ['x'.repeat(5_000), ...Array.from({ length: 600 }, (_, n) => `prompt ${n}`)]);
    expect(readPrompts(folder)).toHaveLength(500);
    expect(readPrompts(folder).at(-1)).toBe('prompt 599');
  });

  it.each(['', 'no JSON', '{}', '[1, "kept", null]'])('of a damaged file are what can be read: %s', (content) => {
    writePrompts(folder, []);
    writeFileSync(dataLayout(folder).prompts, content);
    expect(readPrompts(folder)).toEqual(content.includes('kept') ? ['kept'] : []);
  });
});
