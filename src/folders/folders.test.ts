import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cacheDirectory, dataDirectory, outermost, workspacesDirectory } from './folders.ts';
import { moveFormerWorkspaces } from './former-workspaces.ts';

const HOME = '/home/person';

describe('the data folder', () => {
  it.runIf(process.platform === 'linux')('belongs to the person, wherever a command runs', () => {
    expect(dataDirectory({ HOME })).toBe('/home/person/.local/share/bobbin');
    expect(dataDirectory({ HOME, XDG_DATA_HOME: '/srv/data' })).toBe('/srv/data/bobbin');
    expect(dataDirectory({ HOME, XDG_DATA_HOME: 'relative', BOBBIN_DATA_DIR: '' })).toBe(
      '/home/person/.local/share/bobbin',
    );
  });

  it('is where the person says, an option before the environment', () => {
    const env = { HOME, BOBBIN_DATA_DIR: '~/elsewhere' };
    expect(dataDirectory(env)).toBe('/home/person/elsewhere');
    expect(dataDirectory(env, 'here')).toBe(resolve('here'));
    expect(() => dataDirectory({ HOME, BOBBIN_DATA_DIR: '.bobbin' })).toThrow('must be an absolute path');
  });
});

it('keeps workspaces out of the data folder', () => {
  expect(workspacesDirectory({ HOME }, '/srv/data')).toBe('/srv/data-workspaces');
  expect(workspacesDirectory({ HOME, BOBBIN_WORKSPACES_DIR: '~/trees' }, '/srv/data')).toBe('/home/person/trees');
});

it('keeps what can be obtained again in the cache of the person', () => {
  expect(cacheDirectory({ HOME })).toBe('/home/person/.cache/bobbin');
  expect(cacheDirectory({ HOME, XDG_CACHE_HOME: '/srv/cache' })).toBe('/srv/cache/bobbin');
  expect(cacheDirectory({ HOME, XDG_CACHE_HOME: '/srv/cache', BOBBIN_CACHE: '/a' })).toBe('/a');
});

it('names no folder that lies in another one of the same list', () => {
  expect(outermost(['/a/data', '/a/data/keys', '/a/data', '/a/data-2', '/keys'])).toEqual([
    '/a/data',
    '/a/data-2',
    '/keys',
  ]);
});

describe('workspaces that an earlier release kept in the data folder', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'bobbin-folders-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('are moved out once, and their old paths still lead there', () => {
    const data = join(root, 'data');
    mkdirSync(join(data, 'worktrees', 'fork'), { recursive: true });
    writeFileSync(join(data, 'worktrees', 'fork', 'file'), 'mine');
    for (const _ of [1, 2]) moveFormerWorkspaces(data, join(root, 'trees'));
    expect(readFileSync(join(root, 'trees', 'worktrees', 'fork', 'file'), 'utf8')).toBe('mine');
    expect(readFileSync(join(data, 'worktrees', 'fork', 'file'), 'utf8')).toBe('mine');
    expect(existsSync(join(root, 'trees', 'targets'))).toBe(false);
  });
});
