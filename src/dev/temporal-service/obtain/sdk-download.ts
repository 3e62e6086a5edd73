import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { programFile } from '../../../folders/program-files.ts';
import { publish, withScratchDirectory } from './cache.ts';
import { lastLines, runProgram } from './program.ts';
import type { Environment } from './program.ts';
import { withProgress } from './progress.ts';
import type { Progress } from './progress.ts';

/** Closed networks often drop packets instead of refusing them; nothing would ever come back. */
const DEFAULT_STALLED_AFTER_MS = 60_000;
const WATCH_EVERY_MS = 500;
const DOWNLOAD_TIMEOUT_MS = 20 * 60 * 1000;

export interface SdkDownloadOptions {
  cacheDirectory: string;
  target: string;
  env: Environment;
  /** Milliseconds without a byte after which the download is given up. */
  stalledAfterMs?: number;
  onProgress?: Progress;
  signal?: AbortSignal;
}

/** Has the Temporal SDK download the server that it was made for into `target`. Answers why not where that fails. */
export async function downloadWithSdk(options: SdkDownloadOptions): Promise<'downloaded' | { problem: string }> {
  return await withScratchDirectory(options.cacheDirectory, (directory) => downloadInto(directory, options));
}

/** As {@link downloadWithSdk}, with the folder the SDK downloads to given; a file of the SDK's name in it is used as it is. */
export async function downloadInto(
  directory: string,
  options: SdkDownloadOptions,
): Promise<'downloaded' | { problem: string }> {
  const stalledAfterMs = options.stalledAfterMs ?? DEFAULT_STALLED_AFTER_MS;
  const watch = watchGrowth(directory, stalledAfterMs);
  const signal = options.signal === undefined ? watch.signal : AbortSignal.any([options.signal, watch.signal]);
  const describe = () => `Downloading the Temporal service through the Temporal SDK: ${megabytes(watch.size())}`;
  try {
    const report = await withProgress(options.onProgress, describe, () =>
      runProgram(process.execPath, [programFile('sdk-download'), directory], {
        env: options.env,
        timeoutMs: DOWNLOAD_TIMEOUT_MS,
        signal,
      }),
    );
    // The server may have been downloaded and then not have started in the SDK's five seconds: the file is what counts.
    const file = await downloadedFile(directory);
    if (file === undefined) return { problem: lastLines(report.output, 2) || 'it ended without a file or a word' };
    await publish(file, options.target);
    return 'downloaded';
  } catch (error) {
    options.signal?.throwIfAborted();
    if (!watch.signal.aborted) throw error;
    return { problem: `no answer and no bytes within ${stalledAfterMs / 1000} s` };
  } finally {
    watch.close();
  }
}

async function downloadedFile(directory: string): Promise<string | undefined> {
  const names = await readdir(directory);
  const name = names.find((each) => each.startsWith('temporal-') && !each.endsWith('.downloading'));
  return name === undefined ? undefined : join(directory, name);
}

/** Aborts `signal` once the files of a folder have not grown for `stalledAfterMs`. */
function watchGrowth(directory: string, stalledAfterMs: number) {
  const controller = new AbortController();
  let size = 0;
  let grewAt = Date.now();
  const look = async () => {
    const now = await sizeOf(directory);
    if (now !== size) grewAt = Date.now();
    size = now;
    if (Date.now() - grewAt >= stalledAfterMs) controller.abort();
  };
  const timer = setInterval(() => void look(), WATCH_EVERY_MS);
  return { signal: controller.signal, size: () => size, close: () => clearInterval(timer) };
}

async function sizeOf(directory: string): Promise<number> {
  const names = await readdir(directory).catch(() => []);
  const found = await Promise.all(names.map((name) => stat(join(directory, name)).catch(() => undefined)));
  return found.reduce((sum, each) => sum + (each?.size ?? 0), 0);
}

function megabytes(bytes: number): string {
  return bytes === 0 ? 'waiting for an answer' : `${(bytes / 1e6).toFixed(0)} MB so far`;
}
