import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { isAtLeast } from '../temporal-service/binary-version.ts';
import { findOnPath, lastLines, runProgram } from '../temporal-service/program.ts';
import { reasonOf, systemCodeOf } from '../temporal-service/service-error.ts';
import type { CheckContext, Finding, Probe } from './check.ts';

const MEGABYTE = 1e6;
const FREE_NEEDED = 100 * MEGABYTE;
const FREE_WANTED = 1000 * MEGABYTE;

/** What Bobbin needs of the machine itself. */
export const machineProbes: Probe[] = [
  {
    name: 'Node.js',
    need: '22.18 or later to run from source, 20.3 or later for the built program',
    look: () => Promise.resolve(lookAtNode(process.versions.node)),
  },
  {
    name: 'git',
    need: 'git on PATH, for snapshots and reviews of a workspace',
    look: (context) => lookForProgram(context, 'git', 'Install git (https://git-scm.com/downloads).'),
  },
  {
    name: 'bash',
    need: 'bash on PATH, to run commands in; sh stands in for it',
    look: (context) => lookForShell(context),
  },
  {
    name: 'data directory',
    need: 'a directory that can be written, with 1 GB of room',
    look: (context) => lookAtDirectory(context.dataDirectory),
  },
];

export function lookAtNode(version: string): Finding {
  if (isAtLeast(version, 22, 18)) return { status: 'ok', found: version };
  const status = isAtLeast(version, 20, 3) ? 'warning' : 'missing';
  return {
    status,
    found: version,
    howTo:
      'Use the npm scripts, which bring a current Node.js of their own, or install Node.js 24 (https://nodejs.org).',
  };
}

async function lookForShell(context: CheckContext): Promise<Finding> {
  const finding = await lookForProgram(context, 'bash', 'Install bash.');
  if (finding.status === 'ok' || findOnPath('sh', context.env) === undefined) return finding;
  return { ...finding, status: 'warning' };
}

/** The path of a program and the first line of its version. */
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

/** Asks about the nearest directory that exists, since nothing may be made here. */
export async function lookAtDirectory(directory: string): Promise<Finding> {
  const path = resolve(directory);
  try {
    const existing = await nearestExisting(path);
    if (!(await stat(existing)).isDirectory()) throw new Error(`${existing} is no directory`);
    await access(existing, constants.W_OK | constants.X_OK);
    const { bavail, bsize } = await statfs(existing);
    return judgeRoom(path, bavail * bsize);
  } catch (error) {
    return {
      status: 'missing',
      found: `${path} cannot be written: ${reasonOf(error)}`,
      howTo: 'Correct its permissions, or choose another data directory.',
    };
  }
}

export function judgeRoom(path: string, freeBytes: number): Finding {
  const found = `${path}, ${(freeBytes / MEGABYTE).toFixed(0)} MB free`;
  if (freeBytes >= FREE_WANTED) return { status: 'ok', found };
  const howTo = 'Free some space there, or choose another data directory.';
  return { status: freeBytes >= FREE_NEEDED ? 'warning' : 'missing', found, howTo };
}

async function nearestExisting(path: string): Promise<string> {
  try {
    await stat(path);
    return path;
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
    return await nearestExisting(dirname(path));
  }
}
