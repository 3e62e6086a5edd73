import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findOwnSettings } from './own-settings.ts';

let root: string;
let home: string;
beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'own-settings-')));
  home = join(root, 'home');
  for (const name of ['project', '.config/git', '.config/editor', '.ssh', 'dotfiles'])
    mkdirSync(join(home, name), { recursive: true });
  writeFileSync(join(home, 'dotfiles/gitconfig'), '');
  symlinkSync('dotfiles/gitconfig', join(home, '.gitconfig'));
  symlinkSync(home, join(root, 'link'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

it.each(['/', '..', '', '.config', '.config/git', '.ssh', 'dotfiles', '../link'])(
  'finds the settings of the user in a workspace at %s of the home',
  (name) => {
    const workspace = name === '/' ? '/' : join(home, name);
    expect(findOwnSettings(workspace, { HOME: home })).toContain(workspace);
  },
);

it.each(['project', '.config/editor'])('finds none in a workspace at %s of the home', (name) => {
  expect(findOwnSettings(join(home, name), { HOME: home })).toBe(undefined);
});

it('finds settings of git that the environment names', () => {
  const workspace = join(home, 'project');
  expect(findOwnSettings(workspace, { HOME: home, GIT_CONFIG_GLOBAL: join(workspace, 'git.conf') })).toBeDefined();
  expect(findOwnSettings(workspace, { HOME: home, XDG_CONFIG_HOME: join(workspace, 'config') })).toBeDefined();
});

it('finds settings that are not there yet, behind a link that leads into the workspace', () => {
  const other = join(root, 'other-home');
  const workspace = join(root, 'shared');
  mkdirSync(join(workspace, 'config'), { recursive: true });
  mkdirSync(other);
  symlinkSync(join(workspace, 'config'), join(other, '.config'));
  expect(findOwnSettings(workspace, { HOME: other })).toContain(join(other, '.config/git'));
  rmSync(join(other, '.config'));
  symlinkSync('later', join(other, '.gitconfig'));
  symlinkSync(join(workspace, 'gitconfig'), join(other, 'later'));
  expect(findOwnSettings(workspace, { HOME: other })).toContain(join(other, '.gitconfig'));
});

it('is not held up by a link that leads to itself', () => {
  const other = mkdtempSync(join(root, 'home-'));
  symlinkSync('.gitconfig', join(other, '.gitconfig'));
  expect(findOwnSettings(join(root, 'shared'), { HOME: other })).toBe(undefined);
});
