/**
 * For tests: the server of `test-tools.ts` as a process. `node test-stdio-server.ts LOG [MODE]`, where the mode is how it
 * misbehaves from the start: `hang`, `garbage`, `exit`, `greet` (words before its first message), `once` (hangs unless
 * the log is there already), `raw` (tools that write past the SDK: `huge`, a message without end, and `nonsense`, an answer that is none).
 */
import { existsSync } from 'node:fs';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { createTestServer } from './test-tools.ts';

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
  case 'raw':
    server.registerTool('nonsense', { inputSchema: {} }, (_args, { requestId: id }) => {
      process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result: { content: [{ type: 'smell' }] } })}\n`);
      return new Promise(() => undefined);
    });
    server.registerTool('huge', { inputSchema: {} }, () => {
      const write = () => {
        while (process.stdout.write('x'.repeat(65_536)));
        process.stdout.once('drain', write);
      };
      write();
      return new Promise(() => undefined);
    });
    await server.connect(new StdioServerTransport());
    break;
  default:
    if (mode === 'greet') process.stdout.write('Welcome!\n\n');
    await server.connect(new StdioServerTransport());
}
