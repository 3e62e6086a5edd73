/** The commands of checks: in the same sandbox as those of agents, with the same limits of the machine. */
import { join } from 'node:path';
import type { CommandPort } from '../../activities/ports.ts';
import { createCommandRunner } from '../../src/adapters/shell/command-runner.ts';

export function createCheckRunner(folder: string): CommandPort {
  return createCommandRunner({ stateDirectory: join(folder, 'checks') });
}

/** Throws the reason if no sandbox works here: results of agents are not run without one. */
export async function requireSandbox(runner: CommandPort): Promise<void> {
  const sandbox = await runner.sandbox();
  if (!sandbox.available) throw new Error(`An evaluation needs a sandbox: ${sandbox.reason}`);
}
