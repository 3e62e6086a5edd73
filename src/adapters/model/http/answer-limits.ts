/** Limits the size of an answer, so that an endpoint that never stops cannot fill memory. */
import type { Failure } from '../../../../activities/failures.ts';
import type { CallFacts } from '../call-facts.ts';
import { modelFailure } from './http-failures.ts';

/** Bytes of one answer, including ignored ones. */
export const MAX_BODY_BYTES = 64 * 1024 * 1024;
/** Bytes of one event. The last event of some endpoints repeats the whole answer and the request. */
export const MAX_EVENT_BYTES = 16 * 1024 * 1024;
/** Bytes of an error body that are read. */
export const MAX_ERROR_BODY = 64 * 1024;
/** Longest silence of an endpoint, in milliseconds. */
export const IDLE_TIMEOUT_MS = 300_000;
/** Longest time without a part of an answer, for example with only comments that keep the connection open. */
export const EVENT_TIMEOUT_MS = 15 * 60_000;

/** UTF-8 bytes of one output entry. */
export const MAX_ENTRY_BYTES = 1024 * 1024;
export const MAX_ENTRIES = 512;
/** UTF-8 bytes of all output entries together. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

export interface AnswerMeter {
  /** Counts bytes of an entry; `key` names it. Throws `modelAnswerMalformed` above a limit. */
  add(key: number | string, text: string): void;
  /** Counts an entry; throws the same above the limit. */
  open(key: number | string): void;
  /** Replaces the counted size of an entry. */
  set(key: number | string, text: string): void;
}

export function createAnswerMeter(facts: CallFacts): AnswerMeter {
  const sizes = new Map<number | string, number>();
  let total = 0;
  const open = (key: number | string) => {
    if (!sizes.has(key)) sizes.set(key, 0);
    if (sizes.size > MAX_ENTRIES) throw tooLarge(facts, `more than ${MAX_ENTRIES} output entries`);
  };
  const count = (key: number | string, size: number) => {
    open(key);
    total += size - (sizes.get(key) ?? 0);
    sizes.set(key, size);
    if (size > MAX_ENTRY_BYTES) throw tooLarge(facts, `more than ${MAX_ENTRY_BYTES} bytes in one output entry`);
    if (total > MAX_ANSWER_BYTES) throw tooLarge(facts, `more than ${MAX_ANSWER_BYTES} bytes of output`);
  };
  return {
    open,
    add: (key, text) => count(key, (sizes.get(key) ?? 0) + Buffer.byteLength(text)),
    set: (key, text) => count(key, Buffer.byteLength(text)),
  };
}

function tooLarge(facts: CallFacts, what: string): Failure {
  return modelFailure('modelAnswerMalformed', facts, `sent ${what}, and the connection was closed`);
}
