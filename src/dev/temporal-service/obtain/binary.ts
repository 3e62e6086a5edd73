import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readVersion } from './binary-version.ts';
import type { BinaryVersion } from './binary-version.ts';
import { cacheDirectory } from '../../../folders/folders.ts';
import { isOnlyOurs } from '../../../folders/private-folder.ts';
import { GO_CLI_VERSION, GO_INSTALL_COMMAND, buildWithGo } from './go-install.ts';
import { findOnPath } from './program.ts';
import type { Environment } from './program.ts';
import type { Progress } from './progress.ts';
import { downloadWithSdk } from './sdk-download.ts';
import { TemporalServiceError, reasonOf } from '../run/service-error.ts';
import { readVariable } from '../../../folders/variables.ts';

export type BinarySource = 'BOBBIN_TEMPORAL' | 'PATH' | 'cache' | 'sdk-download' | 'go-install';

/** A `temporal` program that was run and told its version. */
export interface TemporalBinary extends BinaryVersion {
  /** Absolute. */
  path: string;
  source: BinarySource;
}

export interface FindOptions {
  /** See {@link cacheDirectory}. */
  cacheDirectory?: string;
  /** Whether the network and a compiler may be used where nothing is at hand. */
  allowDownload: boolean;
  onProgress?: Progress;
  signal?: AbortSignal;
  /** Defaults to the environment of this process. */
  env?: Environment;
  /** Milliseconds without a byte after which a download is given up; 60,000. */
  stalledAfterMs?: number;
}

/** One way that was tried, and what came of it. */
export interface Attempt {
  way: string;
  problem: string;
}

/**
 * Finds or obtains the program that serves Temporal: the path in `BOBBIN_TEMPORAL`, else `temporal` on PATH, else a copy
 * in the cache, else the Temporal SDK's own download, else `go install`. What was obtained is kept in the cache.
 * Throws a `TemporalServiceError` (`binaryNotFound`) that tells what each way said.
 */
export async function findTemporalBinary(options: FindOptions): Promise<TemporalBinary> {
  const located = await locateTemporalBinary(options);
  if ('binary' in located) return located.binary;
  const obtained = await obtain(options, located.attempts);
  if ('binary' in obtained) return obtained.binary;
  throw notFound(obtained.attempts);
}

type Found = { binary: TemporalBinary } | { attempts: Attempt[] };

/** As {@link findTemporalBinary}, among what is on this machine already. Changes nothing. */
export async function locateTemporalBinary(options: FindOptions): Promise<Found> {
  const env = options.env ?? process.env;
  const explicit = readVariable(env, 'BOBBIN_TEMPORAL');
  if (explicit) return { binary: await requireExplicit(explicit, env, options.signal) };

  const onPath = findOnPath('temporal', env);
  const places: { source: BinarySource; way: string; paths: string[] }[] = [
    { source: 'PATH', way: '`temporal` on PATH', paths: onPath === undefined ? [] : [onPath] },
    { source: 'cache', way: `copy kept in ${cacheOf(options)}`, paths: cachedPaths(options) },
  ];
  const attempts: Attempt[] = [];
  for (const { source, way, paths } of places) {
    const problems: string[] = [];
    for (const path of paths.filter((each) => existsSync(each))) {
      if (source === 'cache' && !isOnlyOurs(path)) {
        problems.push(`${path} is not used: other users of this machine can replace it`);
        continue;
      }
      const version = await readVersion(path, env, options.signal);
      if ('cliVersion' in version) return { binary: { path, source, ...version } };
      problems.push(version.problem);
    }
    attempts.push({ way, problem: problems.join('; ') || 'none' });
  }
  return { attempts };
}

/** A path that somebody wrote down is used or refused, never passed over. */
async function requireExplicit(path: string, env: Environment, signal?: AbortSignal): Promise<TemporalBinary> {
  const version = await readVersion(path, env, signal);
  if ('cliVersion' in version) return { path, source: 'BOBBIN_TEMPORAL', ...version };
  throw new TemporalServiceError(
    'binaryNotFound',
    `BOBBIN_TEMPORAL names no working Temporal CLI: ${version.problem}. Correct it, or unset it to search for one.`,
  );
}

async function obtain(options: FindOptions, attempts: Attempt[]): Promise<Found> {
  const ways = [
    {
      way: 'download by the Temporal SDK',
      source: 'sdk-download' as const,
      target: sdkTarget(options),
      run: downloadWithSdk,
    },
    { way: `\`${GO_INSTALL_COMMAND}\``, source: 'go-install' as const, target: goTarget(options), run: buildWithGo },
  ];
  const tried = [...attempts];
  for (const { way, source, target, run } of ways) {
    const answer = await attempt(options, target, run);
    if ('problem' in answer) tried.push({ way, problem: answer.problem });
    else return { binary: { path: target, source, ...answer } };
  }
  return { attempts: tried };
}

async function attempt(
  options: FindOptions,
  target: string,
  run: (
    options: FindOptions & { cacheDirectory: string; target: string; env: Environment },
  ) => Promise<string | { problem: string }>,
): Promise<BinaryVersion | { problem: string }> {
  if (!options.allowDownload) return { problem: 'not tried, because nothing may be downloaded' };
  const env = options.env ?? process.env;
  try {
    const outcome = await run({ ...options, cacheDirectory: cacheOf(options), target, env });
    return typeof outcome === 'string' ? await readVersion(target, env, options.signal) : outcome;
  } catch (error) {
    options.signal?.throwIfAborted();
    return { problem: reasonOf(error) };
  }
}

function cacheOf(options: FindOptions): string {
  return options.cacheDirectory ?? cacheDirectory(options.env ?? process.env);
}

/** The SDK's download is newer than what `go install` can build, so it comes first. */
function cachedPaths(options: FindOptions): string[] {
  return [sdkTarget(options), goTarget(options)];
}

function sdkTarget(options: FindOptions): string {
  return join(cacheOf(options), 'temporal-sdk', 'temporal');
}

function goTarget(options: FindOptions): string {
  return join(cacheOf(options), `temporal-${GO_CLI_VERSION}`, 'temporal');
}

function notFound(attempts: Attempt[]): TemporalServiceError {
  const tried = attempts.map(({ way, problem }, index) => `  ${index + 1}. ${way}: ${problem}`);
  return new TemporalServiceError(
    'binaryNotFound',
    [
      'No Temporal service was found on this machine, and none could be obtained.',
      ...tried,
      'Do one of these and start again:',
      '  - install the Temporal CLI (https://docs.temporal.io/cli) so that `temporal` is on PATH,',
      '    or set BOBBIN_TEMPORAL to the path of one;',
      '  - install Go (https://go.dev/dl) and let it be built, which takes a few minutes once;',
      '  - set TEMPORAL_ADDRESS to a Temporal service that runs elsewhere.',
    ].join('\n'),
  );
}
