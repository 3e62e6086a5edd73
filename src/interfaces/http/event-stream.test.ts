import { once } from 'node:events';
import { type Server, createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { writeEvents } from './event-stream.ts';

const MEGABYTE = 'x'.repeat(1_048_576);

let server: Server | undefined;
afterEach(() => server?.close().closeAllConnections());

/** A server whose streams never end; counts the events that a stream has taken. */
async function startEndless(patienceMs: number, stop = new AbortController().signal) {
  const ended: Promise<void>[] = [];
  let sent = 0;
  let isAllowed = true;
  server = createServer((_, response) => {
    const options = { patienceMs, stop, isAllowed: () => isAllowed, keepAliveMs: 50 };
    const stream = writeEvents(response, options, async (writer) => {
      for (;;) {
        await writer.send({ id: String(sent + 1), data: MEGABYTE });
        sent += 1;
      }
    });
    ended.push(stream);
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  return { socket, ended, sent: () => sent, forbid: () => (isAllowed = false) };
}

it('a reader that takes nothing is cut, and has been sent what fits into the buffers of the kernel', async () => {
  const { socket, ended, sent } = await startEndless(300);
  socket.pause();
  await expect.poll(() => ended.length).toBe(1);
  await ended[0];
  expect(sent()).toBeLessThan(32);
  socket.resume();
  await once(socket, 'close');
});

it('a reader that leaves ends its stream at once', async () => {
  const { socket, ended } = await startEndless(60_000);
  await once(socket, 'data');
  socket.destroy();
  await ended[0];
});

it('a server that stops ends the stream of a reader that takes nothing', async () => {
  const stop = new AbortController();
  const { socket, ended } = await startEndless(300, stop.signal);
  socket.pause();
  await expect.poll(() => ended.length).toBe(1);
  stop.abort();
  await ended[0];
  socket.resume();
  await once(socket, 'close');
});

it('a token that is removed ends its streams', async () => {
  const { socket, ended, forbid } = await startEndless(60_000);
  await once(socket, 'data');
  forbid();
  socket.resume();
  await ended[0];
});
