/** The MCP servers of a worker: each is one process or one session, shared by all threads that this worker runs steps of. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { McpPort } from '../../../activities/ports.ts';
import { buildCommandEnvironment } from '../shell/command-environment.ts';
import { createFence } from '../shell/fence.ts';
import { createProcessTable } from '../shell/process-table.ts';
import type { McpEndpoint, McpServerConfig } from './config.ts';
import { type McpServer, createServer } from './server.ts';
import type { StdioServer } from './stdio-transport.ts';
import { toToolNames } from './tool-names.ts';

export interface McpAdapterOptions {
  servers: McpServerConfig[];
  /** Absolute; holds records of the processes, and what they say on their standard error. Made when needed. */
  stateDirectory: string;
  /** Of this program, told to the servers. */
  version: string;
  /** The worker's environment, of which servers get what commands get. */
  env: NodeJS.ProcessEnv;
}

/** See `McpPort` for what its methods promise. Nothing is started before it is needed. */
export function createMcp(options: McpAdapterOptions): McpPort {
  const { stateDirectory, env, version } = options;
  const table = createProcessTable();
  const place = join(stateDirectory, 'mcp');
  const fence = createFence({ stateDirectory, table, log: () => undefined });

  const toStdioServer = (name: string, endpoint: Extract<McpEndpoint, { type: 'stdio' }>): StdioServer => {
    const processId = `mcp/${name}/${randomUUID()}`;
    return {
      command: endpoint.command,
      args: endpoint.args,
      cwd: endpoint.cwd ?? process.cwd(),
      environment: { ...buildCommandEnvironment(env, processId), ...endpoint.env },
      processId,
      errorFile: join(place, `${name}.stderr`),
      table,
      enterFence: () => fence.enter(place, processId),
    };
  };
  const servers = new Map<string, McpServer>(
    options.servers.map((config) => [
      config.name,
      createServer(config, async (io) => {
        if (config.endpoint.type === 'stdio') await fence.clean(place);
        // Loaded where there is a server, since every worker waits for what is loaded at its start.
        const { openConnection } = await import('./connection.ts');
        return openConnection({
          config,
          version,
          toStdioServer: (endpoint) => toStdioServer(config.name, endpoint),
          ...io,
        });
      }),
    ]),
  );

  return {
    async tools(signal) {
      const offers = await Promise.all([...servers.values()].map((server) => server.offer(signal)));
      const tools = offers.flatMap((offer) => offer.tools);
      const names = toToolNames(tools);
      return {
        tools: tools.map((tool, index) => ({ ...tool, name: names[index] ?? tool.tool })),
        warnings: offers.flatMap(({ warning }) => (warning === null ? [] : [warning])),
      };
    },
    call(request, io) {
      const server = servers.get(request.server);
      if (server !== undefined) return server.call(request, io);
      const output = `The call failed: this worker knows no MCP server named ${request.server}`;
      return Promise.resolve({ outcome: 'failed', output, durationMs: 0 });
    },
    clean: () => fence.clean(place),
    async close() {
      await Promise.all([...servers.values()].map((server) => server.close()));
    },
  };
}
