/**
 * One `git` process: its environment is ours alone, and it ends when the signal fires or its time is up. Otherwise a
 * pipe with the name of a file that git reads would keep it waiting without end.
 */
import type { Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { Failure } from '../../../../activities/failures.ts';
import { toVisibleLine } from '../../../contract/plain/foreign-text.ts';
import { assertWorkspace } from '../../files/workspace.ts';
import {
  type Ended,
  type Launch,
  type Launched,
  type Outputs,
  killGroup,
  launchHere,
} from '../../launcher/launched.ts';
import { launch } from '../../launcher/launcher.ts';
import { findProgram, toSearchPath } from '../../programs.ts';
import { buildCommandEnvironment, withoutLoaders } from '../../shell/command-environment.ts';
import { signInEnvironment } from './sign-in-environment.ts';

export interface GitCall {
  cwd: string;
  /** The path that a failure names, absolute. Default: `cwd`. */
  about?: string;
  signal: AbortSignal;
  /** Index file to use instead of the repository's own; absolute. */
  index?: string;
  /** Written to standard input. An error of its source ends the process and is thrown. */
  input?: string | Buffer | AsyncIterable<Buffer>;
  /** Exit codes that are answers and not failures. Default: only 0. */
  answers?: readonly number[];
  /**
   * Allows network access by these transports of git, with sign-in data from the worker's environment and the
   * operator's own configuration. Every other call has no network access, whatever is configured.
   */
  remote?: { transports: readonly string[]; signIn: boolean };
  /** Receives standard output as it arrives; it is not kept then. */
  onStdout?: (chunk: Buffer) => void;
  /**
   * Our own git directory, from `private-git-dir.ts`. Git then reads only our configuration and finds no other
   * repository. Without it git finds the repository around `cwd` and obeys its configuration.
   */
  gitDir?: string;
  /** Objects of another repository that may be read, absolute; for a call with `gitDir` only. */
  objects?: string;
  /** Milliseconds until the process is ended; the call then fails with `gitFailed`. */
  deadlineMs?: number;
  /** The same since the process last wrote anything, standard error included. */
  idleMs?: number;
  /** Bytes of standard output that are kept; more fails with `gitFailed`. */
  maxStdoutBytes?: number;
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

/** For a person: names that are not text are marked as such. */
export function toShownPath(path: RawPath): string {
  return Buffer.from(path, 'latin1').toString('utf8');
}

/**
 * Disables every part of the person's configuration that runs, asks or changes anything in addition. Filters and line
 * endings stay: without them files would not be restored exactly.
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

const PRIVATE_SETTINGS: Record<string, string> = {
  'core.attributesFile': '/dev/null',
  'core.excludesFile': '/dev/null',
  'core.protectHFS': 'false',
  'core.protectNTFS': 'false',
  'protocol.allow': 'never',
  'safe.bareRepository': 'explicit',
};

/** A connection without data for a minute is closed. */
const REMOTE_SETTINGS: Record<string, string> = {
  'http.lowSpeedLimit': '1',
  'http.lowSpeedTime': '60',
  'fetch.recurseSubmodules': 'false',
};

const KILL_AFTER_MS = 500;
const STDERR_CHARS = 2_000;
const DEADLINE_MS = 60_000;
/** Fetching a whole history may take long. */
const REMOTE_DEADLINE_MS = 60 * 60_000;
const MAX_STDOUT_BYTES = 256 * 1024 * 1024;

/**
 * Runs git to its end. After the signal has fired and the process is gone, rejects with the signal's reason. Rejects
 * with `workspaceMissing` if there is no such folder, and with `gitFailed` if the exit code is not an answer, or if git
 * takes too long or writes too much.
 */
export async function runGit(args: readonly string[], call: GitCall): Promise<GitResult> {
  call.signal.throwIfAborted();
  assertWorkspace(call.cwd);
  const program = findProgram('git', [call.cwd]);
  if (program === undefined) throw gitFailed(args, call, 'there is no git on PATH outside of the workspace');
  // A separate process group, so that helpers of git end with it.
  const output = collect(call);
  const { launched, written } = begin({ program, args, cwd: call.cwd, env: environmentOf(call) }, call.input, output);
  // The wait below comes after git has ended.
  written.catch(() => undefined);
  const deadlineMs = call.deadlineMs ?? (call.remote === undefined ? DEADLINE_MS : REMOTE_DEADLINE_MS);
  const { code, problem } = await untilEnded(launched, call.signal, deadlineMs, output);
  call.signal.throwIfAborted();
  await written;
  const answered = problem === undefined && code !== null && (call.answers ?? [0]).includes(code);
  if (answered) return { code, stdout: Buffer.concat(output.kept) };
  const reason = output.said().trim() || `it ended with ${code === null ? 'a signal' : `code ${code}`}`;
  throw gitFailed(args, call, problem ?? reason);
}

/** Standard input that comes bit by bit is written from here, so git is started here, too. */
function begin(
  plain: Launch,
  input: GitCall['input'],
  outputs: Outputs,
): { launched: Launched; written: Promise<void> } {
  if (input === undefined || typeof input === 'string' || Buffer.isBuffer(input)) {
    const launched = launch({ ...plain, ...(input !== undefined && { input }) }, outputs);
    return { launched, written: Promise.resolve() };
  }
  let written: Promise<void> = Promise.resolve();
  const launched = launchHere(plain, outputs, (stdin) => {
    written = write(stdin, input);
  });
  return {
    launched,
    written: written.catch((error: unknown) => {
      killGroup(launched.pid, 'SIGKILL');
      throw error;
    }),
  };
}

interface Output extends Outputs {
  kept: Buffer[];
  said(): string;
  /** Resolves once the output exceeds its limit, or nothing has arrived for too long. */
  problem: Promise<string>;
  /** Nothing will arrive any more. */
  end(): void;
}

function collect({ onStdout, maxStdoutBytes = MAX_STDOUT_BYTES, idleMs }: GitCall): Output {
  const kept: Buffer[] = [];
  const decoder = new StringDecoder('utf8');
  let left = maxStdoutBytes;
  let said = '';
  let report = (_problem: string): void => undefined;
  const problem = new Promise<string>((resolve) => (report = resolve));
  const idle =
    idleMs === undefined ? undefined : setTimeout(() => report(`nothing came from it for ${idleMs / 1_000} s`), idleMs);
  const keep = (chunk: Buffer): void => {
    left -= chunk.length;
    if (left >= 0) kept.push(chunk);
    else report(`it wrote more than ${maxStdoutBytes} bytes`);
  };
  return {
    kept,
    said: () => withoutProgress(said),
    problem,
    stdout(chunk) {
      idle?.refresh();
      (onStdout ?? keep)(chunk);
    },
    stderr(chunk) {
      idle?.refresh();
      said = (said + decoder.write(chunk)).slice(-STDERR_CHARS);
    },
    end: () => clearTimeout(idle),
  };
}

/** Git overwrites the line with its progress. */
function withoutProgress(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.slice(line.lastIndexOf('\r') + 1));
  return lines.filter((line) => !/^(remote: )?[A-Z][a-z]+ (objects|deltas): /.test(line)).join('\n');
}

/** Rejects if the source of the input fails. Git's exit code shows whether it accepted the input. */
async function write(stdin: Writable, input: AsyncIterable<Buffer>): Promise<void> {
  for await (const chunk of input) {
    if (stdin.destroyed) return;
    if (!stdin.write(chunk)) await whenWritable(stdin);
  }
  stdin.end();
}

function whenWritable(stdin: Writable): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      stdin.off('drain', go).off('close', go);
      resolve();
    };
    stdin.on('drain', go).on('close', go);
  });
}

