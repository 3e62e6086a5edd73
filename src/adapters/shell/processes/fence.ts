/**
 * The fence of a workspace: a record per running command, written before it starts and removed after its report. When a
 * worker is killed, its records stay, and the next worker ends the processes of those commands.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { writePrivateFileSync } from '../../../folders/private-file.ts';
import { endProcesses } from './end-processes.ts';
import { isNamed } from './named-commands.ts';
import { readStartTime, type ProcessTable } from './process-table.ts';

interface FenceRecord {
  commandId: string;
  workerPid: number;
  /**
   * Together with the id it distinguishes the worker from a later process with the same id; null if the platform does
   * not report it.
   */
  workerStartTime: number | null;
  /** Null without /proc. */
  bootId: string | null;
  /** Process ids mean something only within one namespace; null without /proc. */
  pidNamespace: string | null;
  /** The host of the worker; earlier releases left it out. */
  hostId?: string;
  workspace: string;
}

export interface Fence {
  /** Writes the record of a command that is about to start; the function returned removes it. */
  enter(workspace: string, commandId: string): () => void;
  /** See `CommandPort.clean`. Reads only one folder if there is nothing to clean. */
  clean(workspace: string, commandIds?: string[]): Promise<{ ended: number; gone: boolean }>;
}

export interface FenceOptions {
  stateDirectory: string;
  hostId?: string | undefined;
  table: ProcessTable;
  log: (message: string) => void;
}

export function createFence({ stateDirectory, hostId, table, log }: FenceOptions): Fence {
  const self = describeSelf(hostId);
  const running = new Set<string>();
  const folderOf = (workspace: string): string => join(stateDirectory, 'commands', shortHash(resolve(workspace)));

  return {
    enter(workspace, commandId) {
      const folder = folderOf(workspace);
      const path = join(folder, `${toFileName(commandId)}.json`);
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeRecord(path, { commandId, ...self, workspace: resolve(workspace) });
      running.add(path);
      return () => {
        running.delete(path);
        rmSync(path, { force: true });
      };
    },
    async clean(workspace, commandIds = []) {
      const listed = new Set(commandIds);
      const left = readLeftRecords(folderOf(workspace), { listed, running, self, log });
      const targets = new Set([...listed, ...left.map((entry) => entry.commandId)]);
      if (targets.size === 0) return { ended: 0, gone: true };
      const report = await endProcesses(table, { commandIds: targets });
      if (report.gone) for (const entry of left) rmSync(entry.path, { force: true });
      else log(`Some processes of ${workspace} would not end; their records are kept for the next try.`);
      // Something that had to be found by a scan may not have been all.
      return { ended: report.ended, gone: left.length === 0 && report.ended === 0 };
    },
  };
}

interface LeftRecord {
  path: string;
  commandId: string;
}

interface Judgement {
  listed: ReadonlySet<string>;
  running: ReadonlySet<string>;
  self: WorkerPlace;
  log: (message: string) => void;
}

/** The records of dead workers, and those requested by id, except what belongs to another machine. */
function readLeftRecords(folder: string, judge: Judgement): LeftRecord[] {
  const left: LeftRecord[] = [];
  for (const name of listRecords(folder)) {
    const path = join(folder, name);
    if (judge.running.has(path) && judge.listed.size === 0) continue;
    const record = readRecord(path, judge.log);
    if (record === undefined) continue;
    if (isElsewhere(record, judge.self)) continue;
    if (isNamed(judge.listed, record.commandId) || workerIsDead(record, judge.self)) {
      left.push({ path, commandId: record.commandId });
    }
  }
  return left;
}

function listRecords(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.json'));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

function readRecord(path: string, log: (message: string) => void): FenceRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(path, 'utf8')) as Partial<FenceRecord>;
    if (typeof record.commandId === 'string' && typeof record.workerPid === 'number') return record as FenceRecord;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
  }
  log(`Removed the command record ${path}: it cannot be read, so what it stood for is unknown.`);
  rmSync(path, { force: true });
  return undefined;
}

/** A rename makes the record visible as a whole: another worker may read it at any time. */
function writeRecord(path: string, record: FenceRecord): void {
  writePrivateFileSync(path, JSON.stringify(record));
}

type WorkerPlace = Omit<FenceRecord, 'commandId' | 'workspace'>;

function describeSelf(hostId: string | undefined): WorkerPlace {
  return {
    ...(hostId !== undefined && { hostId }),
    workerPid: process.pid,
    workerStartTime: readStartTime(process.pid) ?? null,
    bootId: readOrNull(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    pidNamespace: readOrNull(() => readlinkSync('/proc/self/ns/pid')),
  };
}

/** Another host's on another machine: only that host can see its processes, and it cleans up when it is back. */
function isElsewhere(record: FenceRecord, self: WorkerPlace): boolean {
  const isOwn = record.hostId === undefined || record.hostId === self.hostId;
  return !isOwn && record.bootId !== self.bootId;
}

function workerIsDead(record: FenceRecord, self: WorkerPlace): boolean {
  if (record.bootId !== self.bootId) return true;
  // A worker of another container cannot be seen from here, nor can its commands.
  if (record.pidNamespace !== self.pidNamespace) return false;
  if (record.workerStartTime !== null) return readStartTime(record.workerPid) !== record.workerStartTime;
  try {
    process.kill(record.workerPid, 0);
    return false;
  } catch (error) {
    return errorCode(error) === 'ESRCH';
  }
}

function readOrNull(read: () => string): string | null {
  try {
    return read();
  } catch {
    return null;
  }
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

function toFileName(commandId: string): string {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(commandId) ? commandId : shortHash(commandId);
}

function errorCode(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
