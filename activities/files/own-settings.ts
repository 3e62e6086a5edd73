import { Failure } from '../failures.ts';
import type { Ports, SandboxMode } from '../ports.ts';

/** Fails if programs outside the sandbox would run what a command or a patch writes there. */
export function refuseOwnSettings(ports: Ports, cwd: string, sandbox: SandboxMode): void {
  const reason = sandbox === 'workspace-write' ? ports.ownSettingsIn(cwd) : undefined;
  if (reason !== undefined) throw new Failure('workspaceHoldsSettings', reason, { details: { path: cwd } });
}

/** The same for what an undo or a redo writes. Only a workspace with such settings needs the thread's answer. */
export async function refuseOwnSettingsOf(
  ports: Ports,
  { threadId, cwd }: { threadId: string; cwd: string },
  signal: AbortSignal,
): Promise<void> {
  if (ports.ownSettingsIn(cwd) === undefined) return;
  const { settings } = await ports.threads.context(threadId, Number.MAX_SAFE_INTEGER, signal);
  refuseOwnSettings(ports, cwd, settings.sandbox);
}
