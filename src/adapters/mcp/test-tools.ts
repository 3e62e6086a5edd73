/** For tests: a real MCP server, with tools that behave well and tools that do not. */
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync } from 'node:fs';
import { McpServer, type ServerContext } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { png } from '../../contract/test-images.ts';

const READ_ONLY = { readOnlyHint: true };
export const NOTHING = z.object({});

function say(text: string) {
  return { content: [{ type: 'text' as const, text }] };
}

/** @param log a file that takes a line for each thing that is worth knowing afterwards; with `LOG.go` beside it nothing waits. */
export function createTestServer(log: string): McpServer {
  const server = new McpServer({ name: 'test', version: '1' }, { capabilities: { logging: {} } });
  const note = (line: string) => appendFileSync(log, `${line}\n`);
  note(`started ${process.pid}`);

  const numbers = z.object({ a: z.number(), b: z.number() });
  server.registerTool('add', { description: 'Adds', inputSchema: numbers, annotations: READ_ONLY }, ({ a, b }) =>
    say(`sum ${a + b}`),
  );
  server.registerTool(
    'note',
    { description: 'Writes a line', inputSchema: z.object({ text: z.string() }) },
    ({ text }) => {
      note(`note ${text}`);
      return say(`noted ${text.length} characters`);
    },
  );
  server.registerTool('where', { inputSchema: NOTHING, annotations: READ_ONLY }, () =>
    say(JSON.stringify({ cwd: process.cwd(), path: process.env['PATH'] })),
  );
  const waiting = z.object({ ms: z.number() });
  const wait = async (ms: number, { mcpReq }: ServerContext) => {
    note('waiting');
    mcpReq.signal.addEventListener('abort', () => note('cancelled'));
    const progressToken = mcpReq._meta?.progressToken;
    if (progressToken !== undefined) {
      const params = { progressToken, progress: 1, total: 2, message: 'half way' };
      await mcpReq.notify({ method: 'notifications/progress', params });
    }
    await new Promise((resolve) => setTimeout(resolve, existsSync(`${log}.go`) ? 0 : ms));
    note('waited');
    return say(`waited ${ms}`);
  };
  server.registerTool('wait', { inputSchema: waiting }, ({ ms }, context) => wait(ms, context));
  server.registerTool('watch', { inputSchema: waiting, annotations: READ_ONLY }, ({ ms }, context) =>
    wait(ms, context),
  );
  server.registerTool('die', { inputSchema: NOTHING }, () => process.exit(3));
  server.registerTool('flood', { inputSchema: z.object({ bytes: z.number() }), annotations: READ_ONLY }, ({ bytes }) =>
    say(`first ${'x'.repeat(bytes)} last`),
  );
  server.registerTool('spam', { inputSchema: NOTHING }, async (_args, { mcpReq }) => {
    const message = { method: 'notifications/message' as const, params: { level: 'info' as const, data: 'spam' } };
    while (!mcpReq.signal.aborted) {
      await mcpReq.notify(message);
      await new Promise((resolve) => setImmediate(resolve));
      for (let i = 0; i < 500; i++) void mcpReq.notify(message).catch(() => undefined);
    }
    return say('never');
  });
  server.registerTool('grow', { inputSchema: NOTHING }, () => {
    server.registerTool('grown', { description: 'New here', inputSchema: NOTHING }, () => say('grown'));
    return say('there is one more tool');
  });
  server.registerTool('environment', { inputSchema: NOTHING, annotations: READ_ONLY }, () =>
    say(JSON.stringify(process.env)),
  );
  server.registerTool('fail', { inputSchema: NOTHING, annotations: READ_ONLY }, () => ({
    ...say('the disk is full'),
    isError: true,
  }));
  server.registerTool('shapes', { inputSchema: NOTHING, annotations: READ_ONLY }, () => ({
    content: [
      { type: 'text' as const, text: 'one' },
      { type: 'image' as const, mimeType: 'image/png', data: Buffer.from('1234').toString('base64') },
      { type: 'resource' as const, resource: { uri: 'file:///a.txt', text: 'inside' } },
      { type: 'resource_link' as const, uri: 'file:///b.txt', name: 'b' },
    ],
    structuredContent: { answer: 42 },
  }));
  server.registerTool('pictures', { inputSchema: NOTHING, annotations: READ_ONLY }, () => ({
    content: [png(12, 34), Buffer.from('<svg/>'), png(56, 78)].map((bytes) => ({
      type: 'image' as const,
      mimeType: 'image/png',
      data: bytes.toString('base64'),
    })),
  }));
  server.registerTool('ask', { inputSchema: NOTHING, annotations: READ_ONLY }, async (_args, { mcpReq }) => {
    const request = { method: 'sampling/createMessage' as const, params: { messages: [], maxTokens: 1 } };
    return say(await mcpReq.send(request, z.any()).then(JSON.stringify, String));
  });
  server.registerTool('spawn', { inputSchema: NOTHING }, () => {
    const child = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
    child.unref();
    return say(`pids ${process.pid} ${child.pid ?? 0}`);
  });
  return server;
}
