/** Requests to supervisors. */
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { type Socket, connect } from 'node:net';
import { join } from 'node:path';
import { makeProof } from './proofs.ts';
import { type Answer, type Request, atSocketPath, readLines, sendLine } from './wire.ts';

/** Rejects if nothing listens there. */
async function open(folder: string, name: string): Promise<Socket> {
  return atSocketPath(folder, name, async (path) => {
    const socket = connect(path);
    await once(socket, 'connect');
    socket.on('error', () => undefined);
    return socket;
  });
}

export async function isServed(folder: string, name: string): Promise<boolean> {
  try {
    (await open(folder, name)).destroy();
    return true;
  } catch {
    return false;
  }
}

export interface Exchange {
  socket: Socket;
  /** Settles when the connection is closed, by either side. */
  closed: Promise<void>;
}

/** Rejects if no supervisor listens there. */
export async function ask(
  folder: string,
  name: string,
  request: Request,
  onAnswer: (answer: Answer) => void,
): Promise<Exchange> {
  const socket = await open(folder, name);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  readLines(socket, (message) => {
    const answer = message as Answer;
    if (answer.type === 'prove') {
      makeProof(folder, answer.file);
      sendLine(socket, { type: 'proved' });
    } else onAnswer(answer);
  });
  sendLine(socket, request);
  return { socket, closed };
}

/** The last answer to a request without more to say; undefined if no supervisor listens there, or it ends meanwhile. */
export async function askOnce(folder: string, name: string, request: Request): Promise<Answer | undefined> {
  let last: Answer | undefined;
  try {
    const { closed } = await ask(folder, name, request, (answer) => (last = answer));
    await closed;
    return last;
  } catch {
    return undefined;
  }
}

/** The folders of hosts in that of all supervisors. */
export function listHostFolders(all: string): string[] {
  try {
    return readdirSync(all).flatMap((name) => (name.startsWith('@') ? [join(all, name)] : []));
  } catch {
    return [];
  }
}

/** Every supervisor of a data folder has one; it may be left from a killed one. */
export function listSockets(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => /^[0-9a-f]+-[0-9a-f]+\.sock$/.test(name));
  } catch {
    return [];
  }
}
