/**
 * Git in a command that nobody was asked about. If a folder has no `.git`, git takes the folder itself for a repository
 * if it looks like one, before it looks further up: ordinary files of a commit can, with a configuration that names
 * programs.
 */
import { lstatSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Failure } from '../../../activities/failures.ts';
import { runsGit } from '../../contract/plain/safe-commands.ts';
import { repositoryAt } from '../git/repository/repository-place.ts';
import { toRealPath } from './sandbox/mounts.ts';

/** Git since 2.38 then takes no folder for a repository whose name is not `.git`. */
export function withoutBareRepositories(environment: Record<string, string>): Record<string, string> {
  const count = Number(environment['GIT_CONFIG_COUNT'] ?? 0);
  return {
    ...environment,
    GIT_CONFIG_COUNT: String(count + 1),
    [`GIT_CONFIG_KEY_${count}`]: 'safe.bareRepository',
    [`GIT_CONFIG_VALUE_${count}`]: 'explicit',
  };
}

/** For earlier releases of git. Throws if git could take the folder, or one around it, for a repository. */
export function assertNoBareRepository(command: string, cwd: string): void {
  const bare = runsGit(command) ? findBare(cwd) : undefined;
  if (bare === undefined) return;
  const message =
    `The command was not started: git could take ${bare} itself for a repository, and run programs that files in it name. ` +
    `To look at it as one, name it (git --git-dir=${bare}), which a person is asked about.`;
  throw new Failure('commandNotStarted', message, { details: { path: bare } });
}

function findBare(cwd: string): string | undefined {
  for (let folder = toRealPath(cwd); folder !== undefined; folder = dirname(folder)) {
    if (repositoryAt(folder, [], 'index') !== null) return undefined;
    if (looksBare(folder)) return folder;
    if (folder === dirname(folder)) return undefined;
  }
  return undefined;
}

function looksBare(folder: string): boolean {
  const has = (name: string) => lstatSync(join(folder, name), { throwIfNoEntry: false }) !== undefined;
  return has('HEAD') && (has('objects') || has('commondir'));
}
