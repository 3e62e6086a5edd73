import { type McpServerConfig, readMcpConfig } from '../../adapters/mcp/config.ts';
import { dataLayout } from '../../folders/folders.ts';
import { findOnPath } from '../temporal-service/obtain/program.ts';
import type { CheckContext, Finding, Probe } from './check.ts';
import { readVariable } from '../../folders/variables.ts';

/** Checks the configuration of MCP servers. Starts and calls none of them. */
export const mcpProbe: Probe = {
  name: 'mcp servers',
  need: 'BOBBIN_MCP_CONFIG, or mcp.json in the data directory; optional',
  look: (context) => Promise.resolve(lookAtServers(context)),
};

function lookAtServers({ env, dataDirectory }: CheckContext): Finding {
  const asked = readVariable(env, 'BOBBIN_MCP_CONFIG');
  const file = asked || dataLayout(dataDirectory).mcpConfig;
  let servers: McpServerConfig[];
  try {
    servers = readMcpConfig(file, env, Boolean(asked));
  } catch (error) {
    const found = error instanceof Error ? error.message.replaceAll('\n', ' ') : String(error);
    return { status: 'missing', found, howTo: 'Correct that file; docs/mcp.md describes its members.' };
  }
  if (servers.length === 0) return { status: 'ok', found: 'none' };
  const found = servers.map(describe).join(', ');
  const absent = absentPrograms(servers, env);
  if (absent.length === 0) return { status: 'ok', found };
  return { status: 'missing', found, howTo: `Install ${absent.join(', ')}, or correct the command in ${file}.` };
}

function describe({ name, endpoint, required }: McpServerConfig): string {
  const where = endpoint.type === 'stdio' ? endpoint.command : new URL(endpoint.url).origin;
  return `${name} (${where}${required ? ', required' : ''})`;
}

function absentPrograms(servers: readonly McpServerConfig[], env: CheckContext['env']): string[] {
  const commands = servers.flatMap(({ endpoint }) => (endpoint.type === 'stdio' ? [endpoint.command] : []));
  return commands.filter((command) => !command.includes('/') && findOnPath(command, env) === undefined);
}
