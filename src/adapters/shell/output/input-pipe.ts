/**
 * A pipe to the terminal of a command. That of `child_process` is a socket, which cannot be opened again under its name
 * (`/dev/stdin`), and bash takes one for a remote login.
 */
import { constants, closeSync, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { makeNamedPipe } from './output-pipe.ts';

export interface InputPipe {
  /** Passed to the child. */
  readonly readEnd: number;
  /** What is written here is read there. It buffers without a limit. */
  readonly input: Writable;
  /** Call as soon as the child has its own copy, or will not get one. Idempotent. */
  closeReadEnd(): void;
}

export async function openInputPipe(directory: string, workspace: string): Promise<InputPipe> {
  const path = await makeNamedPipe(directory, workspace);
  try {
    // With both ends open here, neither of the others waits. The child's must not be one that never waits.
    const both = openSync(path, constants.O_RDWR);
    const readEnd = openSync(path, constants.O_RDONLY);
    const input = new Socket({ fd: openSync(path, constants.O_WRONLY | constants.O_NONBLOCK), readable: false });
    closeSync(both);
    // A command that reads nothing more closes its end.
    input.on('error', () => undefined);
    let isOpen = true;
    const closeReadEnd = (): void => {
      if (isOpen) closeSync(readEnd);
      isOpen = false;
    };
    return { readEnd, input, closeReadEnd };
  } finally {
    rmSync(path, { force: true });
  }
}
