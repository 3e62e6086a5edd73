/** Measures the events of a stream of server-sent events, to limit them before they are parsed. */
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

export interface MeasuredEvents {
  /** Bytes of the largest one, including those of earlier chunks. */
  largest: number;
  /** Number of events that end in the chunk. */
  ended: number;
}

/**
 * Takes the next bytes of an event stream. An empty line ends an event, and a line feed, a carriage return, or both end
 * a line. Goes from end to end of the lines, since an answer may have millions of bytes.
 */
export function createEventMeter(): (chunk: Uint8Array) => MeasuredEvents {
  let size = 0;
  let isLineEmpty = true;
  let endsInReturn = false;
  return (chunk) => {
    let largest = size;
    let ended = 0;
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
        if (isLineEmpty) ended += 1;
        size = isLineEmpty ? 0 : size + 1;
        isLineEmpty = true;
      }
      at = end + 1;
      if (lineFeed === end) lineFeed = find(chunk, LINE_FEED, at);
      if (carriageReturn === end) carriageReturn = find(chunk, CARRIAGE_RETURN, at);
    }
    return { largest: Math.max(largest, size), ended };
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
