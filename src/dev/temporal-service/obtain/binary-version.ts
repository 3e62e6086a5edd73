import { lastLines, runProgram } from './program.ts';
import type { Environment } from './program.ts';
import { reasonOf } from '../run/service-error.ts';

export interface BinaryVersion {
  /** For example `1.5.1`; `0.0.0-DEV` where it was built by `go install`. */
  cliVersion: string;
  /** Version of the server inside, for example `1.29.1`. */
  serverVersion: string;
}

const VERSION_TIMEOUT_MS = 10_000;

/** Runs `temporal --version`. Answers a sentence that says why where the file is no Temporal CLI that works here. */
export async function readVersion(
  path: string,
  env: Environment,
  signal?: AbortSignal,
): Promise<BinaryVersion | { problem: string }> {
  try {
    const report = await runProgram(path, ['--version'], {
      env,
      timeoutMs: VERSION_TIMEOUT_MS,
      ...(signal === undefined ? {} : { signal }),
    });
    if (report.timedOut) return { problem: `${path} --version gave no answer within ${VERSION_TIMEOUT_MS / 1000} s` };
    return parseVersion(report.output) ?? { problem: unexpected(path, report.exitCode, report.output) };
  } catch (error) {
    signal?.throwIfAborted();
    return { problem: `${path} does not run: ${reasonOf(error)}` };
  }
}

function parseVersion(output: string): BinaryVersion | undefined {
  const match = /temporal version (\S+) \(Server ([^\s,)]+)/.exec(output);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  return { cliVersion: match[1], serverVersion: match[2] };
}

function unexpected(path: string, exitCode: number | null, output: string): string {
  const said = lastLines(output, 1) || 'nothing';
  return `${path} --version ended with ${exitCode === null ? 'a signal' : `code ${exitCode}`} and said: ${said}`;
}

/** Whether version `a` (`major.minor...`) is at least `major.minor`. False for a text that is no version. */
export function isAtLeast(version: string, major: number, minor: number): boolean {
  const match = /^v?(\d+)\.(\d+)/.exec(version);
  if (match === null) return false;
  const [foundMajor, foundMinor] = [Number(match[1]), Number(match[2])];
  return foundMajor > major || (foundMajor === major && foundMinor >= minor);
}