/** Resolves once the process is gone; `problem` is why it was ended or did not start. */
async function untilEnded(launched: Launched, signal: AbortSignal, deadlineMs: number, output: Output): Promise<Ended> {
  let problem: string | undefined;
  let killing: NodeJS.Timeout | undefined;
  const end = (why?: string): void => {
    problem ??= why;
    killGroup(launched.pid, 'SIGTERM');
    killing ??= setTimeout(() => killGroup(launched.pid, 'SIGKILL'), KILL_AFTER_MS);
  };
  const stop = (): void => end();
  const deadline = setTimeout(() => end(`it had not ended after ${deadlineMs / 1_000} s`), deadlineMs);
  void output.problem.then(end);
  signal.addEventListener('abort', stop, { once: true });
  try {
    const ended = await launched.ended;
    return problem === undefined ? ended : { ...ended, problem };
  } finally {
    output.end();
    clearTimeout(deadline);
    clearTimeout(killing);
    signal.removeEventListener('abort', stop);
  }
}

function gitFailed(args: readonly string[], { cwd, about = cwd }: GitCall, reason: string): Failure {
  const command = args.find((arg, index) => !arg.startsWith('-') && args[index - 1] !== '-c') ?? '';
  const message = `\`git ${command}\` failed in ${toVisibleLine(about)}: ${withoutUsers(reason)}`;
  return new Failure('gitFailed', message, { details: { path: about } });
}

