/**
 * Shared by the tests of this folder: a runner over a temp folder, commands that can be awaited, and checks of /proc.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CommandPort, CommandReport, CommandSpec, OutputTail } from '../../../activities/ports.ts';
import { type CommandRunnerOptions, createCommandRunner } from './command-runner.ts';
import { readStartTime } from './processes/process-table.ts';

export interface TestBench {
  folder: string;
  workspace: string;
  stateDirectory: string;
  /** Hidden from commands in a sandbox, once it is made. */
  hiddenFolder: string;
  log: string[];
  runner: CommandPort;
  spec(command: string, more?: Partial<CommandSpec>): CommandSpec;
  /** Runs to the end. */
  run(command: string, more?: Partial<CommandSpec>): Promise<CommandReport>;
  /** Starts, and aborts once the output contains `ready`. */
  runUntilReady(command: string, more?: Partial<CommandSpec>): Promise<CommandReport>;
  [Symbol.dispose](): void;
}

/** @param options `graceMs`: for commands that clean up, which the usual time may be too short for on a busy machine */
export function createTestBench(options: Pick<CommandRunnerOptions, 'graceMs'> = {}): TestBench {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'commands-')));
  const workspace = mkdtempSync(join(folder, 'workspace-'));
  const stateDirectory = join(folder, 'state');
  const log: string[] = [];
  const hiddenFolder = join(workspace, 'hidden');
  const runner = createCommandRunner({
    stateDirectory,
    hiddenFolders: [hiddenFolder],
    log: (message) => log.push(message),
    ...options,
  });
  const spec: TestBench['spec'] = (command, more) => ({
    commandId: randomUUID(),
    threadId: 'thread-1',
    command,
    cwd: workspace,
    workspace,
    sandbox: { mode: 'danger-full-access', writableRoots: [], networkAccess: false },
    timeoutMs: 60_000,
    maxOutputBytes: 16_384,
    ...more,
  });
  return {
    folder,
    workspace,
    stateDirectory,
    hiddenFolder,
    log,
    runner,
    spec,
    run: (command, more) => runner.run(spec(command, more), { signal: new AbortController().signal, onOutput: ignore }),
    runUntilReady: (command, more) => {
      const stop = new AbortController();
      const onOutput = ({ text }: OutputTail): void => {
        if (text.includes('ready')) stop.abort();
      };
      return runner.run(spec(command, more), { signal: stop.signal, onOutput });
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function ignore(): void {
  // Nobody watches.
}

/** False for zombies too. */
export function isRunning(pid: number): boolean {
  return readStartTime(pid) !== undefined;
}

/** The process id a command wrote to a file; throws if there is none, so that no test can pass without one. */
export function readPid(path: string): number {
  const pid = Number(readFileSync(path, 'utf8').trim());
  if (!Number.isInteger(pid) || pid <= 1) throw new Error(`${path} holds no process id`);
  return pid;
}

/** Shell text: starts a process that leaves group and session behind and notes its id in `file`. Waits until it has. */
export function detach(file: string): string {
  return (
    `(setsid nohup bash -c 'trap "" TERM HUP; echo $$ > ${file}.new; mv ${file}.new ${file}; while :; do sleep 300; done' ` +
    `> /dev/null 2>&1 < /dev/null &); until [ -s ${file} ]; do sleep 0.01; done`
  );
}
