/**
 * Files that programs of the worker read as the user's settings, and whose commands they run: git and ssh read
 * `~/.gitconfig` and `~/.ssh/config`, shells `~/.bashrc`. No command may write to them, so no writable workspace may
 * contain them.
 */
import { homedir, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { isInside } from './folders.ts';
import { followLinks } from './real-path.ts';

type Environment = Record<string, string | undefined>;

const IN_A_HOME = ['.gitconfig', '.config/git', '.config/git/config', '.ssh', '.ssh/config'];

/**
 * Why commands must not write in a workspace, for the person; undefined if they may.
 * @param workspace absolute.
 */
export function findOwnSettings(workspace: string, env: Environment = process.env): string | undefined {
  const folder = followLinks(workspace);
  const homes = homesOf(env);
  const named = [env['XDG_CONFIG_HOME'], env['GIT_CONFIG_GLOBAL']].filter(isPath);
  const git = named.flatMap((path) => [path, join(path, 'git'), join(path, 'git/config')]);
  const settings = [...homes, ...homes.flatMap((home) => IN_A_HOME.map((name) => join(home, name))), ...git];
  const held = settings.find((path) => isInside(path, folder) || isInside(followLinks(path), folder));
  if (held === undefined) return undefined;
  const what = homes.includes(held) ? 'the home folder' : 'a file or folder of settings';
  return (
    `The workspace ${workspace} holds ${held}, ${what} of the user that runs Bobbin, and what a command writes there runs ` +
    'outside of its sandbox later. Work in a subfolder, or in mode read-only, or danger-full-access without a sandbox.'
  );
}

/** The home folders of this user: a process may have another HOME than its account. */
export function homesOf(env: Environment): string[] {
  return [env['HOME'], homedir(), accountHome()].filter(isPath);
}

function isPath(path: string | undefined): path is string {
  return path !== undefined && isAbsolute(path);
}

function accountHome(): string | undefined {
  try {
    return userInfo().homedir;
  } catch {
    return undefined;
  }
}
