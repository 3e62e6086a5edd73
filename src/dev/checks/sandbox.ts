import { platform } from 'node:os';
import { toInstallCommand } from '../sandbox-install.ts';
import { findOnPath, lastLines, runProgram } from '../temporal-service/obtain/program.ts';
import type { Probe } from './check.ts';

/** All namespaces that the sandbox of a command uses. */
export const SMALLEST_SANDBOX = [
  '--unshare-all',
  '--die-with-parent',
  '--ro-bind',
  '/',
  '/',
  '--proc',
  '/proc',
  '--dev',
  '/dev',
];

const WITHOUT = 'Without it, only threads in mode danger-full-access can run commands.';

/** Checks whether bubblewrap is installed, and by running it, whether the kernel lets it work. */
export const sandboxProbe: Probe = {
  name: 'sandbox',
  need: 'bubblewrap with user namespaces, to keep commands inside their workspace',
  look: async ({ env, signal }) => {
    const path = findOnPath('bwrap', env);
    if (path === undefined) {
      const howTo =
        platform() === 'linux'
          ? `${toInstallCommand(env)?.join(' ') ?? 'Install bubblewrap with your package manager'}. ${WITHOUT}`
          : `bubblewrap exists for Linux only. ${WITHOUT}`;
      return { status: 'missing', found: 'no `bwrap` on PATH', howTo };
    }
    const report = await runProgram(path, [...SMALLEST_SANDBOX, 'true'], { env, signal, timeoutMs: 4_000 });
    if (report.exitCode === 0) return { status: 'ok', found: `${path}, works` };
    return {
      status: 'missing',
      found: `${path}, but it does not work: ${lastLines(report.output, 1) || 'no output'}`,
      howTo:
        'Allow user namespaces to bwrap (on Ubuntu: `sysctl kernel.apparmor_restrict_unprivileged_userns=0` or a profile ' +
        `for it; in a container: the security options in docker-compose.yml). ${WITHOUT}`,
    };
  },
};

/** The same check, before a thread is started. */
export async function sandboxOfThisMachine(): Promise<{ available: true } | { available: false; reason: string }> {
  const finding = await sandboxProbe.look({
    env: process.env,
    dataDirectory: '',
    cacheDirectory: '',
    signal: AbortSignal.timeout(5_000),
  });
  return finding.status === 'ok' ? { available: true } : { available: false, reason: finding.found };
}