const IDENTITY = { NAME: 'Bobbin', EMAIL: 'snapshot@bobbin.invalid' };

/** Git names a remote as it is configured, which may include credentials. */
function withoutUsers(text: string): string {
  return text.replace(/(?<=\/\/)[^/@\s]+@/g, '').replace(/(\w:\/\/[^\s?'"]*)\?[^\s'"]*/g, '$1');
}

/** The variables that a command may have and, if needed, those for signing in. */
function inherit(path: string, remote: boolean): Record<string, string> {
  const harmless = Object.entries(withoutLoaders(buildCommandEnvironment(process.env, 'git', path)));
  const plain = Object.fromEntries(harmless.filter(([name]) => !name.startsWith('GIT_')));
  return remote ? { ...plain, ...signInEnvironment(process.env) } : plain;
}

function environmentOf(call: GitCall): Record<string, string> {
  const inherited = Object.entries(inherit(toSearchPath([call.cwd]), call.remote?.signIn ?? false));
  // The environment may already have settings, including credentials; ours come last and take precedence.
  const first = Number(inherited.find(([name]) => name === 'GIT_CONFIG_COUNT')?.[1] ?? 0);
  const ours = {
    ...SETTINGS,
    ...(call.gitDir === undefined ? {} : PRIVATE_SETTINGS),
    ...(call.remote === undefined ? {} : REMOTE_SETTINGS),
  };
  const settings = Object.entries(ours).flatMap(([key, value], n) => [
    [`GIT_CONFIG_KEY_${first + n}`, key],
    [`GIT_CONFIG_VALUE_${first + n}`, value],
  ]);
  return {
    ...(Object.fromEntries([...inherited, ...settings]) as Record<string, string>),
    GIT_CONFIG_COUNT: String(first + Object.keys(ours).length),
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_LAZY_FETCH: '1',
    // Takes precedence over all settings: a repository's configuration can make git fetch missing objects by any
    // program.
    GIT_ALLOW_PROTOCOL: (call.remote?.transports ?? []).join(':'),
    GIT_LITERAL_PATHSPECS: '1',
    GIT_AUTHOR_NAME: IDENTITY.NAME,
    GIT_AUTHOR_EMAIL: IDENTITY.EMAIL,
    GIT_COMMITTER_NAME: IDENTITY.NAME,
    GIT_COMMITTER_EMAIL: IDENTITY.EMAIL,
    LC_ALL: 'C',
    ...(call.index === undefined ? {} : { GIT_INDEX_FILE: call.index }),
    ...(call.gitDir === undefined ? {} : privately(call)),
  };
}

/**
 * Protects a private call from foreign configuration: git reads no other file of configuration or attributes, except
 * the operator's own for signing in.
 */
function privately({ gitDir = '', objects, remote }: GitCall): Record<string, string> {
  return {
    GIT_DIR: gitDir,
    GIT_ATTR_NOSYSTEM: '1',
    ...(remote?.signIn !== true ? { GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' } : {}),
    ...(objects === undefined ? {} : { GIT_ALTERNATE_OBJECT_DIRECTORIES: objects }),
  };
}
