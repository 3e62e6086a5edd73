import { open, rename, stat } from 'node:fs/promises';
import { lastLines } from '../obtain/program.ts';
import { TemporalServiceError } from './service-error.ts';
import type { TemporalServiceErrorCode } from './service-error.ts';

const KEPT_BYTES = 16 * 1024 * 1024;
const READ_BYTES = 64 * 1024;
const SHOWN_LINES = 8;

/** Moves a large log to `<path>.1`, and returns the size of the current one. */
export async function rotateLog(path: string): Promise<number> {
  const size = await sizeOf(path);
  if (size < KEPT_BYTES) return size;
  await rename(path, `${path}.1`);
  return 0;
}

/** The last 64 KiB of what the server wrote after byte `from`. */
export async function readLog(path: string, from: number): Promise<string> {
  const size = await sizeOf(path);
  const start = Math.max(from, size - READ_BYTES);
  if (size <= start) return '';
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(size - start), position: start });
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

async function sizeOf(path: string): Promise<number> {
  return await stat(path).then(
    (found) => found.size,
    () => 0,
  );
}

interface Diagnosis {
  code: TemporalServiceErrorCode;
  sign: RegExp;
  advice: string;
}

/** Messages of the server (1.29, SQLite), each with advice. */
const DIAGNOSES: Diagnosis[] = [
  {
    code: 'portTaken',
    sign: /address already in use/,
    advice: 'End what listens on that port, or choose another one.',
  },
  {
    code: 'diskFull',
    sign: /disk is full|no space left on device/i,
    advice: 'Free some space on the file system of the data directory, or choose another one.',
  },
  {
    code: 'databaseLocked',
    sign: /SQLITE_BUSY|database (table )?is locked/,
    advice: 'Another process has that database open. End it, or choose another data directory.',
  },
  {
    code: 'databaseCorrupted',
    sign: /file is not a database|disk image is malformed|SQLITE_CORRUPT|SQLITE_NOTADB/,
    advice: 'That file is no usable database. Move it aside, which gives up its threads, or bring back a copy of it.',
  },
  {
    code: 'directoryUnwritable',
    sign: /unable to open database file|readonly database|permission denied|read-only file system|failed checking dir/i,
    advice: 'See to it that the data directory exists and can be written, or choose another one.',
  },
];

/** Facts about a service that did not start. */
export interface FailedStart {
  /** Its addresses and database, for the message. */
  where: string;
  /** How it ended, or that it did not answer. For the message. */
  how: string;
  logFile: string;
  /** What it wrote during this start. */
  log: string;
}

/** The error for a service that did not start, with the end of its log. */
export function toStartError(failed: FailedStart): TemporalServiceError {
  const diagnosis = DIAGNOSES.find(({ sign }) => sign.test(failed.log));
  const lines = lastLines(failed.log, SHOWN_LINES) || '(it wrote nothing)';
  return new TemporalServiceError(
    diagnosis?.code ?? 'startFailed',
    [
      `The Temporal service did not start (${failed.where}): ${failed.how}.`,
      diagnosis?.advice ?? 'The last lines of its log may tell why.',
      `Last lines of ${failed.logFile}:`,
      ...lines.split('\n').map((line) => `  ${line}`),
    ].join('\n'),
  );
}
