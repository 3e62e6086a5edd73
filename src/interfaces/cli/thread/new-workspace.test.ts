import { Command } from 'commander';
import { expect, it } from 'vitest';
import { type WorkspaceOptions, addWorkspaceOptions, toWorkspace, toWorkspaceFlags } from './new-workspace.ts';

const URL = 'https://git.example.com/team/shop.git';

it.each<[string, WorkspaceOptions, object]>([
  ['a folder', { cwd: '/srv/shop' }, { cwd: '/srv/shop' }],
  ['the folder of the command', {}, { cwd: '/here' }],
  ['a folder of a host', { cwd: '/srv/shop', host: 'build-2' }, { cwd: '/srv/shop', host: 'build-2' }],
  ['a repository', { repository: URL }, { repository: URL }],
  [
    'a folder of a repository on a host',
    { repository: URL, ref: 'develop', path: 'web', host: 'build-2' },
    { repository: URL, ref: 'develop', path: 'web', host: 'build-2' },
  ],
])('is %s', (_, options, workspace) => {
  expect(toWorkspace(options, '/here')).toEqual(workspace);
});

it.each<[WorkspaceOptions, string]>([
  [{ host: 'build-2' }, '--host build-2: also name the folder there by its absolute path, with --cwd'],
  [{ host: 'build-2', cwd: 'shop' }, '--host build-2: also name the folder there by its absolute path, with --cwd'],
  [{ ref: 'develop' }, '--ref and --path need --repository'],
  [{ path: 'web', cwd: '/srv/shop' }, '--ref and --path need --repository'],
])('%j is refused', (options, message) => {
  expect(() => toWorkspace(options)).toThrow(message);
});

const commandWith = (old: string[]) =>
  addWorkspaceOptions(new Command().exitOverride().configureOutput({ writeErr: () => undefined }), '.', old)
    .option('--thread <id>')
    .option('--continue');

it.each([
  [['--cwd', '/srv/shop', '--repository', URL], "'--repository <url>' cannot be used with option '--cwd <path>'"],
  [['--thread', 't', '--cwd', '/srv/shop'], "'--cwd <path>' cannot be used with option '--thread <id>'"],
  [['--continue', '--repository', URL], "'--repository <url>' cannot be used with option '--continue'"],
  [['--continue', '--cwd', '/', '--host', 'a'], "'--host <host>' cannot be used with option '--continue'"],
])('%j exclude each other', (args, message) => {
  expect(() => commandWith(['continue']).parse(args, { from: 'user' })).toThrow(message);
});

it('is typed again as words of a shell', () => {
  const options = { repository: URL, ref: "o'clock" };
  expect(toWorkspaceFlags(options)).toEqual(['--repository', URL, '--ref', `'o'\\''clock'`]);
});
