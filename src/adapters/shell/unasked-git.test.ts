import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandSpec } from '../../../activities/ports.ts';
import { findProgram } from '../programs.ts';
import { probeBubblewrap } from './sandbox/bubblewrap.ts';
import { createTestBench } from './test-bench.ts';
import { withoutBareRepositories } from './unasked-git.ts';

const bench = createTestBench();
afterAll(() => bench[Symbol.dispose]());
const state = await probeBubblewrap(findProgram('bwrap', []));

const git = (cwd: string, ...args: string[]) => execFileSync('git', args, { cwd });
const folder = (...names: string[]): string => {
  const path = join(bench.workspace, ...names);
  mkdirSync(path, { recursive: true });
  return path;
};

beforeAll(() => {
  git(folder(), 'init', '-q');
  folder('plain', 'inner');
  git(folder('posing'), 'init', '-q', '--bare', '.');
  folder('posing', 'inner');
  folder('linked');
  writeFileSync(join(folder('linked'), 'HEAD'), 'ref: refs/heads/main\n');
  writeFileSync(join(folder('linked'), 'commondir'), '../posing\n');
  git(folder('own'), 'init', '-q');
  for (const name of ['HEAD', 'objects']) writeFileSync(join(folder('own'), name), '');
});

describe.runIf(state.available)('git in a command that nobody is asked about', () => {
  const run = (names: string[], command: string, more: Partial<CommandSpec> = { unasked: true }) => {
    const workspace = folder(...names);
    const sandbox = { mode: 'workspace-write' as const, writableRoots: [], networkAccess: false };
    return bench.run(command, { workspace, cwd: workspace, sandbox, ...more });
  };

  it.each([[['posing']], [['posing', 'inner']], [['linked']]])(
    'is not started where it could take a folder for a repository: %j',
    async (names) => {
      const bare = folder(names[0] ?? '');
      const told = { code: 'commandNotStarted', message: expect.stringContaining(`--git-dir=${bare}`) as string };
      await expect(run(names, 'ls; git status')).rejects.toMatchObject(told);
      expect(await run(names, 'ls')).toMatchObject({ exitCode: 0 });
    },
  );

  it('is as always for a command that was asked about', async () => {
    expect(await run(['posing'], 'git rev-parse --is-bare-repository', {})).toMatchObject({ output: 'true\n' });
  });

  it.each([[['plain', 'inner']], [['own']]])('finds the repository of %j', async (names) => {
    const top = names[0] === 'own' ? folder('own') : folder();
    expect(await run(names, 'git rev-parse --show-toplevel')).toMatchObject({ output: `${top}\n` });
  });
});

it('lets git refuse it, too, and keeps the settings that the environment has', () => {
  const earlier = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'a.b', GIT_CONFIG_VALUE_0: 'c' };
  const env = withoutBareRepositories({ PATH: process.env['PATH'] ?? '', ...earlier });
  const status = spawnSync('git', ['rev-parse', '--git-dir'], { cwd: folder('posing'), env, encoding: 'utf8' });
  expect(status.stderr).toContain("safe.bareRepository is 'explicit'");
  expect(execFileSync('git', ['config', 'a.b'], { cwd: folder(), env, encoding: 'utf8' })).toBe('c\n');
});
