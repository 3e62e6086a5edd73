import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readLog, rotateLog, toStartError } from './server-log.ts';

let folder: string;
let logFile: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bobbin-log-'));
  logFile = join(folder, 'temporal.log');
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** As written by server 1.29.1. */
const SAID = [
  ['portTaken', `can't set frontend port 7233: listen tcp 127.0.0.1:7233: bind: address already in use`],
  ['diskFull', 'failed setting up schema: error executing statement "CREATE TABLE ...": database or disk is full (13)'],
  ['databaseLocked', 'error creating namespace "default": database is locked (5) (SQLITE_BUSY)'],
  ['databaseCorrupted', 'error creating namespace "default": file is not a database (26)'],
  ['directoryUnwritable', 'unable to create SQLite admin DB: unable to open database file: out of memory (14)'],
  ['directoryUnwritable', 'failed checking dir for database file: stat /nowhere: no such file or directory'],
  ['startFailed', 'something nobody has seen before'],
] as const;

test.each(SAID)('an end that is %s is told from the log: %s', (code, message) => {
  const log = `level=ERROR msg=${JSON.stringify(message)}\n`;
  const error = toStartError({ where: '127.0.0.1:7233', how: 'it ended with code 1', logFile, log });
  expect(error.code).toBe(code);
  expect(error.message).toContain('127.0.0.1:7233');
  expect(error.message).toContain(`Last lines of ${logFile}:\n  ${log.trim()}`);
});

test('only what was written since the start is read, and of that the last part', async () => {
  await writeFile(logFile, 'before\nafter\n');
  expect(await readLog(logFile, 7)).toBe('after\n');
  await writeFile(logFile, `${'x'.repeat(100_000)}\nend\n`);
  const read = await readLog(logFile, 0);
  expect(read.length).toBe(64 * 1024);
  expect(read.endsWith('x\nend\n')).toBe(true);
  expect(await readLog(join(folder, 'missing'), 0)).toBe('');
});

test('a log that has grown large is moved aside', async () => {
  await writeFile(logFile, 'small');
  expect(await rotateLog(logFile)).toBe(5);
  await truncate(logFile, 20_000_000);
  expect(await rotateLog(logFile)).toBe(0);
  expect(await readdir(folder)).toEqual(['temporal.log.1']);
});
