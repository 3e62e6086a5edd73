import { existsSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestHttpServer } from '../../src/adapters/mcp/test-http-server.ts';
import type { ThreadHandle } from '../../src/client/index.ts';
import type { Item } from '../../src/contract/index.ts';
import { readStartTime } from '../../src/adapters/shell/processes/process-table.ts';
import type { RunningWorker } from '../../src/worker/worker.ts';
import { type WorkerChild, startWorkerChild } from '../kill/worker-child.ts';
import { COMPILED_CODE } from '../parts/programs.ts';
import { type TestEnvironment, eventsSoFar, openEnvironment, runTurn, turn, waitForRequest } from '../environment.ts';

const SCRIPT = join(import.meta.dirname, '../../src/adapters/mcp/test-stdio-server.ts');

let environment: TestEnvironment;
let folder: string;
let log: string;
let worker: RunningWorker | undefined;

beforeAll(async () => {
  environment = await openEnvironment({ worker: false });
});
afterAll(() => environment.close());
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
async function work(mcpServers: Record<string, object>, env: Record<string, string> = {}): Promise<void> {
  worker = await environment.worker({ BOBBIN_MCP_CONFIG: configFile(mcpServers), ...env });
}

function configFile(mcpServers: Record<string, object>): string {
  const file = join(folder, 'mcp.json');
  writeFileSync(file, JSON.stringify({ mcpServers }));
  return file;
}

function stdio(mode = 'well', more: object = {}) {
  return {
    command: process.execPath,
    args: [SCRIPT, log, mode],
    env: COMPILED_CODE,
    startupTimeoutMs: 60_000,
    ...more,
  };
}

function logged(): string[] {
  return existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
}

