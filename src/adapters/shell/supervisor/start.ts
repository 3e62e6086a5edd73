import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { PACKAGE_ROOT, programFile } from '../../../folders/program-files.ts';
import type { SupervisorConfig } from './wire.ts';

/** Resolves when it or another one of its name serves. */
export async function startSupervisor(config: SupervisorConfig, environment: Record<string, string>): Promise<void> {
  const child = spawn(process.execPath, [programFile('supervisor')], {
    cwd: PACKAGE_ROOT,
    env: environment,
    // Its own session: neither a signal to the worker's group nor the end of a terminal reaches it.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.unref();
  child.stdin.on('error', () => undefined);
  child.stdin.end(JSON.stringify(config));
  const ready = once(child.stdout, 'data').then(() => undefined);
  const failed = once(child, 'exit').then(async ([code]) => {
    if (code !== 0) throw new Error(`it ended with code ${String(code)}: ${(await said).trim().slice(-1_000)}`);
  });
  const said = text(child.stderr).catch(() => '');
  failed.catch(() => undefined);
  try {
    await Promise.race([ready, failed]);
  } finally {
    child.stdout.destroy();
    child.stderr.destroy();
  }
}
