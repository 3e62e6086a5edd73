/** What a figure depends on besides the code. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, platform, release, totalmem } from 'node:os';
import type { TestEnvironment } from './environment.ts';

export interface Machine {
  platform: string;
  cpu: string;
  cores: number;
  memoryGiB: number;
  /** Load of the last minute before the first and after the last part; above the number of cores, doubt the figures. */
  load: { before: number; after: number | null };
  node: string;
  temporal: { cli: string; server: string; store: string };
  temporalSdk: string;
  codex: string;
  commit: string;
}

export function describeMachine(environment: TestEnvironment): Machine {
  return {
    platform: `${platform()} ${release()}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    load: { before: loadavg()[0] ?? 0, after: null },
    node: process.version,
    temporal: { ...environment.temporal.version, store: 'SQLite on disk' },
    temporalSdk: versionIn('../package.json', '@temporalio/worker'),
    codex: versionIn('./peers/package.json', '@openai/codex'),
    commit: describeCommit(),
  };
}

export function currentLoad(): number {
  return loadavg()[0] ?? 0;
}

function versionIn(manifest: string, name: string): string {
  const json = JSON.parse(readFileSync(new URL(manifest, import.meta.url), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  return json.dependencies[name] ?? 'unknown';
}

function describeCommit(): string {
  const cwd = new URL('..', import.meta.url);
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { cwd, encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}
