import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { boundTargets } from './bound-targets.ts';

const HOUR = 3_600;
let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'bobbin-targets-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function addTarget(name: string, hours: number, bytes: number): void {
  const deep = join(directory, name, '.git', 'objects');
  mkdirSync(deep, { recursive: true });
  writeFileSync(join(deep, 'pack'), Buffer.alloc(bytes));
  const at = Date.now() / 1_000 - hours * HOUR;
  utimesSync(join(directory, name), at, at);
}

it('targets make room, the least recently fetched first, but for those of the last day', async () => {
  addTarget('large-now', 1, 900_000);
  addTarget('large-today', 20, 900_000);
  addTarget('yesterday.git', 30, 200_000);
  await boundTargets(directory, 1_000_000);
  expect(readdirSync(directory).sort()).toEqual(['large-now', 'large-today']);
  // Counted once an hour.
  addTarget('old', 24 * 365, 1);
  await boundTargets(directory, 1_000_000);
  expect(readdirSync(directory)).toContain('old');
});

it('those that were not fetched for a month go, however small they are', async () => {
  addTarget('week', 24 * 7, 10);
  addTarget('month', 24 * 31, 10);
  await boundTargets(directory, 1_000_000);
  expect(readdirSync(directory)).toEqual(['week']);
});
