import { join } from 'node:path';
import { publish, withScratchDirectory } from './cache.ts';
import { findOnPath, lastLines, runProgram } from './program.ts';
import type { Environment } from './program.ts';
import { withProgress } from './progress.ts';
import type { Progress } from './progress.ts';

/** Later tags replace modules in their go.mod, which `go install` refuses. */
export const GO_CLI_VERSION = 'v1.5.1';
const CLI_PACKAGE = `github.com/temporalio/cli/cmd/temporal@${GO_CLI_VERSION}`;
export const GO_INSTALL_COMMAND = `go install ${CLI_PACKAGE}`;

const BUILD_TIMEOUT_MS = 20 * 60 * 1000;

export interface BuildOptions {
  cacheDirectory: string;
  env: Environment;
  onProgress?: Progress;
  signal?: AbortSignal;
}

/** A program to build: `go install` calls it by the last part of its package. */
export interface GoProgram {
  /** With the version, `module/path@v1`; of one call all have the same module. */
  package: string;
  builtAs: string;
  target: string;
}

/** Builds the Temporal CLI from source into `target`. Answers why not where that does not work. */
export async function buildWithGo(options: BuildOptions & { target: string }): Promise<'built' | { problem: string }> {
  const programs = [{ package: CLI_PACKAGE, builtAs: 'temporal', target: options.target }];
  return installWithGo({
    ...options,
    what: 'the Temporal service',
    programs,
    takes: 'two to four minutes',
    timeoutMs: BUILD_TIMEOUT_MS,
  });
}

/** Builds programs from source. Answers why not if that does not work. */
export async function installWithGo(
  options: BuildOptions & { what: string; programs: readonly GoProgram[]; takes: string; timeoutMs: number },
): Promise<'built' | { problem: string }> {
  const go = findOnPath('go', options.env);
  if (go === undefined) return { problem: 'no `go` on PATH' };
  const { what, programs, takes, timeoutMs, onProgress, signal } = options;
  return await withScratchDirectory(options.cacheDirectory, async (directory) => {
    let compiled = 0;
    const describe = () =>
      `Building ${what} with ${go}, ${takes} once: ` +
      (compiled === 0 ? 'fetching its source' : `${compiled} packages so far`);
    const report = await withProgress(onProgress, describe, () =>
      runProgram(go, ['install', '-v', ...programs.map((program) => program.package)], {
        env: { ...options.env, GOBIN: directory },
        timeoutMs,
        onOutput: (text) => (compiled += text.split('\n').filter(isPackageLine).length),
        ...(signal === undefined ? {} : { signal }),
      }),
    );
    if (report.timedOut) return { problem: `not done after ${timeoutMs / 60_000} minutes` };
    if (report.exitCode !== 0) return { problem: `failed: ${lastLines(report.output, 3)}` };
    for (const { builtAs, target } of programs) await publish(join(directory, builtAs), target);
    return 'built';
  });
}

/** `go install -v` names each package that it compiles on a separate line. */
function isPackageLine(line: string): boolean {
  return line.trim() !== '' && !line.startsWith('go: ');
}
