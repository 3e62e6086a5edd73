/** Formats a line of a worker's log. It may contain foreign text: output of commands, answers of servers, names of files. */
import { inspect } from 'node:util';
import type { LogEntry } from '@temporalio/worker';
import { toVisibleLine } from '../contract/plain/foreign-text.ts';

/** In UTF-16 units. The line says how many more are left out. */
const MAX_CHARS = 16_000;

export function toLogLine({ level, timestampNanos, message, meta }: LogEntry): string {
  const time = new Date(Number(timestampNanos / 1_000_000n)).toISOString();
  const more = meta === undefined ? '' : ` ${inspect(meta, { breakLength: Infinity, compact: true })}`;
  const line = toVisibleLine(`${time} [${level}] ${message}${more}`);
  return line.length <= MAX_CHARS ? line : `${line.slice(0, MAX_CHARS)}… (+${line.length - MAX_CHARS} characters)`;
}
