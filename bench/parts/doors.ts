/** What the doors add: the first text of a model and the end of a turn through the client, HTTP and a chat, open streams, requests. */
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ThreadHandle } from '../../src/client/index.ts';
import type { PartialEvent, SubmitTurn, ThreadEvent } from '../../src/contract/index.ts';
import { isEndOf, toTurn } from '../bobbin-thread.ts';
import { openChatScreen } from '../chat-screen.ts';
import { now } from '../clock.ts';
import type { TestEnvironment } from '../environment.ts';
import { summarise, toRow } from '../figures.ts';
import type { Part } from '../part.ts';
import { startChild } from '../processes/child.ts';
import type { HttpServerReady } from '../processes/http-server.ts';

const STREAMS = 500;
const PARALLEL = 16;
/** The model sends its first words at once, and goes on for a second. */
const STREAMED = 'stream: 50 20';

type Events = AsyncIterable<ThreadEvent | PartialEvent>;

export const doors: Part = async (environment, { quick, signal }) => {
  const { turns, seconds } = quick ? { turns: 3, seconds: 2 } : { turns: 40, seconds: 10 };
  await using worker = await environment.bobbin();
  await using http = await startServer(environment, worker.taskQueue);
  const workspace = { cwd: environment.repository };
  const thread = await worker.bobbin.threads.start({ workspace });

  await using chat = await openChatScreen(worker.bobbin, thread, environment.repository);
  const seen: Record<'client' | 'http' | 'chat', Seen> = {
    client: { first: [], end: [] },
    http: { first: [], end: [] },
    chat: { first: [], end: [] },
  };
  for (let turn = 0; turn < turns + 1; turn++) {
    signal.throwIfAborted();
    const stop = new AbortController();
    const { lastSeq: after } = await thread.view();
    const submitted = toTurn(STREAMED);
    const readers = [
      read(thread.events({ after, partial: true, signal: stop.signal }), submitted),
      read(http.events(thread.threadId, after, stop.signal), submitted),
      Promise.all([chat.shows('word1'), chat.shows('turn completed in')]).then(([first, end]) => ({ first, end })),
    ] as const;
    const start = now();
    await thread.submit(submitted);
    const [byClient, byHttp, byChat] = await Promise.all(readers);
    stop.abort();
    // The first turn registers the agent task.
    if (turn === 0) continue;
    for (const [to, at] of [
      [seen.client, byClient],
      [seen.http, byHttp],
      [seen.chat, byChat],
    ] as const) {
      to.first.push(at.first - start);
      to.end.push(at.end - start);
    }
  }
  environment.progress(`doors: ${turns} turns followed`);

  // Before the requests, after which the server has memory to spare.
  const idle = await Promise.all(Array.from({ length: 20 }, () => worker.bobbin.threads.start({ workspace })));
  const stop = new AbortController();
  const before = http.residentKiB();
  const opened = Array.from({ length: STREAMS }, async (_, index) => {
    const events = http.events(idle[index % idle.length]!.threadId, 0, stop.signal)[Symbol.asyncIterator]();
    await events.next();
    return events.next().catch(() => undefined);
  });
  await Promise.race([Promise.all(opened), new Promise((resolve) => setTimeout(resolve, 15_000))]);
  const perStream = (http.residentKiB() - before) / STREAMS;
  stop.abort();
  await Promise.allSettled(opened);

  const views = {
    http: await perSecond(seconds, () => http.get(`/v1/threads/${thread.threadId}`)),
    client: await perSecond(seconds, () => thread.view()),
  };
  const fresh: Record<'http' | 'client', ThreadHandle> = {
    http: await worker.bobbin.threads.start({ workspace }),
    client: await worker.bobbin.threads.start({ workspace }),
  };
  const submits = {
    http: await perSecond(seconds, () => http.post(`/v1/threads/${fresh.http.threadId}/turns`, rejected())),
    client: await perSecond(seconds, () => fresh.client.submit(rejected())),
  };
  environment.progress('doors: requests counted');
  await Promise.all([thread, ...idle, fresh.http, fresh.client].map((one) => one.close()));

  const byClient = (samples: readonly number[]) => ({ what: 'through the client', figures: summarise(samples) });
  return [
    toRow('first text of a model, through HTTP', 'ms', summarise(seen.http.first), {
      reference: byClient(seen.client.first),
    }),
    toRow('end of a turn of one second, through HTTP', 'ms', summarise(seen.http.end), {
      reference: byClient(seen.client.end),
    }),
    toRow('first text of a model, on the screen of a chat', 'ms', summarise(seen.chat.first), {
      reference: byClient(seen.client.first),
    }),
    toRow('end of a turn of one second, on the screen of a chat', 'ms', summarise(seen.chat.end), {
      reference: byClient(seen.client.end),
    }),
    toRow(`views through HTTP, ${PARALLEL} parallel`, 'calls/s', summarise([views.http]), {
      reference: byClient([views.client]),
    }),
    toRow(`submits through HTTP, ${PARALLEL} parallel`, 'calls/s', summarise([submits.http]), {
      reference: byClient([submits.client]),
      note: 'the turns are refused, because another one of that id came first',
    }),
    toRow(`open event stream, one of ${STREAMS}`, 'KiB', summarise([perStream]), {
      note: 'resident memory of the server',
    }),
  ];
};

