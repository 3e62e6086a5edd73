import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ThreadHandle } from '../src/client/index.ts';
import type { Item } from '../src/contract/index.ts';
import type { RunningWorker } from '../src/worker/worker.ts';
import { type Stand, eventsSoFar, openStand, runTurn } from './stand.ts';

const SCRIPT = join(import.meta.dirname, '../src/adapters/mcp/test-stdio-server.ts');

let stand: Stand;
let folder: string;
let log: string;
let worker: RunningWorker | undefined;

beforeAll(async () => {
  stand = await openStand({ worker: false });
});
afterAll(() => stand.close());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-thread-'));
  log = join(folder, 'server.log');
});
afterEach(async () => {
  await worker?.stop();
  worker = undefined;
  rmSync(folder, { recursive: true, force: true });
});

/** A worker with these servers. */
async function work(mcpServers: Record<string, object>): Promise<void> {
  const file = join(folder, 'mcp.json');
  writeFileSync(file, JSON.stringify({ mcpServers }));
  worker = await stand.worker({ BOBBIN_MCP_CONFIG: file });
}

function stdio(mode = 'well', more: object = {}) {
  return { command: process.execPath, args: [SCRIPT, log, mode], ...more };
}

type McpItem = Extract<Item, { type: 'mcpToolCall' }>;

async function calls(thread: ThreadHandle): Promise<McpItem[]> {
  const events = await eventsSoFar(thread);
  return events.flatMap((event) =>
    event.type === 'item/completed' && event.item.type === 'mcpToolCall' ? [event.item] : [],
  );
}

async function warnings(thread: ThreadHandle): Promise<string[]> {
  const events = await eventsSoFar(thread);
  return events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
}

describe('a tool of an MCP server', () => {
  it('is offered to the model, called, and its answer is read by the model', async () => {
    await work({ files: stdio() });
    const thread = await stand.start();
    const end = await runTurn(thread, 'call: mcp__files__add {"a": 20, "b": 22}');
    expect(end).toMatchObject({ status: 'completed' });
    expect(end.lastAgentMessage).toContain('sum 42');
    expect(await calls(thread)).toMatchObject([
      { server: 'files', tool: 'add', arguments: { a: 20, b: 22 }, status: 'completed', output: 'sum 42' },
    ]);
    expect(await warnings(thread)).toEqual([]);
    const seen = await stand.model.waitForRequest(({ body }) => JSON.stringify(body).includes(thread.threadId));
    expect(JSON.stringify(seen.body)).toContain('"name":"mcp__files__note"');
  });
});
