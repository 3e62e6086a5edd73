/** Clients of `bobbin mcp` that flood, hang, send nonsense or too much, or leave. */
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type TestEnvironment, openEnvironment, turn, waitForEvent } from '../environment.ts';
import { startRawMcp } from '../parts/mcp-client.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment();
});
afterAll(() => environment.close());

type Raw = ReturnType<typeof startRawMcp>;
const servers: Raw[] = [];
afterEach(async () => {
  for (const { child, ended } of servers.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
});

function open(): Raw {
  const raw = startRawMcp(environment.env, environment.cwd);
  servers.push(raw);
  return raw;
}

const call = (raw: Raw, name: string, args: object = {}) => raw.ask('tools/call', { name, arguments: args });

it('a message that is too large ends the connection with the reason, and with it the server', async () => {
  const raw = open();
  await raw.ask('tools/list');
  raw.child.stdin.write(`{"jsonrpc":"2.0","id":99,"method":"tools/call","params":{"name":"list","x":"`);
  for (let sent = 0; sent < 10; sent++) raw.child.stdin.write('x'.repeat(1_000_000));
  expect(await raw.ended).toBe(0);
  expect(raw.said()).toContain('maximum size of 4194304 bytes');
});

it('lines that are no messages are passed over, and odd arguments are refused by name', async () => {
  const raw = open();
  raw.child.stdin.write('garbage\n{"jsonrpc":"2.0"}\n[]\nnull\n{"jsonrpc":"1.0","id":1,"method":"x"}\n\n');
  expect((await raw.ask('tools/list')).result).toBeDefined();
  for (const [name, args] of [
    ['start_thread', { task: 7 }],
    ['start_thread', { task: 'x'.repeat(300_000) }],
    ['start_thread', { task: 'say: x', cwd: 'relative' }],
    ['read', { threadId: '../../etc' }],
    ['read', { threadId: 'x', limit: 1e9 }],
    ['wait', { threadId: 'x', waitSeconds: -1 }],
    ['list', { many: Array.from({ length: 20_000 }, () => 0) }],
  ] as const)
    expect([name, (await call(raw, name, args)).result?.['isError']]).toEqual([name, true]);
  expect(await call(raw, 'no_such_tool')).toMatchObject({ error: { code: -32602 } });
  expect(await raw.ask('no/such')).toMatchObject({ error: { code: -32601 } });
});

it('of many calls at once some are refused, and the server serves on', async () => {
  const raw = open();
  const thread = await environment.start();
  const { threadId } = thread;
  const { turnId } = turn('hang:');
  await thread.submit(turn('hang:', { turnId }));
  await waitForEvent(thread, 'turn/started');
  let refused = 0;
  const calls = Array.from({ length: 200 }, async () => {
    const { result } = await call(raw, 'wait', { threadId, turnId, waitSeconds: 60 });
    if (JSON.stringify(result).includes('tooManyCalls')) refused++;
  });
  // Those that are served wait for the turn.
  await expect.poll(() => refused).toBe(200 - 64);
  await thread.interrupt({ turnId });
  await Promise.all(calls);
  expect(refused).toBe(200 - 64);
  expect((await call(raw, 'list')).result?.['isError']).toBeUndefined();
});

it('a client that does not read its answers is not read from, so nothing piles up', async () => {
  const raw = open();
  await raw.ask('tools/list');
  raw.lines.pause();
  raw.child.stdout.pause();
  let sent = 0;
  const request = (id: number) =>
    `${JSON.stringify({ jsonrpc: '2.0', id, method: 'ping', params: { filler: 'x'.repeat(10_000), _meta: raw.envelope } })}\n`;
  for (; sent < 20_000 && raw.child.stdin.write(request(sent + 1_000)); sent++);
  // The pipes are full and stay so: the server has stopped reading.
  for (let round = 0; round < 50; round++) {
    const drained = await Promise.race([
      once(raw.child.stdin, 'drain').then(() => true),
      new Promise((resolve) => setTimeout(resolve, 200, false)),
    ]);
    if (drained === false) break;
    while (sent < 20_000 && raw.child.stdin.write(request(sent + 1_000))) sent++;
  }
  expect(sent).toBeLessThan(20_000);
  raw.child.stdout.resume();
  raw.lines.resume();
  expect((await raw.ask('tools/list')).result).toBeDefined();
});

it('a client that closes its side, in the middle of a call, leaves the work to the thread', async () => {
  const raw = open();
  const { threadId } = await environment.start({ sandbox: 'danger-full-access', approvalPolicy: 'never' });
  const thread = environment.bobbin.threads.get(threadId);
  void call(raw, 'reply', { threadId, message: 'run: sleep 60' });
  await waitForEvent(thread, 'item/started', ({ item }) => item.type === 'commandExecution');
  raw.child.stdin.end();
  expect(await raw.ended).toBe(0);
  expect((await thread.view()).activeTurn).not.toBeNull();
  const again = open();
  expect(await call(again, 'interrupt', { threadId })).toMatchObject({
    result: { structuredContent: { status: 'interrupted' } },
  });
});
