/**
 * Sends one POST with `node:http` and streams the answer. Compared with `fetch`: a connect timeout, an idle timeout, a
 * connection that is closed at once, and less time per request, without another HTTP library.
 */
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Readable, Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { MAX_BODY_BYTES } from './answer-limits.ts';

export type ExchangeTrouble =
  /** No connection: refused, no such host, an untrusted certificate, or cut before the answer started. */
  | 'unreachable'
  | 'connectTimeout'
  /** The answer is not HTTP. */
  | 'notHttp'
  | 'idle'
  /** Only bytes that keep the connection open, or ignored events. */
  | 'eventless'
  /** More bytes than an answer may have. */
  | 'endless'
  /** Cut during the answer. */
  | 'broken';

/** Why an exchange failed, except by its signal. */
export class ExchangeProblem extends Error {
  readonly trouble: ExchangeTrouble;

  constructor(trouble: ExchangeTrouble, message: string) {
    super(message);
    this.name = 'ExchangeProblem';
    this.trouble = trouble;
  }
}

export interface Post {
  url: URL;
  headers: Record<string, string>;
  body: string;
  connectTimeoutMs: number;
  /** Longest silence: before the answer, and between two pieces of it. */
  idleTimeoutMs: number;
  /** Longest time without anything useful for the reader, see {@link Exchange.heard}. */
  eventTimeoutMs: number;
  signal: AbortSignal;
}

/** Closes an idle pooled connection after this time, before a middlebox drops it silently. */
const POOLED_MS = 60_000;
/** How long to wait for the rest of an answer whose result is known, to reuse its connection. */
const DRAIN_MS = 250;
/** How long the body of an error may stall. */
const ERROR_BODY_STALL_MS = 5_000;

// Uses proxies from the environment if Node was told to, like `fetch`.
const proxied = process.env.NODE_USE_ENV_PROXY === '1' ? { proxyEnv: process.env } : {};
const agentOptions = { keepAlive: true, timeout: POOLED_MS, maxFreeSockets: 64, ...proxied };
// Idle sockets of an agent do not keep the process alive, so these two need no close.
const plainAgent = new HttpAgent(agentOptions);
const secureAgent = new HttpsAgent(agentOptions);

/**
 * Sends the request. Every method rejects with the reason of the signal when that fires, else with an {@link
 * ExchangeProblem}.
 * `close` must be called in the end. Throws a TypeError for invalid headers.
 */
export class Exchange {
  readonly #request: ClientRequest;
  readonly #signal: AbortSignal;
  readonly #response: Promise<IncomingMessage>;
  readonly #stopped: Promise<never>;
  readonly #idleMs: number;
  readonly #connectTimer: NodeJS.Timeout;
  #idleTimer: NodeJS.Timeout;
  readonly #eventTimer: NodeJS.Timeout;
  #stop: (reason: Error) => void = () => undefined;
  #answer: IncomingMessage | undefined;

