/** Checks the data folder, and data that an earlier release may have left in the current folder. */
import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { findFormerData } from '../former-data.ts';
import { reasonOf, systemCodeOf } from '../temporal-service/run/service-error.ts';
import type { Finding, Probe } from './check.ts';

const MEGABYTE = 1e6;
const FREE_NEEDED = 100 * MEGABYTE;
const FREE_WANTED = 1000 * MEGABYTE;
const OTHERS = 0o077;

export const dataProbes: Probe[] = [
  {
    name: 'data directory',
    need: 'a writable directory with 1 GB of free space that is closed to other users',
    look: (context) => lookAtDirectory(context.dataDirectory),
  },
  {
    name: 'former data',
    need: 'no .bobbin in this folder: earlier releases stored everything there, and a clone can contain one',
    look: ({ dataDirectory }) => Promise.resolve(lookForFormerData(process.cwd(), dataDirectory)),
  },
];

export function lookForFormerData(folder: string, dataDirectory: string): Finding {
  const path = findFormerData(folder, dataDirectory);
  if (path === null) return { status: 'ok', found: `none in ${folder}` };
  const howTo = '`bobbin data import` shows it; if it is yours, --yes imports it. Otherwise do nothing.';
  return { status: 'warning', found: `${path}, which is not used`, howTo };
}

/** Checks the nearest existing directory, because a check creates nothing. */
export async function lookAtDirectory(directory: string): Promise<Finding> {
  const path = resolve(directory);
  try {
    const existing = await nearestExisting(path);
    if (!(await stat(existing)).isDirectory()) throw new Error(`${existing} is not a directory`);
    await access(existing, constants.W_OK | constants.X_OK);
    const { bavail, bsize } = await statfs(existing);
    const room = judgeRoom(path, bavail * bsize);
    return existing === path && room.status !== 'missing' ? ((await findOpening(path)) ?? room) : room;
  } catch (error) {
    return {
      status: 'missing',
      found: `${path} cannot be written: ${reasonOf(error)}`,
      howTo: 'Correct its permissions, or use another data directory.',
    };
  }
}

/** Returns why the folder is not private; undefined if it is. */
async function findOpening(path: string): Promise<Finding | undefined> {
  const { uid, mode } = await stat(path);
  if (process.getuid === undefined) return undefined;
  if (uid !== process.getuid()) {
    const howTo = 'Use another data directory: Bobbin does not start with this one.';
    return { status: 'missing', found: `${path} belongs to another user (uid ${uid})`, howTo };
  }
  if ((mode & OTHERS) === 0) return undefined;
  const howTo = 'The next start closes it and everything in it.';
  return { status: 'warning', found: `${path} is open to other users (mode ${(mode & 0o777).toString(8)})`, howTo };
}

export function judgeRoom(path: string, freeBytes: number): Finding {
  const found = `${path}, ${(freeBytes / MEGABYTE).toFixed(0)} MB free`;
  if (freeBytes >= FREE_WANTED) return { status: 'ok', found };
  const howTo = 'Free some space there, or use another data directory.';
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
