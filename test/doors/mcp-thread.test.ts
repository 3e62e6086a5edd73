/** A thread that uses another one by MCP: both sides of the protocol are ours. */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ThreadHandle } from '../../src/client/index.ts';
import { type TestEnvironment, itemsOf, openEnvironment, turn } from '../environment.ts';
import { CLI, COMPILED_CODE } from '../parts/programs.ts';

let environment: TestEnvironment;
let folder: string;
beforeAll(async () => {
  environment = await openEnvironment({ worker: false });
  folder = mkdtempSync(join(tmpdir(), 'bobbin-mcp-thread-'));
  const config = join(folder, 'mcp.json');
  const bobbin = {
    command: process.execPath,
    args: [CLI, 'mcp', '--cwd', environment.workspace()],
    env: { ...COMPILED_CODE, ...environment.env },
    startupTimeoutMs: 60_000,
  };
  writeFileSync(config, JSON.stringify({ mcpServers: { bobbin } }));
  await environment.worker({ BOBBIN_MCP_CONFIG: config });
});
afterAll(async () => {
  await environment.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Accepts each request of the thread until its turn has ended. Gives what was asked. */
async function acceptAll(thread: ThreadHandle, turnId: string): Promise<string[]> {
  const asked: string[] = [];
  for await (const event of thread.events()) {
    if (event.type === 'item/mcpToolCall/requestApproval' && event.request.type === 'mcpToolCall') {
      asked.push(event.request.tool);
      await thread.resolve({ requestId: event.request.requestId, decision: 'accept' });
    }
    if (event.type === 'turn/completed' && event.turn.turnId === turnId) break;
  }
  return asked;
}

it('starts it, answers what it asks, and reads its result; each call that may change something is asked for', async () => {
  const inner = `inner-${randomUUID()}`;
  const call = (tool: string, args: object) =>
    `call: mcp__bobbin__${tool} ${JSON.stringify({ threadId: inner, ...args })}`;
  const outer = await environment.start();
  const submitted = turn(
    [
      call('start_thread', { task: 'run: touch made-by-inner', approvalPolicy: 'untrusted', effort: 'low' }),
      call('answer', { requestId: 'req_2', decision: 'accept' }),
      call('wait', {}),
      call('read', { limit: 5 }),
    ].join('\n'),
  );
  await outer.submit(submitted);
  expect(await acceptAll(outer, submitted.turnId)).toEqual(['start_thread', 'answer']);
  const outputs = (await itemsOf(outer, 'mcpToolCall')).map(({ tool, output }) => [tool, output] as const);
  expect(outputs.map(([tool]) => tool)).toEqual(['start_thread', 'answer', 'wait', 'read']);
  const [started, , waited] = outputs.map(([, output]) => JSON.parse(output) as Record<string, unknown>);
  expect(started).toMatchObject({
    threadId: inner,
    status: 'waitingForAnswer',
    requests: [{ text: 'touch made-by-inner' }],
  });
  expect(waited).toMatchObject({ threadId: inner, status: 'completed' });
  const { settings } = await environment.bobbin.threads.get(inner).view();
  expect(existsSync(join(settings.cwd, 'made-by-inner'))).toBe(true);
  expect(settings).toMatchObject({ parent: null, effort: 'low' });
});
