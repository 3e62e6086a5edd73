/**
 * The first and the last part of an output of any length, in bounded memory.
 */
export interface OutputWindow {
  /** The bytes are copied; the caller may reuse the buffer. */
  push(chunk: Uint8Array): void;
  /** Total number of bytes. */
  readonly bytes: number;
  /**
   * Everything if it fits, otherwise head and tail with a line between them that says what is missing. Head and tail
   * together take at most the limit in UTF-8, cut at character boundaries; invalid bytes become U+FFFD.
   */
  text(): { output: string; truncated: boolean };
}

const NEWLINE = 10;

/** @param limit bytes kept, half of them from the start and half from the end. */
export function createOutputWindow(limit: number): OutputWindow {
  const headLimit = Math.ceil(limit / 2);
  const tailLimit = Math.floor(limit / 2);
  const head = Buffer.alloc(headLimit);
  const last = createRing(tailLimit);
  let bytes = 0;
  let newlines = 0;

  const wholeHead = (): Buffer => head.subarray(0, Math.min(bytes, headLimit));
  return {
    push(chunk) {
      if (bytes < headLimit) head.set(chunk.subarray(0, headLimit - bytes), bytes);
      last.push(chunk);
      bytes += chunk.length;
      newlines += countNewlines(chunk);
    },
    get bytes() {
      return bytes;
    },
    text() {
      const rest = last.last(Math.min(tailLimit, bytes - Math.min(bytes, headLimit)));
      if (bytes <= limit) {
        const all = decode(Buffer.concat([wholeHead(), rest]));
        if (Buffer.byteLength(all) <= limit) return { output: all, truncated: false };
      }
      const kept = { head: fitStart(wholeHead(), headLimit), tail: fitEnd(rest, tailLimit) };
      const lines = newlines - countNewlines(kept.head) - countNewlines(kept.tail);
      const missing = describeMissing(bytes - kept.head.length - kept.tail.length, lines);
      return { output: joinLines(decode(kept.head), missing, decode(kept.tail)), truncated: true };
    },
  };
}

function describeMissing(bytes: number, lines: number): string {
  const count = (value: number): string => value.toLocaleString('en-US');
  return `… ${count(bytes)} bytes (${count(lines)} lines) omitted …`;
}

function joinLines(head: string, middle: string, tail: string): string {
  return `${head}${head === '' || head.endsWith('\n') ? '' : '\n'}${middle}\n${tail}`;
}

interface Ring {
  push(chunk: Uint8Array): void;
  /** A copy of the last `count` bytes, or of all. */
  last(count: number): Buffer;
}

function createRing(capacity: number): Ring {
  const ring = Buffer.alloc(capacity);
  let length = 0;
  let next = 0;
  return {
    push(chunk) {
      const part = chunk.length > capacity ? chunk.subarray(chunk.length - capacity) : chunk;
      const untilEnd = Math.min(part.length, capacity - next);
      ring.set(part.subarray(0, untilEnd), next);
      ring.set(part.subarray(untilEnd), 0);
      next = (next + part.length) % capacity;
      length = Math.min(capacity, length + part.length);
    },
    last(count) {
      const wanted = Math.min(count, length);
      const start = (next - wanted + capacity) % capacity;
      if (start + wanted <= capacity) return Buffer.from(ring.subarray(start, start + wanted));
      return Buffer.concat([ring.subarray(start), ring.subarray(0, wanted - (capacity - start))]);
    },
  };
}

/** Sees every byte a command prints, so it takes four at a time. */
function countNewlines(bytes: Uint8Array): number {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes.length >>> 2 : 0;
  const words = new Uint32Array(bytes.buffer, aligned === 0 ? 0 : bytes.byteOffset, aligned);
  let count = 0;
  for (let at = 0; at < aligned; at += 1) count += countNewlinesInWord(words[at] ?? 0);
  for (let at = aligned * 4; at < bytes.length; at += 1) if (bytes[at] === NEWLINE) count += 1;
  return count;
}

/** Bytes that are newlines become zero, zero bytes become a high bit, and the multiplication adds those up. */
function countNewlinesInWord(word: number): number {
  const differences = word ^ 0x0a0a0a0a;
  const zeroes = ~(((differences & 0x7f7f7f7f) + 0x7f7f7f7f) | differences | 0x7f7f7f7f);
  return zeroes === 0 ? 0 : Math.imul((zeroes >>> 7) & 0x01010101, 0x01010101) >>> 24;
}

function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

/** The longest start, without a character cut in two, whose text takes at most `limit` bytes. */
function fitStart(bytes: Buffer, limit: number): Buffer {
  const whole = bytes.subarray(0, withoutPartialEnd(bytes, bytes.length));
  const fits = (length: number): boolean => Buffer.byteLength(decode(whole.subarray(0, length))) <= limit;
  return whole.subarray(0, withoutPartialEnd(whole, longest(whole.length, fits)));
}

/** The longest end, without a character cut in two, whose text takes at most `limit` bytes. */
function fitEnd(bytes: Buffer, limit: number): Buffer {
  const whole = bytes.subarray(withoutPartialStart(bytes, 0));
  const fits = (length: number): boolean => Buffer.byteLength(decode(whole.subarray(whole.length - length))) <= limit;
  return whole.subarray(withoutPartialStart(whole, whole.length - longest(whole.length, fits)));
}

/** Replacing an invalid byte makes it three; the largest length that fits is searched by halving. */
function longest(most: number, fits: (length: number) => boolean): number {
  if (fits(most)) return most;
  let low = 0;
  let high = most;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return low;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

function withoutPartialEnd(bytes: Buffer, end: number): number {
  let lead = end - 1;
  while (lead >= 0 && end - lead < 4 && isContinuation(bytes[lead])) lead -= 1;
  const byte = bytes[lead] ?? 0;
  const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
  return lead >= 0 && lead + length > end ? lead : end;
}

function withoutPartialStart(bytes: Buffer, start: number): number {
  let at = start;
  while (at - start < 3 && isContinuation(bytes[at])) at += 1;
  return at;
}
