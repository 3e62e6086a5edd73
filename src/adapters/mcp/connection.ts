/** One connection to one server, from its start to its end, whichever side ends it. */
import {
  type CallToolResult,
  Client,
  ProtocolError,
  ProtocolErrorCode,
  StreamableHTTPClientTransport,
  type Transport,
} from '@modelcontextprotocol/client';
import { z } from 'zod';
import { createBoundedFetch } from './bounded-fetch.ts';
import type { McpEndpoint, McpServerConfig } from './config.ts';
import { ServerFault, describeFault, within } from './faults.ts';
import type { Listing } from './offered-tools.ts';
import { createStdioTransport, type StdioServer } from './stdio-transport.ts';

export interface CallIo {
  signal: AbortSignal;
  timeoutMs: number;
  /** What the server says of how far it is. */
  onProgress: (text: string) => void;
}

export interface Connection {
  /** The tools as last listed; lists them again where the server said that they changed. */
  tools(): Promise<Listing>;
  /** Rejects with what went wrong; {@link describeFault} has words for it. */
  call(tool: string, args: Record<string, unknown>, io: CallIo): Promise<CallToolResult>;
  /** Why it cannot be used any more; null as long as it can. */
  readonly fault: string | null;
  close(): Promise<void>;
}

export interface ConnectionOptions {
  config: McpServerConfig;
  version: string;
  /** What a process needs beside the words of the configuration. */
  toStdioServer: (endpoint: Extract<McpEndpoint, { type: 'stdio' }>) => StdioServer;
  /** Called once it has ended without having been closed from here; not before it was open. */
  onLost: () => void;
  /** Gives the start up. */
  signal: AbortSignal;
}

const MAX_PAGES = 20;
const MAX_PROGRESS_CHARS = 200;
/** The goodbye to a server over HTTP, in milliseconds. */
const GOODBYE_MS = 1_000;

/** Resolves once the server has listed its tools. Nothing of it is left where this rejects. */
export async function openConnection(options: ConnectionOptions): Promise<Connection> {
  const { config } = options;
  const line = openLine(options);
  const client = createClient(options.version);
  let ended = false;
  let isOpen = false;
  let changed = false;
  client.onclose = () => {
    ended = true;
    if (isOpen) options.onLost();
  };
  client.setNotificationHandler('notifications/tools/list_changed', () => {
    changed = true;
  });
  const close = async (): Promise<void> => {
    isOpen = false;
    await line.goodbye();
    await line.transport.close();
  };

  const timeout = AbortSignal.timeout(config.startupTimeoutMs);
  const limit = AbortSignal.any([timeout, options.signal]);
  let tools: Listing;
  try {
    tools = await within(limit, async () => {
      await client.connect(line.transport, { signal: limit });
      return listTools(client, limit);
    });
    if (client.transport === undefined) throw new Error('the connection was closed');
    isOpen = true;
  } catch (error) {
    await close();
    if (timeout.aborted)
      throw new ServerFault(`it did not start within ${config.startupTimeoutMs} ms`, { cause: error });
    throw new ServerFault(line.fault() ?? describeFault(error), { cause: error });
  }
  return {
    get fault() {
      return ended ? (line.fault() ?? 'the connection was closed') : null;
    },
    async tools() {
      if (!changed || ended) return tools;
      changed = false;
      const again = AbortSignal.timeout(config.startupTimeoutMs);
      try {
        tools = await within(again, () => listTools(client, again));
      } catch {
        // What was listed before is better than a step that waits for it each time.
      }
      return tools;
    },
    async call(tool, args, io) {
      try {
        return await callTool(client, tool, args, io);
      } catch (error) {
        const fault = line.fault();
        throw fault === null ? error : new ServerFault(fault, { cause: error });
      }
    },
    close,
  };
}

interface Line {
  transport: Transport;
  fault(): string | null;
  /** What is said to the server before the line is closed. */
  goodbye(): Promise<void>;
}

function openLine({ config, toStdioServer }: ConnectionOptions): Line {
  const { endpoint } = config;
  if (endpoint.type === 'stdio') {
    const transport = createStdioTransport(toStdioServer(endpoint));
    return { transport, fault: () => transport.fault, goodbye: () => Promise.resolve() };
  }
  let fault: string | null = null;
  const transport = new StreamableHTTPClientTransport(new URL(endpoint.url), {
    requestInit: { headers: endpoint.headers },
    fetch: createBoundedFetch((reason) => {
      fault ??= reason;
      void transport.close();
    }),
  });
  return {
    transport,
    fault: () => fault,
    async goodbye() {
      if (fault !== null) return;
      await within(AbortSignal.timeout(GOODBYE_MS), () => transport.terminateSession()).catch(() => undefined);
    },
  };
}

function createClient(version: string): Client {
  const client = new Client({ name: 'bobbin', version }, { capabilities: {} });
  // What a server asks of us: we offer neither questions to the person nor model calls, and say so.
  client.fallbackRequestHandler = ({ method }) => {
    throw new ProtocolError(ProtocolErrorCode.MethodNotFound, `Bobbin does not answer ${method}; go on without it`);
  };
  return client;
}

/** A page is read tool by tool later on: by the SDK's own schema, one bad tool would take the others with it. */
const PageSchema = z.looseObject({ tools: z.array(z.unknown()), nextCursor: z.unknown().optional() });

/** Asked for directly: the client's own method would compile every schema that a server sends. */
async function listTools(client: Client, signal: AbortSignal): Promise<Listing> {
  const tools: unknown[] = [];
  if (client.getServerCapabilities()?.tools === undefined) return { tools, problem: null };
  let cursor: unknown;
  for (let page = 0; page < MAX_PAGES; page++) {
    try {
      const params = typeof cursor === 'string' ? { cursor } : {};
      const listed = await client.request({ method: 'tools/list', params }, PageSchema, { signal });
      tools.push(...listed.tools);
      cursor = listed.nextCursor;
    } catch (error) {
      // Without a first page the server is of no use; without a later one it is of some.
      if (page === 0 || signal.aborted || client.transport === undefined) throw error;
      return { tools, problem: `page ${page + 1} of its list cannot be read (${describeFault(error)})` };
    }
    if (typeof cursor !== 'string' || cursor === '') return { tools, problem: null };
  }
  return { tools, problem: `its list has more than ${MAX_PAGES} pages` };
}

async function callTool(
  client: Client,
  name: string,
  args: Record<string, unknown>,
  { signal, timeoutMs, onProgress }: CallIo,
): Promise<CallToolResult> {
  return client.request(
    { method: 'tools/call', params: { name, arguments: args } },
    {
      signal,
      timeout: timeoutMs,
      onprogress: ({ progress, total, message }) =>
        onProgress((message ?? `${progress}${total === undefined ? '' : `/${total}`}`).slice(0, MAX_PROGRESS_CHARS)),
    },
  );
}
