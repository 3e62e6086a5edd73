/** The MCP servers of a worker. Each is one process or session, shared by the threads whose steps this worker runs. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { McpPort } from '../../../activities/ports.ts';
import { makePrivateFolder } from '../../folders/private-folder.ts';
import { writePrivateFileSync } from '../../folders/private-file.ts';
import { toSearchPath } from '../programs.ts';
import { buildCommandEnvironment, withoutLoaders } from '../shell/command-environment.ts';
import { createFence } from '../shell/processes/fence.ts';
import { createProcessTable } from '../shell/processes/process-table.ts';
import type { McpEndpoint, McpServerConfig } from './config.ts';
import { type McpServer, createServer } from './server.ts';
import type { StdioServer } from './stdio-transport.ts';
import { toToolNames } from './tool-names.ts';

export interface McpAdapterOptions {
  servers: McpServerConfig[];
  /** See `CommandRunnerOptions`. */
  hostId?: string;
  /** Absolute path for the records of processes, their working folders and their standard error. */
  stateDirectory: string;
  /** Version of this program, for the servers. */
  version: string;
  /** The worker's environment. Servers get the same part of it as commands. */
  env: NodeJS.ProcessEnv;
  /** Logs a line for the operator. */
  log: (line: string) => void;
}

/** See `McpPort`. Starts nothing before it is needed. */
export function createMcp(options: McpAdapterOptions): McpPort {
  const { stateDirectory, env, version } = options;
  const table = createProcessTable();
  const place = join(stateDirectory, 'mcp');
  const fence = createFence({ stateDirectory, hostId: options.hostId, table, log: () => undefined });

  const toStdioServer = (name: string, endpoint: Extract<McpEndpoint, { type: 'stdio' }>): StdioServer => {
    const processId = `mcp/${name}/${randomUUID()}`;
    return {
      command: endpoint.command,
      args: endpoint.args,
      cwd: endpoint.cwd ?? makeOwnFolder(join(place, name)),
      environment: {
        ...withoutLoaders(buildCommandEnvironment(env, processId)),
        PATH: toPath(env),
        ...endpoint.env,
      },
      processId,
      errorFile: join(place, `${name}.stderr`),
      table,
      enterFence: () => fence.enter(place, processId),
    };
  };
  const open = async (config: McpServerConfig, io: { onLost: () => void; signal: AbortSignal }) => {
    if (config.endpoint.type === 'stdio') await fence.clean(place);
    // Only loaded if there is a server, because it delays the start of a worker.
    const { openConnection } = await import('./connection.ts');
    return openConnection({
      config,
      version,
      toStdioServer: (endpoint) => toStdioServer(config.name, endpoint),
      ...io,
    });
  };
  const servers = new Map<string, McpServer>(
    options.servers.map((config) => [config.name, createServer(config, (io) => open(config, io), options.log)]),
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

/**
 * The default working directory of a program. Package runners (`npx`, `python -m`) run what they find in their working
 * directory and above, which commands could choose in a workspace. The file stops the search of `npx`.
 */
function makeOwnFolder(path: string): string {
  makePrivateFolder(path);
  const file = join(path, 'package.json');
  if (!existsSync(file)) writePrivateFileSync(file, '{}\n');
  return path;
}

/** Leaves out folders that commands can write, if the worker was started in a workspace. */
function toPath(env: NodeJS.ProcessEnv): string {
  const startedIn = process.cwd();
  return toSearchPath(startedIn === '/' ? [] : [startedIn], env);
}