  constructor(post: Post) {
    this.#signal = post.signal;
    this.#idleMs = post.idleTimeoutMs;
    this.#request = open(post);
    this.#stopped = new Promise((_, reject) => {
      this.#stop = (reason) => {
        reject(reason);
        this.#request.destroy();
      };
    });
    this.#stopped.catch(() => undefined);
    this.#connectTimer = this.#limit('connectTimeout', post.connectTimeoutMs);
    this.#idleTimer = this.#limit('idle', post.idleTimeoutMs);
    this.#eventTimer = this.#limit('eventless', post.eventTimeoutMs);
    this.#response = this.#watch(post.url.protocol === 'https:');
    this.#signal.addEventListener('abort', this.#onAbort, { once: true });
    this.#request.end(post.body);
  }

  /** Resolves with status and headers. */
  async head(): Promise<IncomingMessage> {
    return Promise.race([this.#response, this.#stopped]);
  }

  /**
   * Reads the body as UTF-8. `onChunk` ends it by returning a value, `onEnd` gives the value of a body that came to its
   * end; what either throws ends it too, and closes the connection.
   */
  async read<T>(onChunk: (text: string) => T | undefined, onEnd: () => T): Promise<T> {
    const response = await this.head();
    const result = new Promise<T>((resolve, reject) => {
      let over = false;
      let bytes = 0;
      const settle = (step: () => T | undefined) => {
        if (over || this.#signal.aborted) return;
        try {
          const value = step();
          if (value === undefined) return;
          over = true;
          resolve(value);
        } catch (error) {
          over = true;
          const reason = error as Error;
          reject(reason);
          this.#request.destroy();
        }
      };
      const body = decode(response);
      body.on('error', (error) => this.#stop(new ExchangeProblem('broken', error.message)));
      body.setEncoding('utf8');
      body.on('data', (text: string) => {
        if (!over) this.#idleTimer.refresh();
        bytes += Buffer.byteLength(text);
        if (bytes > MAX_BODY_BYTES) this.#stop(new ExchangeProblem('endless', `more than ${MAX_BODY_BYTES} bytes`));
        else settle(() => onChunk(text));
      });
      body.on('end', () => settle(onEnd));
    });
    return Promise.race([result, this.#stopped]);
  }

  /** The reader calls this when the last piece was useful. */
  heard(): void {
    this.#eventTimer.refresh();
  }

  /** The body as far as it arrives, at most `limit` characters. Only the signal makes it reject. */
  async readText(limit: number): Promise<string> {
    let text = '';
    clearTimeout(this.#idleTimer);
    this.#idleTimer = this.#limit('idle', Math.min(this.#idleMs, ERROR_BODY_STALL_MS));
    try {
      return await this.read(
        (chunk) => {
          text += chunk;
          return text.length >= limit ? text.slice(0, limit) : undefined;
        },
        () => text,
      );
    } catch (error) {
      if (error instanceof ExchangeProblem) return text;
      throw error;
    }
  }

  /** Ends all waiting. The connection is reused if the answer has ended, or if `kept` says that it soon will. */
  close(kept: boolean): void {
    clearTimeout(this.#connectTimer);
    clearTimeout(this.#idleTimer);
    clearTimeout(this.#eventTimer);
    this.#signal.removeEventListener('abort', this.#onAbort);
    const answer = this.#answer;
    if (answer === undefined || !(kept || answer.complete)) {
      this.#request.destroy();
      return;
    }
    answer.resume();
    if (answer.complete) return;
    const timer = setTimeout(() => this.#request.destroy(), DRAIN_MS).unref();
    answer.once('close', () => clearTimeout(timer));
  }

  readonly #onAbort = () => this.#stop(this.#signal.reason as Error);

  #limit(trouble: 'connectTimeout' | 'idle' | 'eventless', ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#stop(new ExchangeProblem(trouble, `nothing for ${ms} ms`)), ms);
  }

  #watch(secure: boolean): Promise<IncomingMessage> {
    this.#request.once('socket', (socket) => {
      if (!socket.connecting) clearTimeout(this.#connectTimer);
      else socket.once(secure ? 'secureConnect' : 'connect', () => clearTimeout(this.#connectTimer));
    });
    this.#request.on('error', (error) => this.#stop(toProblem(error, this.#answer !== undefined)));
    return new Promise((resolve) => {
      this.#request.once('response', (response) => {
        this.#answer = response;
        this.#idleTimer.refresh();
        response.on('error', (error) => this.#stop(toProblem(error, true)));
        resolve(response);
      });
    });
  }
}

/** Requests ask for no encoding, but some middleboxes encode answers anyway. */
const DECODERS: Partial<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/** Whether the body can be read as text. */
export function isDecodable(response: IncomingMessage): boolean {
  const encoding = encodingOf(response);
  return encoding === '' || encoding === 'identity' || DECODERS[encoding] !== undefined;
}

function encodingOf({ headers }: IncomingMessage): string {
  return (headers['content-encoding'] ?? '').trim().toLowerCase();
}

function decode(response: IncomingMessage): Readable {
  const decoder = DECODERS[encodingOf(response)]?.();
  return decoder === undefined ? response : response.pipe(decoder);
}

function open({ url, headers, body }: Post): ClientRequest {
  const options = {
    method: 'POST',
    headers: { ...headers, 'content-length': Buffer.byteLength(body).toString() },
  };
  if (url.protocol === 'https:') return httpsRequest(url, { ...options, agent: secureAgent });
  return httpRequest(url, { ...options, agent: plainAgent });
}

/** A copy with code and message only, because the original can contain raw bytes of the answer. */
function toProblem(error: NodeJS.ErrnoException, answering: boolean): ExchangeProblem {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : undefined;
  const message = error.message || (first instanceof Error ? first.message : '') || (error.code ?? 'connection lost');
  if (error.code?.startsWith('HPE_')) return new ExchangeProblem(answering ? 'broken' : 'notHttp', message);
  return new ExchangeProblem(answering ? 'broken' : 'unreachable', message);
}
