/** Requests to the HTTP API, `docs/http.md`. */
import type { ImageInput } from '../../../contract/index.ts';
import { forgetToken, getToken } from './token.ts';

/** An answer that is a problem. `unreachable`: there was no answer. */
export class Problem extends Error {
  readonly code: string;
  constructor(code: string, detail: string) {
    super(detail);
    this.code = code;
  }
}

const FINAL = new Set([
  ...['unauthorized', 'scopeMissing', 'ownerRestricted', 'invalid', 'threadNotFound', 'threadClosed'],
  'threadRefused',
  'notEnoughTurns',
  ...['batchNotFound', 'batchRefused', 'ledgerNotFound', 'scheduleNotFound', 'scheduleForeign'],
]);

/** Whether the same request would have the same answer later. */
export function isFinal(error: unknown): boolean {
  return error instanceof Problem && FINAL.has(error.code);
}

/** @param path with its ids percent-encoded. Rejects with a `Problem`. */
export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set('authorization', `Bearer ${getToken() ?? ''}`);
  const answer = await fetch(path, { ...init, headers }).catch((error: unknown) => {
    init.signal?.throwIfAborted();
    throw new Problem('unreachable', `The server does not answer (${String(error)}).`);
  });
  if (answer.ok) return answer;
  const problem = await toProblem(answer);
  if (problem.code === 'unauthorized') forgetToken();
  throw problem;
}

async function toProblem(answer: Response): Promise<Problem> {
  const found = (await answer.json().catch(() => ({}))) as { code?: string; detail?: string };
  return new Problem(found.code ?? 'internal', found.detail ?? `The server answered ${answer.status}.`);
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const answer = await request(path, signal === undefined ? {} : { signal });
  return readBody(answer);
}

/** Null if the answer has no body. */
export async function post<T>(path: string, body: unknown = {}): Promise<T | null> {
  const headers = { 'content-type': 'application/json' };
  const answer = await request(path, { method: 'POST', headers, body: JSON.stringify(body) });
  return answer.status === 204 ? null : readBody<T>(answer);
}

/** Rejects with a `Problem`, also for a file that no model can see. */
export async function storeImage(file: File): Promise<ImageInput> {
  const query = new URLSearchParams({ name: file.name });
  const headers = { 'content-type': 'application/octet-stream' };
  return readBody(await request(`/v1/images?${query.toString()}`, { method: 'POST', headers, body: file }));
}

export async function remove(path: string): Promise<void> {
  await request(path, { method: 'DELETE' });
}

async function readBody<T>(answer: Response): Promise<T> {
  try {
    return (await answer.json()) as T;
  } catch (error) {
    throw new Problem('unreachable', `The answer of the server broke off (${String(error)}).`);
  }
}

export function threadPath(threadId: string, rest = ''): string {
  return `/v1/threads/${encodeURIComponent(threadId)}${rest}`;
}

/** Whether the server may have done what it was asked for, although there was no answer. */
export function isLost(error: unknown): boolean {
  return hasCode(error, 'unreachable');
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Problem && error.code === code;
}

export function toProblemWords(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Also without TLS on another host, where `crypto.randomUUID` is not available. */
export function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
