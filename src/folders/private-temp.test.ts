import { existsSync, mkdtempSync, mkdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makePrivateTemp, removeLeftTemps } from './private-temp.ts';

let data: string;
const before = process.env['BOBBIN_DATA_DIR'];
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'bobbin-temps-'));
  process.env['BOBBIN_DATA_DIR'] = data;
});
afterEach(() => {
  if (before === undefined) delete process.env['BOBBIN_DATA_DIR'];
  else process.env['BOBBIN_DATA_DIR'] = before;
  rmSync(data, { recursive: true, force: true });
});

it('makes folders in the data folder, for this user alone', async () => {
  const made = await makePrivateTemp('git-');
  expect(dirname(made)).toBe(join(data, 'tmp'));
  expect(basename(made)).toMatch(/^git-/);
  expect(statSync(dirname(made)).mode & 0o777).toBe(0o700);
});

it('removes what was left a day ago, and nothing that is newer', async () => {
  const [left, inUse] = [await makePrivateTemp('git-'), await makePrivateTemp('git-')];
  mkdirSync(join(left, 'full'));
  const yesterday = new Date(Date.now() - 25 * 60 * 60 * 1000);
  utimesSync(left, yesterday, yesterday);
  removeLeftTemps(data);
  expect([existsSync(left), existsSync(inUse)]).toEqual([false, true]);
  rmSync(join(data, 'tmp'), { recursive: true });
  removeLeftTemps(data);
});
