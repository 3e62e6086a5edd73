import { randomUUID } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CommandReport } from '../../../../activities/ports.ts';
import { findProgram } from '../../programs.ts';
import { createCommandRunner } from '../command-runner.ts';
import { probeBubblewrap } from './bubblewrap.ts';

const state = await probeBubblewrap(findProgram('bwrap', []));
const path = process.env['PATH'];
let folder: string;
let workspace: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'hidden-')));
  workspace = join(folder, 'workspace');
  mkdirSync(join(workspace, 'keys'), { recursive: true });
  writeFileSync(inWorkspace('.env'), 'first');
  writeFileSync(inWorkspace('keys', 'key'), 'first');
});
afterEach(() => {
  process.env['PATH'] = path;
  rmSync(folder, { recursive: true });
});

const inWorkspace = (...names: string[]): string => join(workspace, ...names);

/** Runs a command that says `begun`; then `act` happens outside, and the file `go` is there. */
async function during(command: string, act: () => void): Promise<CommandReport> {
  const deniedPaths = ['.env', 'keys', 'missing', 'link'].map((name) => inWorkspace(name));
  const runner = createCommandRunner({ stateDirectory: join(folder, 'state'), deniedPaths });
  rmSync(inWorkspace('go'), { force: true });
  const sandbox = { mode: 'workspace-write' as const, writableRoots: [], networkAccess: false };
  const ids = { commandId: randomUUID(), threadId: 'thread-1', cwd: workspace, workspace };
  const onOutput = vi.fn(({ text }: { text: string }) => {
    if (!text.includes('begun') || onOutput.mock.calls.length > 1) return;
    act();
    writeFileSync(inWorkspace('go'), '');
  });
  return runner.run(
    { ...ids, command: `echo begun; ${command}`, sandbox, timeoutMs: 30_000, maxOutputBytes: 10_000 },
    { signal: new AbortController().signal, onOutput },
  );
}

function replace(name: string, content: string): void {
  writeFileSync(join(folder, 'new'), content);
  renameSync(join(folder, 'new'), inWorkspace(name));
}

describe.runIf(state.available)('what is hidden from a command', () => {
  const GO = 'until [ -e go ]; do sleep 0.02; done';

  it.each([
    ['a file that is replaced', '.env', () => replace('.env', 'secret')],
    ['a file that was not there', 'missing', () => replace('missing', 'secret')],
    [
      'a file that a new link leads to',
      'real',
      () => {
        replace('real', 'secret');
        symlinkSync('real', inWorkspace('link'));
      },
    ],
  ])('is hidden again while it runs: %s', async (_, name, act) => {
    const command = `${GO}; until [ -z "$(cat ${name})" ]; do sleep 0.02; done; echo x > ${name}; rm ${name} || echo kept`;
    const { output } = await during(command, act);
    expect(output).toMatch(/kept\n$/);
    expect(readFileSync(inWorkspace(name), 'utf8')).toBe('secret');
  });

  it('is a folder that is replaced, and what is replaced in one is never seen', async () => {
    const command = `${GO}; until [ -z "$(ls keys)" ]; do sleep 0.02; done; touch keys/new || echo kept`;
    const { output } = await during(command, () => {
      renameSync(inWorkspace('keys'), join(folder, 'old'));
      mkdirSync(inWorkspace('keys'));
      replace('keys/key', 'secret');
    });
    expect(output).toMatch(/kept\n$/);
    expect((await during(`${GO}; cat keys/key`, () => replace('keys/key', 'other'))).output).not.toContain('other');
  });

  it('ends it if it cannot be hidden again, and says so', async () => {
    const report = await during('exec sleep 300', () => {
      process.env['PATH'] = '';
      replace('.env', 'secret');
    });
    expect(report).toMatchObject({ outcome: 'exited', exitCode: null, gone: true });
    const reason = `${inWorkspace('.env')} has changed, and cannot be hidden again: this machine has no Perl`;
    expect(report.output).toContain(`Ended by Bobbin: ${reason}`);
  });
});
