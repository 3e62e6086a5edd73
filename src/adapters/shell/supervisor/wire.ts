/**
 * The messages between workers and supervisors: one request per connection, one line of JSON per message. A request is
 * answered first with `prove`, and once more when the client has said `proved`. Both sides may be of different releases:
 * unknown members are ignored, unknown requests are answered with a failure.
 */
import { createHash } from 'node:crypto';
import { closeSync, constants, openSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { CommandReport, CommandSpec, OutputTail, Poll } from '../../../../activities/ports.ts';
import type { CommandRunnerOptions } from '../command-runner.ts';

export type Request =
  /** Keeps the supervisor alive; answered with `here`, then with the lines of its log. */
  | { type: 'stay' }
  /** Idempotent by key. Answered with `output`, then with an {@link End}. The command continues if the client leaves. */
  | { type: 'run'; key: string; spec: CommandSpec; poll?: Poll }
  /** The same for a command that runs or has ended; `unknown` if there is none. */
  | { type: 'attach'; key: string; threadId: string; poll?: Poll }
  /** Stops commands by their ids; answered with `stopped` when they have ended. */
  | { type: 'stop'; commandIds: string[] }
  /** Ends everything, unless a worker stays. Answered with `ended`. */
  | { type: 'end' };

/** `proved`, after the file was made. From the client of `run` or `attach`, then: `stop` stops the command, which then ends with
 * a report; others are ignored. */
export interface Word {
  type: string;
}

export type End =
  /** `unread`: the output that no look has returned, if it was looked at. */
  | { type: 'report'; report: CommandReport; unread?: string }
  | { type: 'failed'; code: string; message: string; details?: Record<string, string | number | boolean> };

export type Answer =
  | End
  /** The name of the file to make in the folder of the socket. @see proofs.ts */
  | { type: 'prove'; file: string }
  | { type: 'here' }
  | { type: 'log'; line: string }
  | { type: 'output'; tail: OutputTail }
  | { type: 'unknown' }
  | { type: 'stopped'; commands: number; gone: boolean }
  | { type: 'ended'; left: boolean };

/** The standard input of a supervisor. */
export interface SupervisorConfig {
  /** Supervisors with the same name run commands in the same way. */
  name: string;
  options: Omit<CommandRunnerOptions, 'log' | 'openConnection'>;
}

/** More than any command or report has. */
const MAX_LINE_CHARS = 32 * 1024 * 1024;

export function sendLine(socket: Socket, message: Request | Word | Answer): void {
  if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
}

/** Closes the connection at a line that is too long or is no JSON. */
export function readLines(socket: Socket, onMessage: (message: unknown) => void): void {
  let rest = '';
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => {
    const lines = text.split('\n');
    lines[0] = rest + (lines[0] ?? '');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE_CHARS) return void socket.destroy();
    try {
      for (const line of lines) onMessage(JSON.parse(line));
    } catch {
      socket.destroy();
    }
  });
}

/** @param hostId of one that may share the state directory with others: none of them can reach the supervisors of another */
export function supervisorsFolder(stateDirectory: string, hostId?: string): string {
  return join(stateDirectory, 'supervisors', ...(hostId === undefined ? [] : [`@${hostId}`]));
}

/** The path of a socket has 107 bytes at most, and less on other platforms. */
const MAX_SOCKET_PATH_BYTES = process.platform === 'linux' ? 107 : 103;

/** Calls `use` with a path that a socket may have, however long that of its folder is. */
export async function atSocketPath<T>(folder: string, name: string, use: (path: string) => Promise<T>): Promise<T> {
  const path = join(folder, name);
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES || process.platform !== 'linux') return use(path);
  const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    return await use(`/proc/self/fd/${fd}/${name}`);
  } finally {
    closeSync(fd);
  }
}

export function shortHash(text: string, length = 32): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length);
}
