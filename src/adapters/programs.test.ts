import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { findProgram, toSearchPath } from './programs.ts';

const base = realpathSync(mkdtempSync(join(tmpdir(), 'programs-')));
afterAll(() => rmSync(base, { recursive: true, force: true }));

let root: string;
let workspace: string;
beforeEach(() => {
  root = mkdtempSync(join(base, 'machine-'));
  workspace = join(root, 'workspace');
  mkdirSync(workspace);
});

function program(...way: string[]): string {
  const path = join(root, ...way);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, '#!/bin/sh\n', { mode: 0o755 });
  return path;
}

function link(target: string, ...way: string[]): string {
  const path = join(root, ...way);
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path);
  return path;
}

const find = (entries: string[]) => findProgram('tool', [workspace], { PATH: entries.join(delimiter) });
const below = (...names: string[]) => names.map((name) => join(root, name));

it('finds the first program of the name on PATH, by its absolute path', () => {
  const [first] = [program('one', 'tool'), program('two', 'tool')];
  expect(find(below('empty', 'one', 'two'))).toBe(first);
});

it('takes no program from a workspace, a node_modules or a relative entry', () => {
  program('workspace', 'bin', 'tool');
  program('node_modules', '.bin', 'tool');
  const sound = program('bin', 'tool');
  expect(find([...below('workspace/bin', 'node_modules/.bin'), 'bin', '.', '', ...below('bin')])).toBe(sound);
  expect(find(below('workspace/bin', 'node_modules/.bin'))).toBe(undefined);
});

it.each([
  ['leads into a workspace', () => link(program('workspace', 'tool'), 'links', 'tool')],
  ['leads through a workspace', () => link(link(program('elsewhere', 'tool'), 'workspace', 'hop'), 'links', 'tool')],
  ['lies in a folder that is really a workspace', () => (program('workspace', 'tool'), link(workspace, 'links'))],
])('takes no program that %s', (_, plant) => {
  plant();
  const sound = program('bin', 'tool');
  expect(find(below('links', 'bin'))).toBe(sound);
});

it('takes no program from a workspace that is named by a symbolic link', () => {
  program('workspace', 'bin', 'tool');
  const alias = link(workspace, 'alias');
  expect(findProgram('tool', [alias], { PATH: join(workspace, 'bin') })).toBe(undefined);
  expect(findProgram('tool', [workspace], { PATH: join(alias, 'bin') })).toBe(undefined);
});

it('keeps the name of a program that goes by many names', () => {
  program('lib', 'node_modules', 'npm', 'many');
  const called = link('../lib/node_modules/npm/many', 'bin', 'tool');
  expect(find(below('bin'))).toBe(called);
});

it('does not change its mind when another program turns up', () => {
  const sound = program('bin', 'tool');
  expect(find(below('local', 'bin'))).toBe(sound);
  program('local', 'tool');
  expect(find(below('local', 'bin'))).toBe(sound);
});

it('looks again for what was missing', () => {
  expect(find(below('bin'))).toBe(undefined);
  const sound = program('bin', 'tool');
  expect(find(below('bin'))).toBe(sound);
});

it('passes over what cannot be run and links that go in circles', () => {
  chmodSync(program('plain', 'tool'), 0o644);
  mkdirSync(join(root, 'folder', 'tool'), { recursive: true });
  link('tool', 'circle', 'tool');
  expect(find(below('plain', 'folder', 'circle'))).toBe(undefined);
});

it('gives a search path without what a workspace can fill', () => {
  const entries = [...below('workspace/bin', 'x/node_modules/.bin'), 'relative', '', ...below('bin')];
  expect(toSearchPath([workspace], { PATH: entries.join(delimiter) })).toBe(join(root, 'bin'));
});
