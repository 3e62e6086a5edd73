import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { mountByPath } from './mount-sources.ts';
import { type Mount, toMountArguments } from './mounts.ts';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'mounts-')));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const write = (path: string): Mount => ({ path, how: 'write' });
const read = (path: string): Mount => ({ path, how: 'read' });
const empty = (path: string): Mount => ({ path, how: 'empty' });
const lines = (...mounts: Mount[]): string[] =>
  toMountArguments(mounts, mountByPath)
    .join(' ')
    .split(/ (?=--)/);

it('mounts a folder before what lies in it, whatever their order', () => {
  expect(lines(read('/a/b'), write('/a'), write('/a-b'))).toEqual([
    '--bind /a /a',
    '--ro-bind /a/b /a/b',
    '--bind /a-b /a-b',
  ]);
});

it('takes the later of two mounts on one path', () => {
  expect(lines(empty('/a'), write('/a'))).toEqual(['--bind /a /a']);
});

it('makes a mount of every folder on the way, so that none can be moved', () => {
  expect(lines(write('/a'), read('/a/b/c/d'), read('/a/b/e'))).toEqual([
    ...['--bind /a /a', '--bind /a/b /a/b', '--bind /a/b/c /a/b/c', '--ro-bind /a/b/c/d /a/b/c/d'],
    '--ro-bind /a/b/e /a/b/e',
  ]);
});

it('shows a workspace in a folder that is hidden, and hides nothing twice', () => {
  expect(lines(empty('/data'), empty('/data/keys'), write('/data/work'))).toEqual([
    ...['--tmpfs /data', '--bind /data/work /data/work', '--remount-ro /data'],
  ]);
});

it('leads to a workspace below the private folder by folders of its own', () => {
  const from = join(root, 'tmp');
  mkdirSync(from);
  const scratch: Mount = { path: '/tmp', how: 'scratch', from };
  expect(lines(scratch, write('/tmp/x/work'))).toEqual([
    ...[`--bind ${from} /tmp`, '--tmpfs /tmp/x', '--bind /tmp/x/work /tmp/x/work', '--remount-ro /tmp/x'],
  ]);
  expect(lines(scratch, write('/tmp/work'))).toEqual([`--bind ${from} /tmp`, '--bind /tmp/work /tmp/work']);
});

it('mounts nothing that is as it should be already', () => {
  expect(toMountArguments([read('/a'), write('/b'), write('/b/c')], mountByPath)).toEqual(['--bind', '/b', '/b']);
});
