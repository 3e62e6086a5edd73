/**
 * What an agent has left behind, for a check. The workspace is hostile: it is copied and run in a sandbox without a
 * network, and the check sees only what a command prints. Nothing of it is read or written from outside.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { CommandPort, CommandReport } from '../../activities/ports.ts';
import type { Item } from '../../src/contract/index.ts';
import { runSandboxed } from './sandbox.ts';
import { toWriteCommand } from './write-command.ts';

export interface Left {
  /** Runs a shell command in a copy of the workspace. All commands of a check use the same copy. */
  run(command: string): Promise<CommandReport>;
  /** The same for a command that must succeed; its standard output. */
  print(command: string): Promise<string>;
  /** Writes a file of the check: into the copy, or in {@link CHECK_FOLDER}, which the agent never saw. */
  put(path: string, text: string): Promise<void>;
  /** Everything in the thread, and in the threads of its agents. */
  items: readonly Item[];
}

export const CHECK_FOLDER = '/tmp/check';
export const COPY = `${CHECK_FOLDER}/copy`;

export interface LeftOptions {
  workspace: string;
  runner: CommandPort;
  items: readonly Item[];
  signal: AbortSignal;
}

/** Calls `check`, and removes the copy. */
export async function withLeft(options: LeftOptions, check: (left: Left) => Promise<void>): Promise<void> {
  const { workspace, runner, items, signal } = options;
  const threadId = `check-${randomUUID()}`;
  const sandboxed = (command: string) =>
    runSandboxed({ runner, workspace, threadId, mode: 'read-only', command, signal });
  try {
    const copied = await sandboxed(`mkdir -p ${COPY} && cp -a . ${COPY}`);
    assert.equal(copied.exitCode, 0, `the workspace cannot be copied: ${copied.output.slice(0, 300)}`);
    const run: Left['run'] = (command) => sandboxed(`cd ${COPY} && { ${command}\n}`);
    await check({
      run,
      items,
      async print(command) {
        const report = await run(`{ ${command}\n} 2>${CHECK_FOLDER}/stderr`);
        if (report.exitCode === 0 && !report.truncated) return report.output;
        const { output } = await run(`tail -c 500 ${CHECK_FOLDER}/stderr`);
        return assert.fail(`\`${command.slice(0, 200)}\` ${ending(report)}: ${output}`);
      },
      async put(path, text) {
        const { exitCode, output } = await run(toWriteCommand(path, text));
        assert.equal(exitCode, 0, `${path} cannot be written: ${output.slice(0, 300)}`);
      },
    });
  } finally {
    await runner.forget(threadId);
  }
}

function ending({ outcome, exitCode, truncated }: CommandReport): string {
  if (outcome !== 'exited') return 'did not end in time';
  return truncated ? 'printed too much' : `ended with exit code ${exitCode ?? 'none'}`;
}
