/** `fetch` for libraries that read the answer themselves, with the same limits as for all other answers. */
import type { Failure } from '../../../../activities/failures.ts';
import { createEventMeter } from '../../event-meter.ts';
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
  const measure = createEventMeter();
  let total = 0;
  return new TransformStream({
    transform(chunk, controller) {
      onBytes();
      total += chunk.length;
      const excess =
        total > maxBodyBytes
          ? `answered without end (more than ${maxBodyBytes} bytes)`
          : measure(chunk).largest > maxEventBytes
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