async function waitForLine(line: string, times = 1): Promise<void> {
  const isThere = () => logged().filter((one) => one === line).length >= times;
  const watcher = watch(folder);
  try {
    await new Promise<void>((resolve) => {
      watcher.on('change', () => isThere() && resolve());
      if (isThere()) resolve();
    });
  } finally {
    watcher.close();
  }
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

/** Everything the service keeps of a thread, as text. */
async function historyOf({ workflowId }: ThreadHandle): Promise<string> {
  return texts(await environment.bobbin.service.client.workflow.getHandle(workflowId).fetchHistory());
}

/** Every string and every payload in a value, one per line, payloads as the text that they hold. */
function texts(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  if (typeof value !== 'object' || value === null) return '';
  return Object.values(value).map(texts).join('\n');
}

describe('a tool of an MCP server', () => {
  it('is offered to the model, called, and its answer is read by the model', async () => {
    await work({ files: stdio() });
    const thread = await environment.start();
    const end = await runTurn(thread, 'call: mcp__files__add {"a": 20, "b": 22}');
    expect(end).toMatchObject({ status: 'completed' });
    expect(end.lastAgentMessage).toContain('sum 42');
    expect(await calls(thread)).toMatchObject([
      { server: 'files', tool: 'add', arguments: { a: 20, b: 22 }, status: 'completed', output: 'sum 42' },
    ]);
    expect(await warnings(thread)).toEqual([]);
    const seen = await environment.model.waitForRequest(({ body }) => JSON.stringify(body).includes(thread.threadId));
    expect(JSON.stringify(seen.body)).toContain('"name":"mcp__files__note"');
  });

  it('shows the model its images, and says which are none', async () => {
    await work({ files: stdio() });
    const thread = await environment.start();
    const end = await runTurn(thread, 'call: mcp__files__pictures {}\nsee:');
    expect(end.lastAgentMessage).toMatch(/^image\/png 12x34 sha256:\S+\nimage\/png 56x78 sha256:\S+\n\n\(/);
    const output = expect.stringMatching(/\n\[image 2 is not shown: it is an SVG drawing, /) as string;
    expect(await calls(thread)).toMatchObject([{ output, images: [{ width: 12 }, { width: 56 }] }]);
  });

  it('is reached over HTTP with a token that stays in the worker', async () => {
    const server = await startTestHttpServer(log);
    try {
      const web = { url: server.url, bearerTokenEnv: 'WEB_TOKEN', headers: { 'X-Also': '${WEB_TOKEN}' } };
      await work({ web }, { WEB_TOKEN: 'a-secret-of-the-worker' });
      const thread = await environment.start();
      const end = await runTurn(thread, 'call: mcp__web__add {"a": 1, "b": 2}\ncall: mcp__web__fail {}');
      expect(end.lastAgentMessage).toContain('sum 3');
      expect(await calls(thread)).toMatchObject([
        { status: 'completed' },
        { status: 'failed', output: 'the disk is full' },
      ]);
      expect(server.headers[0]).toMatchObject({ authorization: 'Bearer a-secret-of-the-worker' });
      const history = await historyOf(thread);
      expect(history).toContain('mcp__web__add');
      expect(history).not.toContain('a-secret-of-the-worker');
    } finally {
      await server.close();
    }
  });

  it('takes arguments and gives answers of any length, the one by reference and the other cut', async () => {
    await work({ files: stdio('well', { approval: 'never' }) });
    const thread = await environment.start();
    const text = 'word '.repeat(4_000);
    const end = await runTurn(
      thread,
      `call: mcp__files__note {"text": "${text}"}\ncall: mcp__files__flood {"bytes": 300000}`,
    );
    expect(end.status).toBe('completed');
    const [noted, flooded] = await calls(thread);
    expect(noted).toMatchObject({ output: `noted ${text.length} characters` });
    expect(flooded?.output).toMatch(/^first x+\n… .* omitted …\nx+ last$/);
    expect(flooded?.output.length).toBeLessThan(41_000);
    // Once in what the person wrote, once in the model's answer, and not again with the step.
    expect((await historyOf(thread)).split(text)).toHaveLength(3);
  });

  it('that the server adds later is offered from the next step on', async () => {
    await work({ files: stdio('well', { approval: 'never' }) });
    const thread = await environment.start();
    await runTurn(thread, 'call: mcp__files__grow {}\ncall: mcp__files__grown {}');
    expect(await calls(thread)).toMatchObject([{ tool: 'grow' }, { tool: 'grown', output: 'grown' }]);
  });

  it('that nobody offers is an error that the model reads', async () => {
    await work({ files: stdio() });
    const thread = await environment.start();
    const end = await runTurn(thread, 'call: mcp__files__gone {}\ncall: mcp__files__add [1]');
    expect(end.status).toBe('completed');
    expect(end.lastAgentMessage).toContain('There is no tool named mcp__files__gone');
    expect(end.lastAgentMessage).toContain('the arguments are not a JSON object');
  });

  it('shows how far it is while it runs', async () => {
    await work({ files: stdio('well', { approval: 'never' }) });
    const thread = await environment.start();
    const slow = turn('call: mcp__files__wait {"ms": 60000}');
    await thread.submit(slow);
    await waitForLine('waiting');
    await expect
      .poll(() => thread.progress(), { timeout: 20_000, interval: 50 })
      .toMatchObject([{ type: 'mcp', text: 'half way' }]);
    await thread.interrupt({ turnId: slow.turnId });
  });
});

describe('a configuration that cannot be used', () => {
  it('stops the worker at its start, with the file and the member named', async () => {
    await expect(work({ bad: { url: 'http://127.0.0.1:1', args: [] } })).rejects.toThrow(
      `${join(folder, 'mcp.json')} cannot be used:\nmcpServers.bad.args: goes with a command`,
    );
  });
});

describe('approval of calls', () => {
  it('asks for what may write, and remembers what was accepted for the session', async () => {
    await work({ files: stdio() });
    const thread = await environment.start();
    const asking = turn('call: mcp__files__add {"a": 1, "b": 1}\ncall: mcp__files__note {"text": "one"}');
    await thread.submit(asking);
    const request = await waitForRequest(thread);
    expect(request).toMatchObject({ type: 'mcpToolCall', server: 'files', tool: 'note', readOnly: false });
    expect((await thread.view()).activeFlags).toEqual(['waitingOnApproval']);
    expect(logged()).not.toContain('note one');
    await thread.resolve({ requestId: request.requestId, decision: 'acceptForSession' });
    expect(await thread.completion(asking.turnId)).toMatchObject({ status: 'completed' });
    expect(await runTurn(thread, 'call: mcp__files__note {"text": "two"}')).toMatchObject({ status: 'completed' });
    expect(logged()).toEqual(expect.arrayContaining(['note one', 'note two']));
    expect((await eventsSoFar(thread)).filter(({ type }) => type === 'item/mcpToolCall/requestApproval')).toHaveLength(
      1,
    );
  });

  it('does not run what was declined, and says so to the model', async () => {
    await work({ files: stdio() });
    const thread = await environment.start();
    const asking = turn('call: mcp__files__note {"text": "one"}');
    await thread.submit(asking);
    const { requestId } = await waitForRequest(thread);
    await thread.resolve({ requestId, decision: 'decline' });
    expect((await thread.completion(asking.turnId)).lastAgentMessage).toContain('rejected by user');
    expect(logged().filter((line) => line.startsWith('note'))).toEqual([]);
  });

  it('under the policy never refuses what would have to be asked for, and runs the rest', async () => {
    await work({ files: stdio(), free: stdio('well', { approval: 'never' }) });
    const thread = await environment.start({ approvalPolicy: 'never' });
    await runTurn(
      thread,
      'call: mcp__files__note {"text": "one"}\ncall: mcp__files__add {"a": 1, "b": 1}\ncall: mcp__free__note {"text": "two"}',
    );
    expect((await calls(thread)).map(({ status }) => status)).toEqual(['declined', 'completed', 'completed']);
    expect(logged().filter((line) => line.startsWith('note'))).toEqual(['note two']);
  });
});

describe('a server in trouble', () => {
  it.each([
    ['hang', 1_000, 'it did not start within 1000 ms'],
    ['exit', 60_000, 'it ended with exit code 7'],
    ['garbage', 60_000, 'what it writes on its standard output is not MCP'],
  ])(
    'that does not start (%s) is warned of once, and the turns go on without it',
    async (mode, startupTimeoutMs, reason) => {
      await work({ bad: stdio(mode, { startupTimeoutMs }), good: stdio() });
      const thread = await environment.start();
      expect(await runTurn(thread, 'call: mcp__good__add {"a": 1, "b": 1}')).toMatchObject({ status: 'completed' });
      expect(await runTurn(thread, 'run: echo two')).toMatchObject({ status: 'completed' });
      expect(await warnings(thread)).toEqual([`MCP server bad is not there: ${reason}`]);
    },
  );

  it('that is required and does not start fails the turn with a code, and the thread lives on', async () => {
    await work({ bad: stdio('exit', { required: true }) });
    const thread = await environment.start();
    const end = await runTurn(thread, 'say: hello');
    expect(end).toMatchObject({ status: 'failed', error: { code: 'mcpServerUnavailable' } });
    expect(end.status === 'failed' && end.error.message).toContain(
      'MCP server bad is not there: it ended with exit code 7',
    );
    expect((await thread.view()).status).toBe('idle');
  });

  it('that hangs on a call, dies in the next and floods in a third does not take the turn with it', async () => {
    await work({
      slow: stdio('well', { approval: 'never', toolTimeoutMs: 1_000 }),
      files: stdio('well', { approval: 'never' }),
    });
    const thread = await environment.start();
    const end = await runTurn(
      thread,
      [
        'call: mcp__slow__wait {"ms": 60000}',
        'call: mcp__files__die {}',
        'call: mcp__files__flood {"bytes": 20000000}',
        'call: mcp__files__add {"a": 20, "b": 22}',
      ].join('\n'),
    );
    expect(end).toMatchObject({ status: 'completed' });
    expect((await calls(thread)).map(({ status, output }) => `${status}: ${output}`)).toEqual([
      'failed: The call failed: MCP server slow: it did not answer in time',
      'failed: The call failed: MCP server files: it ended with exit code 3',
      'failed: The call failed: MCP server files: it sent a message of more than 8388608 bytes',
      'completed: sum 42',
    ]);
    expect(await warnings(thread)).toEqual([]);
  });
});

describe('a call that does not come to its end', () => {
  it('is cancelled at the server when its turn is interrupted', async () => {
    await work({ files: stdio('well', { approval: 'never' }) });
    const thread = await environment.start();
    const slow = turn('call: mcp__files__wait {"ms": 60000}');
    await thread.submit(slow);
    await waitForLine('waiting');
    await thread.interrupt({ turnId: slow.turnId });
    expect(await thread.completion(slow.turnId)).toMatchObject({
      status: 'aborted',
      reason: 'interrupted',
      quiescent: true,
    });
    await waitForLine('cancelled');
    expect(await calls(thread)).toMatchObject([{ status: 'aborted' }]);
    // The same server continues with the next turn.
    expect(await runTurn(thread, 'call: mcp__files__add {"a": 1, "b": 1}')).toMatchObject({ status: 'completed' });
    expect(logged().filter((line) => line.startsWith('started'))).toHaveLength(1);
  });

  it.each([
    { tool: 'wait', status: 'lost', times: 1 },
    { tool: 'watch', status: 'completed', times: 2 },
  ])('because its worker is told to stop is $status ($tool)', async ({ tool, status, times }) => {
    await work({ files: stdio('well', { approval: 'never' }) }, { BOBBIN_SHUTDOWN_GRACE_MS: '0' });
    const thread = await environment.start();
    const slow = turn(`call: mcp__files__${tool} {"ms": 60000}`);
    await thread.submit(slow);
    await waitForLine('waiting');
    await worker?.stop();
    writeFileSync(`${log}.go`, '');
    await work({ files: stdio('well', { approval: 'never' }) });
    expect(await thread.completion(slow.turnId)).toMatchObject({ status: 'completed' });
    expect(await calls(thread)).toMatchObject([{ status }]);
    expect(logged().filter((line) => line === 'waiting')).toHaveLength(times);
  });

  describe('because its worker is killed', () => {
    const children: WorkerChild[] = [];
    const startChild = async (config: string): Promise<WorkerChild> => {
      const child = await startWorkerChild(
        { ...environment.env, BOBBIN_MCP_CONFIG: config },
        join(folder, 'worker.log'),
      );
      children.push(child);
      return child;
    };
    afterEach(async () => {
      for (const child of children.splice(0)) await child.stop();
    });

    it.each([
      { tool: 'wait', what: 'is lost', status: 'lost', times: 1 },
      { tool: 'watch', what: 'is made again, since its tool only reads', status: 'completed', times: 2 },
    ])('$what ($tool), and nothing of the server is left', async ({ tool, status, times }) => {
      const config = configFile({ files: stdio('well', { approval: 'never' }) });
      const first = await startChild(config);
      const thread = await environment.start();
      const slow = turn(`call: mcp__files__${tool} {"ms": 60000}`);
      await thread.submit(slow);
      await waitForLine('waiting');
      await first.kill();
      writeFileSync(`${log}.go`, '');
      await startChild(config);
      const end = await thread.completion(slow.turnId);
      expect(end).toMatchObject({ status: 'completed' });
      expect(await calls(thread)).toMatchObject([{ status }]);
      expect(logged().filter((line) => line === 'waiting')).toHaveLength(times);
      if (status === 'lost') expect(end.lastAgentMessage).toContain('may have done all or part of it');
      expect(await runTurn(thread, 'call: mcp__files__add {"a": 1, "b": 1}')).toMatchObject({ status: 'completed' });
      const pids = logged().flatMap((line) => (line.startsWith('started ') ? [Number(line.slice(8))] : []));
      await expect.poll(() => pids.map((pid) => readStartTime(pid) !== undefined)).toEqual([false, true]);
    });
  });
});