interface Seen {
  first: number[];
  end: number[];
}

async function read(events: Events, { turnId }: SubmitTurn): Promise<{ first: number; end: number }> {
  let first: number | undefined;
  for await (const event of events) {
    if (event.type === 'item/agentMessage/delta') first ??= now();
    if ('seq' in event && isEndOf(event, turnId)) return { first: first ?? now(), end: now() };
  }
  throw new Error('The events ended before the turn');
}

/** A turn that changes nothing but the history: its id is taken. */
function rejected(): SubmitTurn {
  return { ...toTurn('say: x'), turnId: 'taken' };
}

/** Calls per second. */
async function perSecond(seconds: number, call: () => Promise<unknown>): Promise<number> {
  const start = now();
  let calls = 0;
  await Promise.all(
    Array.from({ length: PARALLEL }, async () => {
      while (now() < start + seconds * 1_000) {
        await call();
        calls += 1;
      }
    }),
  );
  return (calls * 1_000) / (now() - start);
}

async function startServer(environment: TestEnvironment, taskQueue: string) {
  const data = join(environment.root, 'http');
  mkdirSync(data, { mode: 0o700, recursive: true });
  const { child, ready } = await startChild<HttpServerReady>({
    name: 'The HTTP server',
    entry: new URL('../processes/http-server.ts', import.meta.url),
    env: {
      ...{ PATH: process.env['PATH'], HOME: process.env['HOME'], BOBBIN_DATA_DIR: data, BOBBIN_TASK_QUEUE: taskQueue },
      TEMPORAL_ADDRESS: environment.temporal.address,
    },
    logFile: join(environment.root, 'http.log'),
  });
  const headers = { authorization: `Bearer ${ready.secret}`, 'content-type': 'application/json' };
  const call = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const response = await fetch(`${ready.url}${path}`, { ...init, headers });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
  };
  return {
    get: async (path: string) => (await call(path)).json(),
    post: async (path: string, body: unknown) =>
      (await call(path, { method: 'POST', body: JSON.stringify(body) })).text(),
    async *events(threadId: string, after: number, signal: AbortSignal): AsyncGenerator<ThreadEvent | PartialEvent> {
      const { body } = await call(`/v1/threads/${threadId}/events?partial=true&after=${after}`, { signal });
      for await (const { data } of body!
        .pipeThrough(new TextDecoderStream())
        .pipeThrough(new EventSourceParserStream()))
        yield JSON.parse(data) as ThreadEvent;
    },
    residentKiB: () => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]),
    [Symbol.asyncDispose]: () => child.stop(),
  };
}
