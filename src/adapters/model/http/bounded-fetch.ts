/** `fetch` for libraries that read the answer themselves, with the same limits as for all other answers. */
import type { Failure } from '../../../../activities/failures.ts';
import type { CallFacts } from '../call-facts.ts';
import { MAX_BODY_BYTES, MAX_ERROR_BODY, MAX_EVENT_BYTES } from './answer-limits.ts';
import { modelFailure } from './http-failures.ts';

export interface BoundedFetchOptions {
  facts: CallFacts;
  /** Called for each piece of an answer. */
  onBytes: () => void;
  /** Called once, with the reason why the answer is not read further. */
  onExcess: (failure: Failure) => void;
  /** Bytes of one answer. */
  maxBodyBytes?: number;
  /** Bytes of one of its events. */
  maxEventBytes?: number;
}

type Stream = TransformStream<Uint8Array, Uint8Array>;

/** Follows no redirects, which would send the key headers of some providers to another host. */
export function createBoundedFetch(options: BoundedFetchOptions): typeof fetch {
  return async (input, init) => {
    const response = await fetch(input, { ...init, redirect: 'manual' });
    const { body, status, statusText, headers } = response;
    if (body === null) return response;
    const bounds = response.ok ? boundAnswer(options) : cutErrorBody(options);
    return new Response(body.pipeThrough(bounds), { status, statusText, headers });
  };
}

/** Counts decompressed bytes, because they fill memory. */
function boundAnswer({ facts, onBytes, onExcess, ...bounds }: BoundedFetchOptions): Stream {
  const { maxBodyBytes = MAX_BODY_BYTES, maxEventBytes = MAX_EVENT_BYTES } = bounds;
  const measureEvent = createEventMeter();
  let total = 0;
  return new TransformStream({
    transform(chunk, controller) {
      onBytes();
      total += chunk.length;
      const excess =
        total > maxBodyBytes
          ? `answered without end (more than ${maxBodyBytes} bytes)`
          : measureEvent(chunk) > maxEventBytes
            ? 'sent an event without end'
            : undefined;
      if (excess === undefined) {
        controller.enqueue(chunk);
        return;
      }
      const failure = modelFailure('modelAnswerMalformed', facts, excess);
      onExcess(failure);
      controller.error(failure);
    },
  });
}

/** Reads only the beginning of an error body. */
function cutErrorBody({ onBytes }: BoundedFetchOptions): Stream {
  let left = MAX_ERROR_BODY;
  return new TransformStream({
    transform(chunk, controller) {
      onBytes();
      controller.enqueue(chunk.subarray(0, left));
      left -= chunk.length;
      if (left <= 0) controller.terminate();
    },
  });
}

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

/**
 * Takes the next bytes of an event stream; returns the size of its largest event in them. An empty line ends an event, and a line
 * feed, a carriage return, or both end a line. Goes from end to end of the lines, since an answer may have millions of bytes.
 */
export function createEventMeter(): (chunk: Uint8Array) => number {
  let size = 0;
  let isLineEmpty = true;
  let endsInReturn = false;
  return (chunk) => {
    let largest = size;
    let lineFeed = chunk.indexOf(LINE_FEED);
    let carriageReturn = chunk.indexOf(CARRIAGE_RETURN);
    for (let at = 0; at < chunk.length;) {
      if (endsInReturn && lineFeed === at) {
        // The second half of a line end.
        size += 1;
        at += 1;
        lineFeed = find(chunk, LINE_FEED, at);
      }
      const end = first(lineFeed, carriageReturn, chunk.length);
      size += end - at;
      if (end > at) isLineEmpty = false;
      largest = Math.max(largest, size);
      endsInReturn = end === carriageReturn;
      if (end < chunk.length) {
        size = isLineEmpty ? 0 : size + 1;
        isLineEmpty = true;
      }
      at = end + 1;
      if (lineFeed === end) lineFeed = find(chunk, LINE_FEED, at);
      if (carriageReturn === end) carriageReturn = find(chunk, CARRIAGE_RETURN, at);
    }
    return Math.max(largest, size);
  };
}

function find(chunk: Uint8Array, byte: number, from: number): number {
  // A call costs more than a look, and line ends often follow each other.
  return chunk[from] === byte ? from : chunk.indexOf(byte, from);
}

/** @param one and `other` are places of what was looked for, or -1. */
function first(one: number, other: number, end: number): number {
  if (one === -1) return other === -1 ? end : other;
  return other === -1 ? one : Math.min(one, other);
}
