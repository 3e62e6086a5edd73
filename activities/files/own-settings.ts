import { Failure } from '../failures.ts';
import type { Ports, SandboxMode } from '../ports.ts';

/** Fails if programs outside the sandbox would run what a command or a patch writes there. */
export function refuseOwnSettings(ports: Ports, cwd: string, sandbox: SandboxMode): void {
  const reason = sandbox === 'workspace-write' ? ports.ownSettingsIn(cwd) : undefined;
  if (reason !== undefined) throw new Failure('workspaceHoldsSettings', reason, { details: { path: cwd } });
}
