import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, symlinkSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { removeTree } from '../../files/remove-tree.ts';
import { createCommandRunner } from '../command-runner.ts';
import { openScratch, removeScratch, removeUnusedScratch } from './scratch.ts';

let state = '';
const log: string[] = [];
const left = () => readdirSync(join(state, 'sandboxes'));

beforeEach(() => {
  state = realpathSync(mkdtempSync(join(tmpdir(), 'scratch-')));
  log.length = 0;
});
afterEach(() => removeTree(state));

it('goes with its thread, or after a month without a command', async () => {
  for (const thread of ['closed', 'unused', 'used']) openScratch(state, thread, '/workspace');
  await removeScratch(state, 'closed');
  expect(left()).toHaveLength(2);
  const { tmp } = openScratch(state, 'unused', '/workspace');
  utimesSync(join(tmp, '../..'), 1, 1);
  await removeUnusedScratch(state, (line) => log.push(line));
  expect([left().length, existsSync(tmp), log]).toEqual([1, false, []]);
});

it('that could not be removed is tried again, whatever its age', async () => {
  mkdirSync(join(state, 'sandboxes/0a1b.c0ffee.leaving/tmp'), { recursive: true });
  await removeUnusedScratch(state, (line) => log.push(line));
  expect([left(), log]).toEqual([[], []]);
});

it('never stops a worker from starting', () => {
  mkdirSync(join(state, 'sandboxes'));
  symlinkSync('nowhere', join(state, 'sandboxes/dangling'));
  createCommandRunner({ stateDirectory: state });
});
