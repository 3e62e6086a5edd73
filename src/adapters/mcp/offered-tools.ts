/** Which of a server's tools the model is offered, each within bounds. */
import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import type { McpRoute } from '../../../activities/ports.ts';
import type { McpServerConfig } from './config.ts';

const MAX_TOOLS = 128;
const MAX_NAME_CHARS = 128;
const MAX_DESCRIPTION_CHARS = 4_000;
const MAX_SCHEMA_CHARS = 20_000;

export type OfferedTool = McpRoute & { description: string; parameters: Record<string, unknown> };

export interface Offer {
  tools: OfferedTool[];
  /** How many were left out because of a bound. */
  leftOut: number;
}

export function toOffer(config: McpServerConfig, listed: readonly Tool[]): Offer {
  const wanted = listed.filter(({ name }) => isWanted(config, name));
  const different = [...new Map(wanted.map((tool) => [tool.name, tool])).values()];
  const fitting = different.filter(isFitting).slice(0, MAX_TOOLS);
  return { tools: fitting.map((tool) => toOffered(config, tool)), leftOut: different.length - fitting.length };
}

function isWanted({ enabledTools, disabledTools }: McpServerConfig, name: string): boolean {
  return (enabledTools === null || enabledTools.includes(name)) && !disabledTools.includes(name);
}

function isFitting({ name, inputSchema }: Tool): boolean {
  return name !== '' && name.length <= MAX_NAME_CHARS && JSON.stringify(inputSchema).length <= MAX_SCHEMA_CHARS;
}

function toOffered({ name: server, approval }: McpServerConfig, tool: Tool): OfferedTool {
  const { name, description = '', inputSchema, annotations } = tool;
  return {
    server,
    tool: name,
    readOnly: annotations?.readOnlyHint === true,
    approval,
    description: description.slice(0, MAX_DESCRIPTION_CHARS),
    // Some endpoints refuse an object without properties.
    parameters: { ...inputSchema, properties: inputSchema.properties ?? {} },
  };
}
