/** The MCP server: threads as tools for other agents. It holds no state; a connection may end and another one go on. */
import { McpServer } from '@modelcontextprotocol/server';
import type { Access } from './access.ts';
import { addTasks } from './tasks.ts';
import { addTools } from './tools.ts';

const INSTRUCTIONS =
  'Bobbin runs coding agents in threads that outlive this connection. start_thread gives one a task; wait, read and list show how far it is; reply talks with it; answer answers what it asks. Threads are found again by their ids after any interruption.';
/** A turn may ask for one approval after the other. */
const MAX_ROUNDS = 100;
/** Values in the input of a tool. */
const MAX_INPUT_VALUES = 10_000;

export function createMcpServer(access: Access): McpServer {
  const server = new McpServer(
    { name: 'bobbin', title: 'Bobbin', version: '0.1.0' },
    { instructions: INSTRUCTIONS, inputRequired: { maxRounds: MAX_ROUNDS }, maxToolInputElements: MAX_INPUT_VALUES },
  );
  addTools(server, access);
  addTasks(server, access);
  return server;
}
