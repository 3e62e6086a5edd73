/**
 * Selects the tools that the model is offered, within limits. A tool that cannot be offered is named and does not
 * affect others.
 */
import type { McpRoute } from '../../../activities/ports.ts';
import type { McpServerConfig } from './config.ts';

const MAX_TOOLS = 128;
const MAX_NAME_CHARS = 128;
const MAX_DESCRIPTION_CHARS = 4_000;
const MAX_SCHEMA_CHARS = 20_000;
/** Maximum problems in a warning; the log has the others. */
const MAX_NAMED = 5;

export type OfferedTool = McpRoute & { description: string; parameters: Record<string, unknown> };

/** The unchecked listing of a server. */
export interface Listing {
  tools: unknown[];
  /** Why the list is incomplete; null if it is complete. */
  problem: string | null;
}

export interface Offer {
  tools: OfferedTool[];
  /** The omissions and their reasons for a person; null if there are none. */
  leftOut: string | null;
  /** All omissions, one per entry. */
  problems: string[];
}

export function toOffer(config: McpServerConfig, { tools: listed, problem }: Listing): Offer {
  const tools = new Map<string, OfferedTool>();
  const problems = problem === null ? [] : [problem];
  for (const [index, entry] of listed.entries()) {
    const name = isObject(entry) && typeof entry.name === 'string' ? entry.name : '';
    if (name !== '' && !isWanted(config, name)) continue;
    const read = readTool(config, name, entry);
    const shown = name === '' ? `tool ${index + 1}` : JSON.stringify(name.slice(0, MAX_NAME_CHARS));
    if (typeof read === 'string') problems.push(`${shown} ${read}`);
    else if (tools.has(name)) problems.push(`${shown} is listed twice, and the first one is offered`);
    else tools.set(name, read);
  }
  const beyond = tools.size - MAX_TOOLS;
  if (beyond > 0) problems.push(`${beyond} are more than the ${MAX_TOOLS} that can be offered`);
  return { tools: [...tools.values()].slice(0, MAX_TOOLS), leftOut: toWords(problems), problems };
}

function toWords(problems: string[]): string | null {
  if (problems.length === 0) return null;
  const more = problems.length - MAX_NAMED;
  return [
    ...problems.slice(0, MAX_NAMED),
    ...(more > 0 ? [`and ${more} more, which the worker's log names`] : []),
  ].join('; ');
}

function isWanted({ enabledTools, disabledTools }: McpServerConfig, name: string): boolean {
  return (enabledTools === null || enabledTools.includes(name)) && !disabledTools.includes(name);
}

/** The tool, or why it cannot be offered. Checks only what a call needs. */
function readTool({ name: server, approval }: McpServerConfig, tool: string, entry: unknown): OfferedTool | string {
  if (!isObject(entry) || tool === '') return 'has no name';
  if (tool.length > MAX_NAME_CHARS) return `has a name of more than ${MAX_NAME_CHARS} characters`;
  const { inputSchema: schema, description, annotations } = entry;
  if (!isObject(schema) || schema.type !== 'object') return 'has an input schema that is not of type object';
  const { properties = {}, required = [] } = schema;
  if (!isObject(properties) || !Object.values(properties).every(isSchema)) return 'has properties that are no schemas';
  if (!Array.isArray(required) || !required.every((name) => typeof name === 'string'))
    return 'requires what is no list of names';
  if (JSON.stringify(schema).length > MAX_SCHEMA_CHARS)
    return `has a schema of more than ${MAX_SCHEMA_CHARS} characters`;
  return {
    server,
    tool,
    // Unreadable annotations do not make a tool read-only.
    readOnly: isObject(annotations) && annotations.readOnlyHint === true,
    approval,
    description: typeof description === 'string' ? description.slice(0, MAX_DESCRIPTION_CHARS) : '',
    // Some endpoints refuse an object without properties.
    parameters: { ...schema, properties },
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSchema(value: unknown): boolean {
  return isObject(value) || typeof value === 'boolean';
}
