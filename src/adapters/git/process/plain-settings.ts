/**
 * The few settings of a repository that define how its files are read, and run nothing. They are extracted from its
 * configuration as text; everything else in it, including other files that it names, is ignored.
 */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { runGit } from './git-process.ts';
import { type RepositoryPlace, readSmallFile } from '../repository/repository-place.ts';

const PLAIN = '^core\\.(autocrlf|eol|filemode|symlinks|ignorecase|trustctime)$';
const OWN = '^core\\.(autocrlf|eol|filemode|symlinks|ignorecase|trustctime|excludesfile)$';
/** Whether a configuration may set one of them to another value than git's default; otherwise no process is needed. */
const UNUSUAL = /\b(autocrlf|eol|symlinks|ignorecase|trustctime)\b|filemode\s*(?!=\s*true\b|\s)/i;
const TRACKS = /\[branch\b/i;
const TRACKING = '^(branch\\..*\\.(remote|merge)|remote\\..*\\.fetch)$';
const DEADLINE_MS = 10_000;
const OWN_PLACES = ['HOME', 'XDG_CONFIG_HOME', 'GIT_CONFIG_GLOBAL', 'GIT_CONFIG_SYSTEM'];
const OWN_MS = 10_000;

type Setting = [key: string, value: string];

/**
 * For `-c`: line endings and the like, from the repository before the operator, and the operator's own file of ignored
 * names.
 * @param folder absolute; in no repository.
 */
export async function readPlainSettings(
  place: RepositoryPlace,
  folder: string,
  signal: AbortSignal,
): Promise<string[]> {
  const [theirs, ours] = await Promise.all([
    readFrom(configOf(place, UNUSUAL), PLAIN, folder, signal),
    readOwn(folder, signal),
  ]);
  const [, ignored] = ours.findLast(([key]) => key === 'core.excludesfile') ?? [];
  const plain = ours.filter(([key]) => key !== 'core.excludesfile');
  const words = [...plain, ...theirs].filter(([, value]) => /^[a-z0-9]*$/i.test(value));
  return toOptions([...words, ['core.excludesFile', toExcludesFile(ignored)]]);
}

let own: { of: string; until: number; settings: Setting[] } | undefined;

/** The operator's own, which every turn needs: read again after a while. */
async function readOwn(folder: string, signal: AbortSignal): Promise<Setting[]> {
  const of = JSON.stringify(OWN_PLACES.map((name) => process.env[name]));
  if (own?.of === of && Date.now() < own.until) return own.settings;
  const settings = await readFrom([], OWN, folder, signal);
  own = { of, until: Date.now() + OWN_MS, settings };
  return settings;
}

function toExcludesFile(named: string | undefined): string {
  const home = process.env['HOME'] ?? homedir();
  if (named === undefined) return join(process.env['XDG_CONFIG_HOME'] || join(home, '.config'), 'git', 'ignore');
  const path = named.replace(/^~(?=\/)/, home);
  return isAbsolute(path) ? path : '/dev/null';
}

/** For `-c`: the settings that `branch@{upstream}` depends on; empty for a branch without one. */
export async function upstreamSettings(
  place: RepositoryPlace,
  branch: string,
  folder: string,
  signal: AbortSignal,
): Promise<string[]> {
  // A name with this character cannot be part of an option.
  if (branch.includes('=')) return [];
  const all = await readFrom(configOf(place, TRACKS), TRACKING, folder, signal);
  const own = all.filter(([key]) => key === `branch.${branch}.remote` || key === `branch.${branch}.merge`);
  if (own.length === 0) return [];
  const remotes = own.map(([, value]) => `remote.${value}.fetch`);
  return toOptions([...own, ...all.filter(([key]) => remotes.includes(key) && !key.includes('='))]);
}

/** Null for one without such words, and for a path that is not a file: reading a pipe could take forever. */
function configOf({ commonDir }: RepositoryPlace, words: RegExp): string[] | null {
  const path = join(commonDir, 'config');
  return words.test(readSmallFile(path) ?? '') ? ['--file', path, '--no-includes'] : null;
}

/** @param where empty for the operator's own configuration. */
async function readFrom(
  where: string[] | null,
  pattern: string,
  folder: string,
  signal: AbortSignal,
): Promise<Setting[]> {
  if (where === null) return [];
  const call = { cwd: folder, signal, answers: [0, 1, 3, 128], deadlineMs: DEADLINE_MS };
  const { stdout } = await runGit(['config', ...where, '-z', '--get-regexp', pattern], call);
  const entries = stdout.toString().split('\0').filter(Boolean);
  return entries.map((entry): Setting => {
    const [key = '', ...value] = entry.split('\n');
    return [key, value.length === 0 ? 'true' : value.join('\n')];
  });
}

function toOptions(settings: readonly Setting[]): string[] {
  return settings.flatMap(([key, value]) => ['-c', `${key}=${value}`]);
}
