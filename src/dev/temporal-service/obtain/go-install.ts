import { join } from 'node:path';
import { publish, withScratchDirectory } from './cache.ts';
import { findOnPath, lastLines, runProgram } from './program.ts';
import type { Environment } from './program.ts';
import { withProgress } from './progress.ts';
import type { Progress } from './progress.ts';

/** Later tags replace modules in their go.mod, which `go install` refuses. */
export const GO_CLI_VERSION = 'v1.5.1';
export const GO_INSTALL_COMMAND = `go install github.com/temporalio/cli/cmd/temporal@${GO_CLI_VERSION}`;

const BUILD_TIMEOUT_MS = 20 * 60 * 1000;

/** Builds the Temporal CLI from source into `target`. Answers why not where that does not work. */
export async function buildWithGo(options: {
  cacheDirectory: string;
  target: string;
  env: Environment;
  onProgress?: Progress;
  signal?: AbortSignal;
}): Promise<'built' | { problem: string }> {
  const go = findOnPath('go', options.env);
  if (go === undefined) return { problem: 'no `go` on PATH' };
  return await withScratchDirectory(options.cacheDirectory, async (directory) => {
    let compiled = 0;
    const describe = () =>
      `Building the Temporal service with ${go}, two to four minutes once: ` +
      (compiled === 0 ? 'fetching its source' : `${compiled} packages so far`);
    const report = await withProgress(options.onProgress, describe, () =>
      runProgram(go, ['install', '-v', GO_INSTALL_COMMAND.replace('go install ', '')], {
        env: { ...options.env, GOBIN: directory },
        timeoutMs: BUILD_TIMEOUT_MS,
        onOutput: (text) => (compiled += text.split('\n').filter(isPackageLine).length),
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      }),
    );
    if (report.timedOut) return { problem: `not done after ${BUILD_TIMEOUT_MS / 60_000} minutes` };
    if (report.exitCode !== 0) return { problem: `failed: ${lastLines(report.output, 3)}` };
    await publish(join(directory, 'temporal'), options.target);
    return 'built';
  });
}

/** `go install -v` names each package that it compiles on a separate line. */
function isPackageLine(line: string): boolean {
  return line.trim() !== '' && !line.startsWith('go: ');
}
