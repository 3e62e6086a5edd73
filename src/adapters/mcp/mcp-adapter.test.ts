import { existsSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, statSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { McpPort, McpReport, McpTool } from '../../../activities/ports.ts';
import { COMPILED_CODE } from '../../../test/parts/programs.ts';
import { readStartTime } from '../shell/processes/process-table.ts';
import type { McpServerConfig } from './config.ts';
import { createMcp } from './mcp-adapter.ts';
import { type TestHttpServer, startTestHttpServer } from './test-http-server.ts';

const SCRIPT = join(import.meta.dirname, 'test-stdio-server.ts');

let folder: string;
let log: string;
let open: McpPort[];
let servers: TestHttpServer[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-'));
  log = join(folder, 'server.log');
  open = [];
  servers = [];
});
afterEach(async () => {
  for (const mcp of open) await mcp.close();
  for (const server of servers) await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const quiet = (): void => undefined;

function stdio(mode = 'well', more: Partial<McpServerConfig> = {}): McpServerConfig {
  return {
    name: 'test',
    endpoint: {
      type: 'stdio',
      command: process.execPath,
      args: [SCRIPT, log, mode],
      env: COMPILED_CODE,
      cwd: undefined,
    },
    approval: 'writes',
    toolTimeoutMs: 20_000,
    startupTimeoutMs: 20_000,
    enabledTools: null,
    disabledTools: [],
    required: false,
    secrets: [],
    ...more,
  };
}

async function http(more: Partial<McpServerConfig> = {}, headers = {}) {
  const server = await startTestHttpServer(log);
  servers.push(server);
  return { server, config: stdio('well', { endpoint: { type: 'http', url: server.url, headers }, ...more }) };
}

function start(...configs: McpServerConfig[]): McpPort {
  const mcp = createMcp({
    servers: configs,
    stateDirectory: join(folder, 'state'),
    version: '0',
    env: process.env,
    log: quiet,
  });
  open.push(mcp);
  return mcp;
}

const never = new AbortController().signal;

function call(mcp: McpPort, tool: string, args: object = {}, io: Partial<Parameters<McpPort['call']>[1]> = {}) {
  return mcp.call(
    { server: 'test', tool, arguments: { ...args }, maxOutputBytes: 2_000 },
    { signal: never, onProgress: () => undefined, ...io },
  );
}

async function tools(mcp: McpPort): Promise<McpTool[]> {
  return (await mcp.tools(never)).tools;
}

function logged(): string[] {
  return existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
}

/** Resolves once the server has written that line. */
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

describe('a server that behaves well', () => {
  it.each(['stdio', 'http'])('offers its tools and answers their calls, over %s', async (way) => {
    const config = way === 'stdio' ? stdio() : (await http()).config;
    const mcp = start(config);
    const { tools: offered, warnings } = await mcp.tools(never);
    expect(warnings).toEqual([]);
    expect(offered.find(({ tool }) => tool === 'add')).toMatchObject({
      name: 'mcp__test__add',
      server: 'test',
      description: 'Adds',
      readOnly: true,
      approval: 'writes',
      parameters: { type: 'object', required: ['a', 'b'] },
    });
    expect(offered.find(({ tool }) => tool === 'note')).toMatchObject({ readOnly: false });
    expect(await call(mcp, 'add', { a: 2, b: 3 })).toMatchObject({ outcome: 'completed', output: 'sum 5' });
  });

  it('is started when it is first needed, once for all that need it', async () => {
    const mcp = start(stdio());
    expect(logged()).toEqual([]);
    await Promise.all([tools(mcp), tools(mcp), call(mcp, 'add', { a: 1, b: 1 })]);
    expect(logged()).toHaveLength(1);
  });

  it('starts in a private folder, with no folder on its PATH that a workspace may hold', async () => {
    const env = { ...process.env, PATH: `${process.cwd()}/bin:/w/node_modules/.bin:.:${process.env['PATH'] ?? ''}` };
    const mcp = createMcp({ servers: [stdio()], stateDirectory: join(folder, 'state'), version: '0', env, log: quiet });
    open.push(mcp);
    const { output } = await call(mcp, 'where');
    const { cwd, path } = JSON.parse(output) as { cwd: string; path: string };
    expect(cwd).toBe(join(realpathSync(folder), 'state/mcp/test'));
    expect(statSync(cwd).mode & 0o777).toBe(0o700);
    expect(path).not.toMatch(/node_modules|(^|:)\.?(:|$)/);
    expect(path.split(':')).not.toContain(`${process.cwd()}/bin`);
  });

  it('starts elsewhere if the operator says so', async () => {
    const endpoint = {
      type: 'stdio' as const,
      command: process.execPath,
      args: [SCRIPT, log],
      env: COMPILED_CODE,
      cwd: folder,
    };
    expect((await call(start(stdio('well', { endpoint })), 'where')).output).toContain(
      `"cwd":"${realpathSync(folder)}"`,
    );
  });

  it('may greet before its first message', async () => {
    expect((await tools(start(stdio('greet')))).length).toBeGreaterThan(5);
  });

  it('has its results put into words, and images beside them', async () => {
    const mcp = start(stdio());
    const shapes = await call(mcp, 'shapes');
    expect(shapes.images?.map((bytes) => Buffer.from(bytes).toString())).toEqual(['1234']);
    expect(shapes.output.split('\n')).toEqual([
      'one',
      '[image 1, image/png]',
      '[resource file:///a.txt]',
      'inside',
      '[resource file:///b.txt: b]',
      '{"answer":42}',
    ]);
    expect(await call(mcp, 'fail')).toMatchObject({ outcome: 'failed', output: 'the disk is full' });
    expect(await call(mcp, 'add', { a: 'one' })).toMatchObject({ outcome: 'failed' });
    expect(await call(mcp, 'no such tool')).toMatchObject({ outcome: 'failed' });
  });

  it('tells how far it is', async () => {
    const stop = new AbortController();
    const onProgress = (text: string) => stop.abort(new Error(`heard: ${text}`));
    const calling = call(start(stdio()), 'wait', { ms: 60_000 }, { signal: stop.signal, onProgress });
    await expect(calling).rejects.toThrow('heard: half way');
  });

  it('offers what the configuration names and nothing else', async () => {
    const mcp = start(stdio('well', { enabledTools: ['add', 'note', 'gone'], disabledTools: ['note'] }));
    expect((await tools(mcp)).map(({ tool }) => tool)).toEqual(['add']);
  });

  it('has its list read again once it says that it changed', async () => {
    const mcp = start(stdio());
    expect((await tools(mcp)).map(({ tool }) => tool)).not.toContain('grown');
    await call(mcp, 'grow');
    expect((await tools(mcp)).map(({ tool }) => tool)).toContain('grown');
    expect(await call(mcp, 'grown')).toMatchObject({ output: 'grown' });
  });

  it('is refused what it asks of us, in words', async () => {
    expect((await call(start(stdio()), 'ask')).output).toContain('does not answer sampling/createMessage');
  });

  it('gets what its configuration says, and of the worker what commands get', async () => {
    const endpoint = { ...(stdio().endpoint as { type: 'stdio' } & object), env: { GIVEN_TOKEN: 'given' } } as never;
    const mcp = createMcp({
      servers: [stdio('well', { endpoint })],
      stateDirectory: join(folder, 'state'),
      version: '0',
      env: { PATH: process.env['PATH'], OPENAI_API_KEY: 'sk-1', BOBBIN_KEYS_DIR: '/keys', LANG: 'C' },
      log: quiet,
    });
    open.push(mcp);
    const seen = JSON.parse((await call(mcp, 'environment')).output) as Record<string, string>;
    expect(seen).toMatchObject({ GIVEN_TOKEN: 'given', LANG: 'C' });
    expect(Object.keys(seen).filter((name) => /OPENAI|KEYS_DIR/.test(name))).toEqual([]);
  });

  it('is sent its headers, and what it repeats of them does not get out', async () => {
    const secret = 'a-long-secret-value';
    const { server, config } = await http({ secrets: [secret] }, { Authorization: `Bearer ${secret}` });
    const mcp = start(config);
    expect(await call(mcp, 'note', { text: 'x' })).toMatchObject({ outcome: 'completed' });
    expect(server.headers.every(({ authorization }) => authorization === `Bearer ${secret}`)).toBe(true);
    expect((await call(mcp, `tool-${secret}`)).output).toContain('[secret]');
    expect((await call(mcp, `tool-${secret}`)).output).not.toContain(secret);
  });
});

describe('a server that hangs', () => {
  it('at its start is given up, said, and left to itself by the next steps', async () => {
    const mcp = start(stdio('hang', { startupTimeoutMs: 5_000 }), stdio('well', { name: 'other' }));
    const first = await mcp.tools(never);
    expect(first.warnings).toEqual([
      { server: 'test', message: 'MCP server test is not there: it did not start within 5000 ms' },
    ]);
    expect(first.tools.map(({ server }) => server)).toContain('other');
    const before = performance.now();
    expect((await mcp.tools(never)).warnings).toHaveLength(1);
    expect(performance.now() - before).toBeLessThan(4_500);
  });

  it('at its start once is there as soon as it starts', async () => {
    const mcp = start(stdio('once', { startupTimeoutMs: 10_000 }));
    expect(await tools(mcp)).toEqual([]);
    // The next step begins another try beside it, which is the one this call waits for.
    expect(await tools(mcp)).toEqual([]);
    expect(await call(mcp, 'add', { a: 1, b: 1 })).toMatchObject({ output: 'sum 2' });
    expect((await tools(mcp)).length).toBeGreaterThan(5);
  });

  it('on a call runs into the time limit, is told to cancel, and answers the next one', async () => {
    const mcp = start(stdio('well', { toolTimeoutMs: 4_000 }));
    await tools(mcp);
    expect(await call(mcp, 'wait', { ms: 60_000 })).toMatchObject({
      outcome: 'failed',
      output: 'The call failed: MCP server test: it did not answer in time',
    });
    await waitForLine('cancelled');
    expect(await call(mcp, 'add', { a: 1, b: 1 })).toMatchObject({ output: 'sum 2' });
  });

  it.each(['stdio', 'http'])('is told to cancel a call that is stopped, over %s', async (way) => {
    const mcp = start(way === 'stdio' ? stdio() : (await http()).config);
    const stop = new AbortController();
    const calling = call(mcp, 'wait', { ms: 60_000 }, { signal: stop.signal });
    await waitForLine('waiting');
    stop.abort(new Error('enough'));
    await expect(calling).rejects.toThrow('enough');
    await waitForLine('cancelled');
    expect(await call(mcp, 'add', { a: 1, b: 1 })).toMatchObject({ output: 'sum 2' });
  });
});

describe('a server that dies', () => {
  it('in the middle of a call fails that call, and the next one starts it again', async () => {
    const mcp = start(stdio());
    const offered = await tools(mcp);
    const other = call(mcp, 'wait', { ms: 60_000 });
    await waitForLine('waiting');
    expect(await call(mcp, 'die')).toMatchObject({
      outcome: 'failed',
      output: expect.stringContaining('it ended with exit code 3') as string,
    });
    expect(await other).toMatchObject({ outcome: 'failed' });
    // Its tools stay where they are.
    expect(await tools(mcp)).toEqual(offered);
    expect(await call(mcp, 'add', { a: 1, b: 1 })).toMatchObject({ output: 'sum 2' });
    expect(logged().filter((line) => line.startsWith('started'))).toHaveLength(2);
  });

  it('at its start is said, with pauses that grow between the tries', async () => {
    const mcp = start(stdio('exit'));
    const { warnings } = await mcp.tools(never);
    expect(warnings).toEqual([{ server: 'test', message: 'MCP server test is not there: it ended with exit code 7' }]);
    for (let i = 0; i < 50; i++) await mcp.tools(never);
    expect(await call(mcp, 'add')).toMatchObject({
      outcome: 'failed',
      output: expect.stringContaining('exit code 7') as string,
    });
    expect(logged().length).toBeLessThanOrEqual(3);
    expect(readFileSync(join(folder, 'state', 'mcp', 'test.stderr'), 'utf8')).toBe('the database is not there\n');
  });

  it('fails what cannot do without it', async () => {
    const endpoint = { type: 'stdio' as const, command: '/no/such/program', args: [], env: {}, cwd: undefined };
    const mcp = start(stdio('well', { endpoint, required: true }));
    await expect(mcp.tools(never)).rejects.toMatchObject({
      code: 'mcpServerUnavailable',
      message: expect.stringContaining('/no/such/program') as string,
    });
  });

  it('over HTTP in the middle of a call fails that call, and the next one finds it', async () => {
    const { server, config } = await http();
    const mcp = start(config);
    const calling = call(mcp, 'wait', { ms: 2_000 });
    await waitForLine('waiting');
    server.breakOff();
    expect(await calling).toMatchObject({ outcome: 'failed' });
    expect(await call(mcp, 'add', { a: 1, b: 1 })).toMatchObject({ output: 'sum 2' });
  });

  it('over HTTP between two calls is found again by the second, which it gets once', async () => {
    const { server, config } = await http();
    const mcp = start(config);
    await call(mcp, 'note', { text: 'one' });
    server.forget();
    expect(await call(mcp, 'note', { text: 'two' })).toMatchObject({ outcome: 'completed' });
    expect(logged().filter((line) => line === 'note two')).toHaveLength(1);
  });
});

describe('a server that floods or talks nonsense', () => {
  it('with a long answer has it cut, head and tail kept', async () => {
    const { outcome, output } = await call(start(stdio()), 'flood', { bytes: 3_000_000 });
    expect(outcome).toBe('completed');
    expect(output).toMatch(/^first x+\n… .* omitted …\nx+ last$/);
    expect(Buffer.byteLength(output)).toBeLessThan(2_100);
  });

  it.each(['stdio', 'http'])('with one message of any length is closed, over %s', async (way) => {
    const mcp = start(way === 'stdio' ? stdio() : (await http()).config);
    expect(await call(mcp, 'flood', { bytes: 20_000_000 })).toMatchObject({
      outcome: 'failed',
      output: expect.stringContaining('a message of more than 8388608 bytes') as string,
    });
    expect(await call(mcp, 'add', { a: 1, b: 1 })).toMatchObject({ output: 'sum 2' });
  });

  it('without an end to its message is closed', async () => {
    expect(await call(start(stdio('raw')), 'huge')).toMatchObject({
      outcome: 'failed',
      output: expect.stringContaining('a message of more than') as string,
    });
  });

  it('with many messages is closed, and this process keeps its pace meanwhile', async () => {
    const mcp = start(stdio());
    await tools(mcp);
    let longest = 0;
    // In processor time: a busy machine may stop this process for longer.
    let last = process.cpuUsage();
    const beat = setInterval(() => {
      const { user, system } = process.cpuUsage(last);
      longest = Math.max(longest, (user + system) / 1_000);
      last = process.cpuUsage();
    }, 20);
    const report = await call(mcp, 'spam');
    clearInterval(beat);
    expect(report).toMatchObject({
      outcome: 'failed',
      // Messages and bytes are charged to one budget, so either may be what it ends with.
      output: expect.stringMatching(/more (messages )?than can be taken/) as string,
    });
    expect(longest).toBeLessThan(2_500);
  });

  it('in its list has its good tools offered, and the others named', async () => {
    const mcp = start(stdio('untidy'));
    const { tools: offered, warnings } = await mcp.tools(never);
    expect(offered).toMatchObject([
      { tool: 'good', description: '', readOnly: false },
      { tool: 'odd', description: '', readOnly: false },
    ]);
    expect(warnings).toEqual([{ server: 'test', message: expect.any(String) as string }]);
    for (const said of [
      'page 3 of its list cannot be read (MCP error -32603: the index is broken)',
      '"untyped" has an input schema that is not of type object',
      '"noSchema" has an input schema that is not of type object',
      'tool 4 has no name',
      '"good" is listed twice, and the first one is offered',
    ])
      expect(warnings[0]?.message).toContain(said);
    expect(await call(mcp, 'odd')).toMatchObject({ outcome: 'completed', output: 'called' });
  });

  it('with an answer that is none fails that call alone', async () => {
    const mcp = start(stdio('raw'));
    expect(await call(mcp, 'nonsense')).toMatchObject({
      outcome: 'failed',
      output: 'The call failed: MCP server test: its answer does not follow the protocol',
    });
    for (const tool of ['nothing', 'number'])
      expect(await call(mcp, tool)).toMatchObject({
        outcome: 'failed',
        output: expect.stringMatching(
          /: its answer does not follow the protocol$|: MCP error -32600: its answer/,
        ) as string,
      });
    expect(await call(mcp, 'add', { a: 1, b: 1 })).toMatchObject({ output: 'sum 2' });
    expect(logged().filter((line) => line.startsWith('started'))).toHaveLength(1);
  });

  it('with what is no message is closed', async () => {
    const { warnings } = await start(stdio('garbage')).tools(never);
    expect(warnings).toMatchObject([{ message: expect.stringContaining('is not MCP') as string }]);
  });
});

describe('the end of a worker', () => {
  it('ends every server with all that it started', async () => {
    const mcp = start(stdio());
    const pids = pidsIn(await call(mcp, 'spawn'));
    expect(pids.map(isAlive)).toEqual([true, true]);
    await mcp.close();
    expect(pids.map(isAlive)).toEqual([false, false]);
    expect(
      readdirSync(join(folder, 'state', 'commands'), { recursive: true }).filter((name) =>
        String(name).endsWith('.json'),
      ),
    ).toEqual([]);
    expect(await call(mcp, 'add', { a: 1, b: 1 })).toMatchObject({ outcome: 'failed' });
  });

  it('says goodbye to a server over HTTP', async () => {
    const { server, config } = await http();
    const mcp = start(config);
    await call(mcp, 'add', { a: 1, b: 1 });
    expect(server.sessions.size).toBe(1);
    await mcp.close();
    expect(server.sessions.size).toBe(0);
  });
});

function pidsIn({ output }: McpReport): number[] {
  return output.replace('pids ', '').split(' ').map(Number);
}

function isAlive(pid: number): boolean {
  return readStartTime(pid) !== undefined;
}
