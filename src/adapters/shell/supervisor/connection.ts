/** A connection at a supervisor: one request, which is handed on when its client has proved itself, and words after it. */
import type { Socket } from 'node:net';
import { nameProof, takeProof } from './proofs.ts';
import { type Request, type Word, readLines, sendLine } from './wire.ts';

/** Returns what takes the words that follow; undefined if none do. */
type Handle = (request: Request, client: Socket) => ((word: Word) => void) | undefined;

const MAX_PROOF_MS = 10_000;
const MAX_EARLY = 16;

/** @param folder that of the socket */
export function readRequest(client: Socket, folder: string, handle: Handle): void {
  const file = nameProof();
  const late = setTimeout(() => client.destroy(), MAX_PROOF_MS);
  client.on('close', () => {
    clearTimeout(late);
    takeProof(folder, file);
  });
  let request: Request | undefined;
  let isProved = false;
  let take: ((word: Word) => void) | undefined;
  /** A client may stop its command at once. */
  const early: Word[] = [];

  const onWord = (asked: Request, { type }: Word): void => {
    if (isProved) {
      take?.({ type });
      return;
    }
    if (type !== 'proved' && early.push({ type }) <= MAX_EARLY) return;
    if (type !== 'proved' || !takeProof(folder, file)) {
      client.destroy();
      return;
    }
    isProved = true;
    clearTimeout(late);
    take = handle(asked, client);
    for (const word of early) take?.(word);
  };
  readLines(client, (message) => {
    if (request !== undefined) {
      onWord(request, message as Word);
      return;
    }
    request = message as Request;
    sendLine(client, { type: 'prove', file });
  });
}
