import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { SandboxPolicy } from '../../../../activities/ports.ts';
import { findProgram } from '../../programs.ts';
import { createCommandRunner } from '../command-runner.ts';
import { createTestBench, type TestBench } from '../test-bench.ts';
import { probeBubblewrap } from './bubblewrap.ts';

const sandbox: SandboxPolicy = { mode: 'workspace-write', writableRoots: [], networkAccess: false };
const { available } = await probeBubblewrap(findProgram('bwrap', []));

const kept = ({ stateDirectory }: TestBench) =>
  readdirSync(stateDirectory).filter((name) => name.startsWith('git-link-'));

/** Leads the `.git` of the workspace to another folder. */
function lead({ folder, workspace }: TestBench, name: string): void {
  mkdirSync(join(folder, name));
  rmSync(join(workspace, '.git'), { force: true });
  symlinkSync(join(folder, name), join(workspace, '.git'));
}

function makeOld({ stateDirectory }: TestBench, names: readonly string[]): void {
  for (const name of names) utimesSync(join(stateDirectory, name), 1, 1);
}

describe.runIf(available)('the file that a linked .git is shown as', () => {
  it('goes after a day without a command, when a worker starts or a thread ends', async () => {
    using bench = createTestBench();
    for (const name of ['one', 'two']) {
      lead(bench, name);
      await bench.run('true', { sandbox });
    }
    expect(kept(bench)).toHaveLength(2);
    makeOld(bench, kept(bench));
    // A command that is started renews it.
    expect((await bench.run('cat .git', { sandbox })).output).toContain(join(bench.folder, 'two'));
    await bench.runner.forget('other');
    expect(kept(bench)).toHaveLength(1);
    makeOld(bench, kept(bench));
    createCommandRunner({ stateDirectory: bench.stateDirectory });
    await expect.poll(() => kept(bench)).toEqual([]);
  });

  it('stays for a command that runs longer than that', async () => {
    using bench = createTestBench();
    lead(bench, 'one');
    const command = 'touch ready; until [ -e go ]; do sleep 0.01; done; cat .git; rm .git';
    const running = bench.run(command, { sandbox });
    await expect.poll(() => existsSync(join(bench.workspace, 'ready')), { timeout: 10_000 }).toBe(true);
    makeOld(bench, kept(bench));
    await bench.runner.forget('other');
    expect(kept(bench)).toEqual([]);
    writeFileSync(join(bench.workspace, 'go'), '');
    expect((await running).output).toMatch(new RegExp(`^gitdir: ${join(bench.folder, 'one')}\nrm: .*busy`));
  });
});
