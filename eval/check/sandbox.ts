/** One command in the sandbox of a workspace, without a network. Workspaces are hostile once an agent was there. */
import { randomUUID } from 'node:crypto';
import type { CommandPort, CommandReport } from '../../activities/ports.ts';

/** The command could not be run; says nothing about the agent. */
export class CheckBroken extends Error {}

const TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 1_000_000;

export interface SandboxedCommand {
  runner: CommandPort;
  workspace: string;
  /** Commands with the same one share /tmp. */
  threadId: string;
  mode: 'read-only' | 'workspace-write';
  command: string;
  signal: AbortSignal;
}

export async function runSandboxed(asked: SandboxedCommand): Promise<CommandReport> {
  const { runner, workspace, threadId, mode, command, signal } = asked;
  signal.throwIfAborted();
  const spec = {
    commandId: randomUUID(),
    threadId,
    command,
    cwd: workspace,
    workspace,
    sandbox: { mode, writableRoots: [], networkAccess: false },
    timeoutMs: TIMEOUT_MS,
    maxOutputBytes: MAX_OUTPUT_BYTES,
  };
  try {
    return await runner.run(spec, { signal, onOutput: () => undefined });
  } catch (error) {
    throw new CheckBroken(error instanceof Error ? error.message : String(error), { cause: error });
  } finally {
    signal.throwIfAborted();
  }
}
