/** One `git` process: its environment is ours alone, and it ends when the signal says so. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Failure } from '../../../activities/failures.ts';
import { assertWorkspace } from '../files/workspace.ts';
import { findProgram, toSearchPath } from '../programs.ts';
import { buildCommandEnvironment } from '../shell/command-environment.ts';

export interface GitCall {
  cwd: string;
  signal: AbortSignal;
  /** Index file to use in place of the repository's own; absolute. */
  index?: string;
  /** Written to standard input. */
  input?: string | Buffer;
  /** Exit codes that are answers and no failures; 0 alone where it is left out. */
  answers?: readonly number[];
  /** It speaks to another machine, with whatever credentials the worker's environment has. */
  remote?: boolean;
  /** Given standard output as it comes, which is then not kept. */
  onStdout?: (chunk: Buffer) => void;
}

export interface GitResult {
  code: number;
  stdout: Buffer;
}

/**
 * A path as git wrote it, one character per byte: file names need not be text. Paths are relative to the working
 * directory of the process that wrote them.
 */
export type RawPath = string;

export function toRawPaths(output: Buffer): RawPath[] {
  return output
    .toString('latin1')
    .split('\0')
    .filter((path) => path !== '');
}

export function fromRawPaths(paths: readonly RawPath[]): Buffer {
  return Buffer.from(paths.map((path) => `${path}\0`).join(''), 'latin1');
}

/** For a person: names that are no text show as such. */
export function toShownPath(path: RawPath): string {
  return Buffer.from(path, 'latin1').toString('utf8');
}

/**
 * Nothing of the person's set-up that runs something, asks something, or changes something beside what is asked for. Their
 * filters and their line endings stay: without them files would not come back as they were.
 */
const SETTINGS: Record<string, string> = {
  'core.hooksPath': '/dev/null',
  'core.fsmonitor': 'false',
  'core.splitIndex': 'false',
  'core.safecrlf': 'false',
  'core.logAllRefUpdates': 'false',
  'core.checkStat': 'default',
  'gc.auto': '0',
  'maintenance.auto': 'false',
  'submodule.recurse': 'false',
  'i18n.commitEncoding': 'UTF-8',
  'advice.addEmbeddedRepo': 'false',
  'advice.updateSparsePath': 'false',
};

const KILL_AFTER_MS = 500;
const STDERR_CHARS = 2_000;

/**
 * Runs git to its end. Rejects with the reason of the signal once that has fired and the process is gone, with
 * `workspaceMissing` where there is no such folder, and with `gitFailed` where it exits with a code that is no answer.
 */
export async function runGit(args: readonly string[], call: GitCall): Promise<GitResult> {
  call.signal.throwIfAborted();
  assertWorkspace(call.cwd);
  const git = findProgram('git', [call.cwd]);
  if (git === undefined) throw gitFailed(args, call.cwd, 'there is no git on PATH outside of the workspace');
  const child = spawn(git, args, { cwd: call.cwd, env: environmentOf(call), stdio: 'pipe' });
  const stdout: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', call.onStdout ?? ((chunk: Buffer) => stdout.push(chunk)));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-STDERR_CHARS)));
  // Git may end before it has read everything; its exit code says why.
  child.stdin.on('error', () => undefined);
  child.stdin.end(call.input ?? '');

  let killing: NodeJS.Timeout | undefined;
  const end = (): void => {
    child.kill('SIGTERM');
    killing = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
  };
  call.signal.addEventListener('abort', end, { once: true });
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    call.signal.throwIfAborted();
    if (code !== null && (call.answers ?? [0]).includes(code)) return { code, stdout: Buffer.concat(stdout) };
    throw gitFailed(args, call.cwd, stderr.trim() || `it ended with ${code === null ? 'a signal' : `code ${code}`}`);
  } catch (error) {
    if (error instanceof Failure || call.signal.aborted) throw error;
    throw gitFailed(args, call.cwd, error instanceof Error ? error.message : String(error), error);
  } finally {
    clearTimeout(killing);
    call.signal.removeEventListener('abort', end);
  }
}

function gitFailed(args: readonly string[], cwd: string, reason: string, cause?: unknown): Failure {
  const message = `\`git ${args[0] ?? ''}\` failed in ${cwd}: ${withoutUsers(reason)}`;
  return new Failure('gitFailed', message, { cause, details: { path: cwd } });
}

const IDENTITY = { NAME: 'Bobbin', EMAIL: 'snapshot@bobbin.invalid' };

/** Git names a remote as it was configured; who signs in there, and with what, is for nobody else. */
function withoutUsers(text: string): string {
  return text.replace(/(?<=\/\/)[^/@\s]+@/g, '');
}

/** Where a repository is comes from the call alone. */
const PLACES = /^GIT_(DIR|WORK_TREE|INDEX_FILE|COMMON_DIR|OBJECT_DIRECTORY|NAMESPACE|CEILING_DIRECTORIES)$/;

/** What a command may have, or, to sign in elsewhere, all there is but our own settings. */
function inherit(remote: boolean): Record<string, string> {
  const harmless = buildCommandEnvironment(process.env, 'git');
  if (!remote) return Object.fromEntries(Object.entries(harmless).filter(([name]) => !name.startsWith('GIT_')));
  const all = Object.entries(process.env).filter(
    ([name, value]) => value !== undefined && !PLACES.test(name) && !/^(BOBBIN|TEMPORAL)_/i.test(name),
  );
  return { ...(Object.fromEntries(all) as Record<string, string>), ...harmless };
}

function environmentOf(call: GitCall): Record<string, string> {
  const inherited = Object.entries(inherit(call.remote ?? false));
  // Credentials may be among those that are there already; ours come last, and so they count.
  const first = Number(inherited.find(([name]) => name === 'GIT_CONFIG_COUNT')?.[1] ?? 0);
  const settings = Object.entries(SETTINGS).flatMap(([key, value], n) => [
    [`GIT_CONFIG_KEY_${first + n}`, key],
    [`GIT_CONFIG_VALUE_${first + n}`, value],
  ]);
  return {
    ...(Object.fromEntries([...inherited, ...settings]) as Record<string, string>),
    GIT_CONFIG_COUNT: String(first + Object.keys(SETTINGS).length),
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_LITERAL_PATHSPECS: '1',
    GIT_AUTHOR_NAME: IDENTITY.NAME,
    GIT_AUTHOR_EMAIL: IDENTITY.EMAIL,
    GIT_COMMITTER_NAME: IDENTITY.NAME,
    GIT_COMMITTER_EMAIL: IDENTITY.EMAIL,
    LC_ALL: 'C',
    PATH: toSearchPath([call.cwd]),
    ...(call.index === undefined ? {} : { GIT_INDEX_FILE: call.index }),
  };
}
