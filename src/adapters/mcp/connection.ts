/** One connection to one server, from its start to its end. */
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
  /** Progress messages of the server. */
  onProgress: (text: string) => void;
}

export interface Connection {
  /** The tools of the last listing. Lists them again if the server reported a change. */
  tools(): Promise<Listing>;
  /** Rejects with the error; {@link describeFault} describes it. */
  call(tool: string, args: Record<string, unknown>, io: CallIo): Promise<CallToolResult>;
  /** Why it can no longer be used; null while it can. */
  readonly fault: string | null;
  close(): Promise<void>;
}

export interface ConnectionOptions {
  config: McpServerConfig;
  version: string;
  /** What a process needs in addition to the configuration. */
  toStdioServer: (endpoint: Extract<McpEndpoint, { type: 'stdio' }>) => StdioServer;
  /** Called if an open connection ends and this side has not closed it. */
  onLost: () => void;
  /** Cancels the start. */
  signal: AbortSignal;
}

const MAX_PAGES = 20;
const MAX_PROGRESS_CHARS = 200;
/** Timeout for ending the session at a server over HTTP, in milliseconds. */
const GOODBYE_MS = 1_000;

/** Resolves when the server has listed its tools. If it rejects, nothing is left running. */
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
        // An old list is better than a step that waits for a new one each time.
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
  /** The last message to the server before the connection is closed. */
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
  // Requests of the server: we support neither elicitation nor sampling, and answer that.
  client.fallbackRequestHandler = ({ method }) => {
    throw new ProtocolError(ProtocolErrorCode.MethodNotFound, `Bobbin does not answer ${method}; go on without it`);
  };
  return client;
}

/** A page is parsed tool by tool later. With the SDK's schema, one bad tool would make the whole page fail. */
const PageSchema = z.looseObject({ tools: z.array(z.unknown()), nextCursor: z.unknown().optional() });

/** A direct request, because the client's method would compile every schema that a server sends. */
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
      // Without its first page the server is useless; without a later one it is not.
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
