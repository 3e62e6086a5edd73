/**
 * Loaded into a worker process ahead of everything else (`--import`), in its main thread and in the threads that run
 * workflows. On demand it tells the size of all heaps after a collection, and when calls to the outside were made.
 */
import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import { getHeapStatistics } from 'node:v8';
import { BroadcastChannel, isMainThread } from 'node:worker_threads';
import { type Span, now } from '../clock.ts';

export interface Memory {
  /** Sum over the heaps of all threads, after a collection. */
  heapBytes: number;
  /** Resident set of the process, after that. */
  rssBytes: number;
}

export interface OutgoingCall extends Span {
  /** gRPC method, or HTTP method and path. */
  name: string;
}

export type ProbeQuestion = { id: number; type: 'memory' } | { id: number; type: 'takeCalls' };

const COLLECTIONS = 3;
/** Other threads answer within this time. */
const ANSWER_MS = 500;

const channel = new BroadcastChannel('bench-probe');
channel.unref();

function heapAfterCollection(): number {
  for (let i = 0; i < COLLECTIONS; i++) globalThis.gc?.();
  return getHeapStatistics().used_heap_size;
}

if (isMainThread) {
  const calls = recordCalls();
  process.on('message', (question: ProbeQuestion) => {
    if (question.type === 'memory') void readMemory().then((memory) => process.send?.({ id: question.id, ...memory }));
    else process.send?.({ id: question.id, calls: calls.splice(0) });
  });
} else {
  channel.onmessage = (event) => {
    if ((event as { data: unknown }).data === 'collect') channel.postMessage(heapAfterCollection());
  };
}

async function readMemory(): Promise<Memory> {
  let heapBytes = heapAfterCollection();
  channel.onmessage = (event) => {
    const { data } = event as { data: unknown };
    if (typeof data === 'number') heapBytes += data;
  };
  channel.postMessage('collect');
  await new Promise((resolve) => setTimeout(resolve, ANSWER_MS));
  return { heapBytes, rssBytes: process.memoryUsage.rss() };
}

interface Http2Stream {
  sentHeaders?: Record<string, unknown>;
}

function recordCalls(): OutgoingCall[] {
  const calls: OutgoingCall[] = [];
  const open = new Map<object, { name: string; start: number }>();
  const begin = (key: object, name: string) => open.set(key, { name, start: now() });
  const finish = (key: object) => {
    const call = open.get(key);
    if (call === undefined) return;
    open.delete(key);
    calls.push({ ...call, end: now() });
  };
  subscribe('http.client.request.start', (event) => {
    const { request } = event as { request: ClientRequest };
    begin(request, `${request.method} ${request.path}`);
  });
  subscribe('http.client.response.finish', (event) => finish((event as { request: ClientRequest }).request));
  subscribe('http2.client.stream.created', (event) => {
    const { stream, headers } = event as { stream: Http2Stream & object; headers?: Record<string, unknown> };
    const path = headers?.[':path'] ?? stream.sentHeaders?.[':path'];
    begin(stream, typeof path === 'string' ? path.replace(/^.*\//, '') : 'unknown');
  });
  subscribe('http2.client.stream.close', (event) => finish((event as { stream: object }).stream));
  return calls;
}
