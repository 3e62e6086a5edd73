/**
 * One pipe for both output streams of a command, so that its output arrives in the original order.
 *
 * The pipes of `child_process` do not work: they are two, so the order is lost, and they are sockets, so that `echo … >
 * /dev/stderr` fails. Node cannot make a pipe but can open a named one, which `mkfifo` makes and later commands reuse.
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { constants, closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findProgram } from '../../programs.ts';
import { withoutLoaders } from '../command-environment.ts';

export interface OutputPipe {
  /** Passed to the child as its standard output and error. */
  readonly writeEnd: number;
  /** Call once the child has its own copy, or will not get one: the end of output is visible only after this. */
  closeWriteEnd(): void;
  /** Starts reading. The bytes given are valid during the call only. */
  read(onChunk: (chunk: Uint8Array) => void): void;
  /** Resolves once no process holds the write end any more and all was read. */
  readonly ended: Promise<void>;
  /** Gives the pipe back. Call it once, in every case. */
  release(): void;
}

export interface OutputPipes {
  /** Rejects with the error of `mkfifo` or the file system. Ignores an `mkfifo` in the workspace. */
  open(workspace: string): Promise<OutputPipe>;
}

const CHUNK_BYTES = 64 * 1024;

/** @param directory where the named pipes lie; made when the first one is needed. */
export function createOutputPipes(directory: string): OutputPipes {
  const idle: string[] = [];
  return {
    async open(workspace) {
      for (let path = idle.pop(); path !== undefined; path = idle.pop()) {
        // A file that somebody has deleted is not an error: the next one is tried, then a new one made.
        const pipe = openIfThere(path, idle);
        if (pipe !== undefined) return pipe;
      }
      return openPipe(await makeNamedPipe(directory, workspace), idle);
    },
  };
}

/** Rejects with the error of `mkfifo` or the file system. */
export async function makeNamedPipe(directory: string, workspace: string): Promise<string> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, `${randomUUID()}.pipe`);
  const mkfifo = findProgram('mkfifo', [workspace]);
  if (mkfifo === undefined) throw new Error(`there is no mkfifo on PATH outside of ${workspace}`);
  await promisify(execFile)(mkfifo, ['-m', '600', path], { env: withoutLoaders(process.env) });
  return path;
}

function openIfThere(path: string, idle: string[]): OutputPipe | undefined {
  try {
    return openPipe(path, idle);
  } catch {
    return undefined;
  }
}

function openPipe(path: string, idle: string[]): OutputPipe {
  // The reader comes first and does not wait; with it there, opening the writer does not wait either.
  const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writeEnd = openWriteEnd(path, readEnd);
  let socket: Socket | undefined;
  let writeEndOpen = true;
  let clean = false;
  let settle: () => void;
  const ended = new Promise<void>((resolve) => (settle = resolve));

  return {
    writeEnd,
    closeWriteEnd() {
      if (writeEndOpen) closeSync(writeEnd);
      writeEndOpen = false;
    },
    read(onChunk) {
      socket = readFrom(readEnd, onChunk, (hadError) => {
        clean = !hadError;
        settle();
      });
    },
    ended,
    release() {
      this.closeWriteEnd();
      if (socket === undefined) closeSync(readEnd);
      // Only a pipe that was read to its end has no writer left that could write into the next command's output.
      if (clean) idle.push(path);
      else {
        socket?.destroy();
        rmSync(path, { force: true });
      }
    },
  };
}

function openWriteEnd(path: string, readEnd: number): number {
  try {
    return openSync(path, constants.O_WRONLY);
  } catch (error) {
    closeSync(readEnd);
    throw error;
  }
}

function readFrom(fd: number, onChunk: (chunk: Uint8Array) => void, onEnd: (hadError: boolean) => void): Socket {
  const socket = new Socket({
    fd,
    readable: true,
    writable: false,
    onread: {
      buffer: Buffer.allocUnsafe(CHUNK_BYTES),
      callback(length, buffer) {
        onChunk(buffer.subarray(0, length));
        return true;
      },
    },
  });
  let ended = false;
  socket.on('end', () => (ended = true));
  socket.on('error', () => undefined);
  socket.on('close', () => onEnd(!ended));
  socket.resume();
  return socket;
}
