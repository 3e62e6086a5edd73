/**
 * A web service with one endpoint that runs a turn, and one that shows its events live.
 *
 *     node examples/02-service/service.ts /path/to/a/repository
 *
 *     curl localhost:8080/tasks -d 'run the tests and fix what fails'    # answers with the address of the events
 *     open http://localhost:8080/                                        # the same in a browser
 *
 * It listens on loopback and has no authentication: put it behind yours. Outside of this repository the import reads
 * `from 'bobbin/client'`.
 */
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { BobbinError, connectBobbin } from '../../src/client/index.ts';

const [cwd] = process.argv.slice(2);
if (cwd === undefined) {
  console.error('One argument is needed: the repository to work in.');
  process.exit(2);
}

const bobbin = await connectBobbin({
  connection: { address: process.env['TEMPORAL_ADDRESS'] ?? '127.0.0.1:7233' },
  namespace: process.env['TEMPORAL_NAMESPACE'] ?? 'default',
  taskQueue: process.env['BOBBIN_TASK_QUEUE'] ?? 'bobbin',
});

const app = new Hono();
// A page of another origin must not start tasks, and no other name may lead here.
app.use(async (context, next) => {
  const { host = '' } = context.req.header();
  const origin = context.req.header('origin');
  if (!/^(localhost|127\.0\.0\.1):\d+$/.test(host)) return context.text('unknown host', 403);
  if (origin !== undefined && origin !== `http://${host}`) return context.text('another origin', 403);
  return next();
});
app.onError((error, context) =>
  error instanceof BobbinError
    ? context.json({ code: error.code, message: error.message }, 502)
    : context.text('failed', 500),
);

app.post('/tasks', async (context) => {
  // The caller's key makes a repeated request the same task.
  const taskId = context.req.header('idempotency-key') ?? randomUUID();
  const text = await context.req.text();
  const start = {
    threadId: `task-${taskId}`,
    workspace: { cwd: resolve(cwd) },
    unattended: { approvals: 'decline' as const },
  };
  await bobbin.threads.startWith(start, { turnId: 'task', kind: 'regular', input: [{ type: 'text', text }] });
  return context.json({ taskId, events: `/tasks/${taskId}/events` }, 202);
});

app.get('/tasks/:taskId', async (context) => {
  const thread = bobbin.threads.get(`task-${context.req.param('taskId')}`);
  return context.json(await thread.completion('task', { signal: context.req.raw.signal }));
});

app.get('/tasks/:taskId/events', (context) =>
  streamSSE(context, async (stream) => {
    const thread = bobbin.threads.get(`task-${context.req.param('taskId')}`);
    const closed = new AbortController();
    stream.onAbort(() => closed.abort());
    // A browser that connects again names the last event that it has.
    const after = Number(context.req.header('last-event-id') ?? 0);
    for await (const event of thread.events({ after, signal: closed.signal, partial: true })) {
      const id = 'seq' in event ? { id: String(event.seq) } : {};
      await stream.writeSSE({ ...id, data: JSON.stringify(event) });
      if (event.type === 'turn/completed') return;
    }
  }),
);

app.get('/', (context) => context.html(readFileSync(join(import.meta.dirname, 'index.html'), 'utf8')));
app.get('/page.mjs', (context) =>
  context.body(readFileSync(join(import.meta.dirname, 'page.mjs'), 'utf8'), 200, { 'content-type': 'text/javascript' }),
);

const server = serve(
  { fetch: app.fetch, hostname: '127.0.0.1', port: Number(process.env['PORT'] ?? 8080) },
  (info: AddressInfo) => console.log(`http://localhost:${info.port}/`),
);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    server.close();
    void bobbin.close().then(() => process.exit(0));
  });
}
