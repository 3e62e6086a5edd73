/** For tests: a server with the real page and a thread of any size, which no worker could make in the time of a test. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import type { Item, PartialEvent, ThreadEvent, ThreadRequest, ThreadView } from '../../src/contract/index.ts';
import { SAFE_HEADERS } from '../../src/interfaces/http/guard.ts';
import { pageFiles } from '../../src/interfaces/http/page-files.ts';

export interface Simulated {
  url: string;
  /** Paths with their queries, in order. */
  asked: string[];
  close(): Promise<void>;
}

export interface SimulatedThread {
  items: Item[];
  /** Beyond those of the items. */
  requests?: ThreadRequest[];
  /** Number of threads in the list. */
  threads?: number;
  /** Written to the stream after the events, at the speed of the reader. */
  live?: Live;
}

type Live = Iterable<PartialEvent> | AsyncIterable<PartialEvent>;

/** Each item has one event, with the number of its place. */
export async function simulateThread({
  items,
  requests = [],
  threads = 1,
  live = [],
}: SimulatedThread): Promise<Simulated> {
  const asked: string[] = [];
  const files = new Map(pageFiles().map((file) => [file.path, file]));
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    const number = (name: string, otherwise: number) => Number(url.searchParams.get(name) ?? otherwise);
    const file = files.get(url.pathname);
    if (file !== undefined) {
      void file.read().then((text) => {
        response.writeHead(200, { 'content-type': file.mediaType, ...SAFE_HEADERS });
        response.end(text);
      });
      return;
    }
    asked.push(`${url.pathname}${url.search}`);
    if (url.pathname === '/v1/threads/big/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream', ...SAFE_HEADERS });
      Readable.from(toStream(items, number('after', 0), live)).pipe(response);
      return;
    }
    const after = number('after', 0);
    const page = items.slice(after, after + number('limit', 100));
    const answers: Record<string, unknown> = {
      '/v1/session': { token: { name: 'test', scopes: ['admin'], owner: null }, temporalUi: null },
      '/v1/threads': {
        threads: url.searchParams.get('waiting') === 'true' ? [] : toList(threads, number('limit', 50)),
      },
      '/v1/threads/big': toView(items, requests),
      '/v1/threads/big/items': { items: page, next: after + page.length, more: after + page.length < items.length },
      '/v1/threads/big/requests': { requests },
    };
    response.writeHead(url.pathname in answers ? 200 : 404, { 'content-type': 'application/json', ...SAFE_HEADERS });
    response.end(JSON.stringify(answers[url.pathname] ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function* toStream(items: readonly Item[], after: number, live: Live): AsyncGenerator<string> {
  for (const [index, item] of items.slice(after).entries()) {
    const event: ThreadEvent = { seq: after + index + 1, at: 0, type: 'item/completed', turnId: item.turnId, item };
    yield `id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`;
  }
  for await (const event of live) yield `data: ${JSON.stringify(event)}\n\n`;
  // The stream stays open.
  await new Promise(() => undefined);
}

function toList(threads: number, limit: number): object[] {
  return Array.from({ length: Math.min(threads, limit) }, (_, index) => ({
    ...{ threadId: index === 0 ? 'big' : `thread-${index}`, title: `Thread number ${index}`, status: 'idle' },
    ...{ waitsFor: null, waitsForPerson: false, cwd: '/srv/repository', costUsd: 0.01, parentId: null, runId: 'r' },
    createdAt: new Date(Date.now() - index * 60_000).toISOString(),
  }));
}

function toView(items: readonly Item[], openRequests: ThreadRequest[]): Partial<ThreadView> {
  const nothing = { tokens: 0, costMicroUsd: 0, steps: 0, wallMs: 0 };
  const account = { spent: nothing, limits: {}, waitedMs: 0 };
  return {
    ...{ threadId: 'big', status: 'active', activeFlags: [], forkedFrom: null, createdAt: 0, updatedAt: 0 },
    settings: {
      ...{ cwd: '/srv/repository', title: 'A large thread', model: 'offline/bobbin-offline', instructions: '' },
      ...{ approvalPolicy: 'on-request', sandbox: 'workspace-write', parent: null, repositoryRules: false },
    } as unknown as ThreadView['settings'],
    activeTurn: { turnId: 't', kind: 'regular', startedAt: 0, phase: { type: 'callingModel', step: 1 } },
    ...{ besideTurns: [], queuedTurns: [], openRequests, subThreads: [] },
    usage: { costMicroUsd: 0 } as ThreadView['usage'],
    budget: { turn: null, thread: account, tree: account },
    context: { tokens: null, compactAt: null, firstItem: 0, compactions: 0 },
    ...{ lastSeq: items.length, itemCount: items.length, turnCount: 1, runCount: 1 },
  };
}
