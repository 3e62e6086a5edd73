import { type ChildProcess, spawn } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { type LimitName, type Machine, NO_LIMITS, createLimitWatch } from './limits.ts';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** A process that keeps that much memory, and does nothing else. */
async function startHolder(megabytes: number): Promise<number> {
  const script = `globalThis.kept = Buffer.alloc(${megabytes} << 20, 1); process.stdout.write('ready'); setInterval(() => {}, 1e6)`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return child.pid ?? 0;
}

const plenty: Machine = {
  isMemoryShort: () => false,
  roomAt: (folder) => ({ folder, freeMb: 50_000, inodes: 1_000_000 }),
};

const watchOne = (machine: Machine, pid: number, limits: Partial<typeof NO_LIMITS>, folders = ['/a', '/b']) =>
  new Promise<LimitName>((onLimit) => {
    const watched = { pid, folders, limits: { ...NO_LIMITS, ...limits }, outputBytes: () => 0, onLimit };
    createLimitWatch(machine).add(watched);
  });

describe('a watch of limits', () => {
  it('ends the largest command first if the machine has hardly any memory left, as long as that is so', async () => {
    const pids = await Promise.all([startHolder(10), startHolder(120), startHolder(60)]);
    const ended: number[] = [];
    const watch = createLimitWatch({ ...plenty, isMemoryShort: () => ended.length < 2 });
    await new Promise<void>((resolve) => {
      for (const pid of pids)
        watch.add({
          ...{ pid, folders: [], limits: { ...NO_LIMITS, memoryMb: 100_000 }, outputBytes: () => 0 },
          onLimit: (name) => {
            expect(name).toBe('memoryMb');
            if (ended.push(pid) === 2) resolve();
          },
        });
    });
    expect(ended).toEqual([pids[1], pids[2]]);
  });

  it('keeps room free on every file system that the command can fill', async () => {
    let looks = 0;
    const filling: Machine = {
      ...plenty,
      roomAt: (folder) => ({ folder, freeMb: folder === '/b' && looks++ > 0 ? 99 : 50_000, inodes: 0 }),
    };
    expect(await watchOne(filling, process.pid, { freeMb: 100 })).toBe('freeMb');
  });

  it('keeps half of what was free if that is less than its limit', async () => {
    const left = [60, 31, 29];
    const small: Machine = { ...plenty, roomAt: (folder) => ({ folder, freeMb: left.shift() ?? 0, inodes: 0 }) };
    expect(await watchOne(small, process.pid, { freeMb: 100 }, ['/a'])).toBe('freeMb');
    expect(left).toEqual([]);
  });

  it('keeps room for new files', async () => {
    let looks = 0;
    const filling: Machine = {
      ...plenty,
      roomAt: (folder) => ({ folder, freeMb: 50_000, inodes: looks++ > 0 ? 19_000 : 1_000_000 }),
    };
    expect(await watchOne(filling, process.pid, { freeMb: 100 }, ['/a'])).toBe('freeMb');
  });
});
