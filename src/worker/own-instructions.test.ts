import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readWorkerConfig } from './config.ts';

let data: string;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'bobbin-own-instructions-'));
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

function read(env: NodeJS.ProcessEnv = {}): string[] {
  return readWorkerConfig({ BOBBIN_DATA_DIR: data, ...env }, 'm').ownInstructions;
}

it('the instructions of the file come before those of the variable', () => {
  expect(read()).toEqual(['', '']);
  writeFileSync(join(data, 'instructions.md'), '\ufeffUse tabs.\n');
  expect(read({ BOBBIN_INSTRUCTIONS: 'Be brief.' })).toEqual(['Use tabs.\n', 'Be brief.']);
});

it.each<[string, () => unknown]>([
  ['too long', () => writeFileSync(join(data, 'instructions.md'), 'x'.repeat(200_000))],
  ['a pipe', () => execFileSync('mkfifo', [join(data, 'instructions.md')])],
])('a file that is %s keeps the worker from starting, by name', (_what, make) => {
  make();
  expect(() => read()).toThrow(join(data, 'instructions.md'));
});

it('a variable that is too long is refused', () => {
  expect(() => read({ BOBBIN_INSTRUCTIONS: 'x'.repeat(200_000) })).toThrow(/BOBBIN_INSTRUCTIONS/);
});
