import { isAtLeast } from '../temporal-service/obtain/binary-version.ts';
import { findOnPath, lastLines, runProgram } from '../temporal-service/obtain/program.ts';
import type { CheckContext, Finding, Probe } from './check.ts';

/** Checks the programs that Bobbin needs. */
export const machineProbes: Probe[] = [
  {
    name: 'Node.js',
    need: '22.18 or later to run from source, 22.12 or later for the built program',
    look: () => Promise.resolve(lookAtNode(process.versions.node)),
  },
  {
    name: 'git',
    need: 'git on PATH, for snapshots and reviews of a workspace',
    look: (context) => lookForProgram(context, 'git', 'Install git (https://git-scm.com/downloads).'),
  },
  {
    name: 'bash',
    need: 'bash on PATH, to run commands; without it, sh is used',
    look: (context) => lookForShell(context),
  },
];

export function lookAtNode(version: string): Finding {
  if (isAtLeast(version, 22, 18)) return { status: 'ok', found: version };
  const status = isAtLeast(version, 22, 12) ? 'warning' : 'missing';
  return {
    status,
    found: version,
    howTo: 'Use the npm scripts, which install their own Node.js, or install Node.js 24 (https://nodejs.org).',
  };
}

async function lookForShell(context: CheckContext): Promise<Finding> {
  const finding = await lookForProgram(context, 'bash', 'Install bash.');
  if (finding.status === 'ok' || findOnPath('sh', context.env) === undefined) return finding;
  return { ...finding, status: 'warning' };
}

/** Reports the path of a program and the first line of its version. */
export async function lookForProgram(
  context: CheckContext,
  name: string,
  howTo: string,
  versionArgument = '--version',
): Promise<Finding> {
  const path = findOnPath(name, context.env);
  if (path === undefined) return { status: 'missing', found: 'not on PATH', howTo };
  const { env, signal } = context;
  const report = await runProgram(path, [versionArgument], { env, signal, timeoutMs: 4_000 });
  const firstLine = report.output.split('\n', 1)[0] ?? '';
  if (report.exitCode === 0) return { status: 'ok', found: `${path}: ${firstLine}` };
  return { status: 'missing', found: `${path} does not work: ${lastLines(report.output, 1)}`, howTo };
}
