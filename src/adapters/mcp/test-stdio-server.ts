/**
 * For tests: the server of `test-tools.ts` as a process. `node test-stdio-server.ts LOG [MODE]`, where the mode is how it
 * misbehaves from the start: `hang`, `garbage`, `exit`, `greet` (words before its first message), `once` (hangs unless
 * the log is there already), `untidy` (a list in two pages, with tools that are none, and a third page that fails), `raw` (tools that write past the SDK: `huge`, a message without end, and `nonsense`, `nothing` and `number`, answers that are none).
 */
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { NOTHING, createTestServer } from './test-tools.ts';

const [log = '', mode = 'well'] = process.argv.slice(2);
const ready = existsSync(log);
const server = createTestServer(log);

switch (mode === 'once' && ready ? 'well' : mode) {
  case 'hang':
  case 'once':
    process.stdin.resume();
    break;
  case 'exit':
    process.stderr.write('the database is not there\n');
    process.exit(7);
    break;
  case 'garbage':
    setInterval(() => process.stdout.write('{"jsonrpc": nonsense}\n'.repeat(20)), 1);
    break;
  case 'untidy':
    createInterface({ input: process.stdin }).on('line', (line) => {
      const { id, method, params } = JSON.parse(line) as Asked;
      if (id !== undefined)
        process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, ...untidy(method, params) })}\n`);
    });
    break;
  case 'raw':
    server.registerTool('nonsense', { inputSchema: NOTHING }, (_args, { mcpReq: { id } }) => {
      process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result: { content: [{ type: 'smell' }] } })}\n`);
      return new Promise<never>(() => undefined);
    });
    for (const [tool, result] of Object.entries({ nothing: null, number: 5 }))
      server.registerTool(tool, { inputSchema: NOTHING }, (_args, { mcpReq: { id } }) => {
        process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`);
        return new Promise<never>(() => undefined);
      });
    server.registerTool('huge', { inputSchema: NOTHING }, () => {
      const write = () => {
        while (process.stdout.write('x'.repeat(65_536)));
        process.stdout.once('drain', write);
      };
      write();
      return new Promise<never>(() => undefined);
    });
    await server.connect(new StdioServerTransport());
    break;
  default:
    if (mode === 'greet') process.stdout.write('Welcome!\n\n');
    await server.connect(new StdioServerTransport());
}

interface Asked {
  id?: number;
  method: string;
  params?: { cursor?: string };
}

function untidy(method: string, { cursor }: { cursor?: string } = {}): object {
  const inputSchema = { type: 'object' };
  if (method === 'initialize') {
    const serverInfo = { name: 'untidy', version: '1' };
    return { result: { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo } };
  }
  if (method !== 'tools/list') return { result: { content: [{ type: 'text', text: 'called' }] } };
  if (cursor === undefined) {
    const untyped = { name: 'untyped', inputSchema: { properties: {} } };
    const listless = { name: 'noSchema' };
    return { result: { tools: [untyped, { name: 'good', inputSchema }, listless, 7], nextCursor: 'two' } };
  }
  if (cursor === 'two') {
    const odd = { name: 'odd', inputSchema, description: 7, annotations: 'reads only', title: [], icons: 'none' };
    const again = { name: 'good', inputSchema, description: 'another one' };
    return { result: { tools: [odd, again], nextCursor: 'three' } };
  }
  return { error: { code: -32603, message: 'the index is broken' } };
}
