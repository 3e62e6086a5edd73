/** Commands of an attacker, run as a thread would run them. */
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandReport, SandboxMode } from '../../activities/ports.ts';
import { createCommandRunner } from '../../src/adapters/shell/command-runner.ts';
import { type CommandLimits, NO_LIMITS } from '../../src/adapters/shell/processes/limits.ts';
import type { EscapePlace } from './row.ts';

export interface Attacker {
  /** Absolute; what the attacker's thread works in. */
  workspace: string;
  /** Absolute; the worker's own folder. */
  data: string;
  run(command: string, mode?: SandboxMode, threadId?: string, unasked?: true): Promise<CommandReport>;
}

/**
 * @param hidden folders of the worker that no command may see, absolute.
 * @param workspace absolute.
 */
export function createAttacker(
  place: EscapePlace,
  hidden: string[] = [],
  workspace = join(place.root, 'workspace'),
  limits: CommandLimits = NO_LIMITS,
): Attacker {
  const data = join(place.root, 'data');
  for (const folder of [workspace, data]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const runner = createCommandRunner({ stateDirectory: data, hiddenFolders: hidden, limits });
  return {
    workspace,
    data,
    run(command, mode = 'workspace-write', threadId = 'attacker', unasked) {
      const sandbox = { mode, writableRoots: [], networkAccess: false };
      const ids = { commandId: randomUUID(), threadId, command, cwd: workspace, workspace };
      return runner.run(
        { ...ids, ...(unasked && { unasked }), sandbox, timeoutMs: 20_000, maxOutputBytes: 16_384 },
        { signal: place.signal, onOutput: () => undefined },
      );
    },
  };
}
