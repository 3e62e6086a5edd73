/** Facts about this machine for agents. */
import { arch, release, type } from 'node:os';
import { basename } from 'node:path';
import type { MachinePort } from '../../activities/ports.ts';
import { findProgram } from './programs.ts';

/** Takes a millisecond to make. */
const WEEKDAY = new Intl.DateTimeFormat('en', { weekday: 'long' });

export const machine: MachinePort = {
  describe: (cwd) => ({
    system: `${type()} ${release()} (${arch()})`,
    shell: basename(findProgram('bash', [cwd]) ?? 'sh'),
    date: toDay(new Date()),
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  }),
};

function toDay(now: Date): string {
  const day = [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((part) => String(part).padStart(2, '0'));
  return `${day.join('-')}, ${WEEKDAY.format(now)}`;
}
