/** For tests: the official MCP client, connected to `bobbin mcp` as a process. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Client, type ClientOptions } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { CLI } from './programs.ts';

export interface McpStand {
  client: Client;
  transport: StdioClientTransport;
  /** What the server has written to standard error. */
  said: () => string;
  /** Calls a tool; gives its structured content. */
  call: (tool: string, args?: Record<string, unknown>) => Promise<Record<string, unknown>>;
}

interface StandOptions {
  env: Record<string, string>;
  args?: string[];
  cwd?: string;
  client?: ClientOptions;
  /** Called before it connects, to add handlers. */
  prepare?: (client: Client) => void;
}

export async function startMcp({ env, args = [], cwd, client: options, prepare }: StandOptions): Promise<McpStand> {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [CLI, 'mcp', ...args],
    env: { ...(process.env as Record<string, string>), ...env },
    stderr: 'pipe',
    ...(cwd === undefined ? {} : { cwd }),
  });
  let said = '';
  transport.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const client = new Client({ name: 'test', version: '1' }, options);
  prepare?.(client);
  await client.connect(transport);
  return { client, transport, said: () => said, call: (tool, args) => callTool(client, tool, args) };
}

export async function callTool(client: Client, name: string, args: Record<string, unknown> = {}) {
  const result = await client.callTool({ name, arguments: args }, { timeout: 120_000 });
  return result.structuredContent as Record<string, unknown>;
}

/** Writes and reads lines itself, for what the client would not send. */
export function startRawMcp(env: Record<string, string>, cwd: string, args: string[] = []) {
  const child = spawn(process.execPath, [CLI, 'mcp', ...args], { cwd, env: { ...process.env, ...env } });
  const waiting = new Map<number, (answer: RawAnswer) => void>();
  let said = '';
  let next = 0;
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.stdin.on('error', () => undefined);
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    const answer = JSON.parse(line) as RawAnswer & { id?: number };
    if (answer.id !== undefined) waiting.get(answer.id)?.(answer);
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const ask = (method: string, params: object = {}): Promise<RawAnswer> => {
    const id = ++next;
    const answered = new Promise<RawAnswer>((resolve) => waiting.set(id, resolve));
    child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta: ENVELOPE } })}\n`);
    return answered;
  };
  return { child, lines, said: () => said, ended, ask, envelope: ENVELOPE };
}

export interface RawAnswer {
  result?: Record<string, unknown>;
  error?: { code: number; message: string };
}

export const TASK_CAPABILITIES = { elicitation: {}, extensions: { 'io.modelcontextprotocol/tasks': {} } };
export const CLIENT_INFO = { name: 'raw', version: '1' };
const ENVELOPE = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': CLIENT_INFO,
  'io.modelcontextprotocol/clientCapabilities': TASK_CAPABILITIES,
};
