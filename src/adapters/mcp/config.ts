/**
 * Reads the MCP servers from a file in the format that other agents use: `{ "mcpServers": { NAME: { ... } } }`. `docs/mcp.md`
 * describes every member.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { OWN_TOOLS } from '../../contract/plain/tools/own.ts';
import type { McpApproval } from '../../../activities/ports.ts';

/** Milliseconds. */
export const MAX_TOOL_TIMEOUT_MS = 3_600_000;

const EntrySchema = z
  .strictObject({
    /** Some editors write it. Only `command` and `url` decide. */
    type: z.enum(['stdio', 'http', 'streamable-http']).optional(),
    disabled: z.boolean().default(false),
    command: z.string().min(1).optional(),
    args: z.array(z.string()).optional(),
    env: z.record(z.string(), z.string()).optional(),
    cwd: z.string().min(1).optional(),
    url: z.url({ protocol: /^https?$/ }).optional(),
    headers: z.record(z.string(), z.string()).optional(),
    bearerTokenEnv: z.string().min(1).optional(),
    approval: z.enum(['never', 'writes', 'always']).default('writes'),
    toolTimeoutMs: z.number().int().min(1).max(MAX_TOOL_TIMEOUT_MS).default(60_000),
    startupTimeoutMs: z.number().int().min(1).max(120_000).default(10_000),
    enabledTools: z.array(z.string()).optional(),
    disabledTools: z.array(z.string()).default([]),
    required: z.boolean().default(false),
  })
  .superRefine((entry, context) => {
    const isLocal = entry.command !== undefined;
    if (isLocal === (entry.url !== undefined)) {
      context.addIssue({ code: 'custom', message: 'either a command or a url is needed, and not both' });
    }
    for (const member of isLocal ? (['headers', 'bearerTokenEnv'] as const) : (['args', 'env', 'cwd'] as const)) {
      if (entry[member] === undefined) continue;
      context.addIssue({
        code: 'custom',
        path: [member],
        message: `goes with a ${isLocal ? 'url' : 'command'} and not with a ${isLocal ? 'command' : 'url'}`,
      });
    }
  });
type Entry = z.infer<typeof EntrySchema>;

const FileSchema = z.object({
  mcpServers: z
    .record(z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'a name of letters, digits, _ and -'), EntrySchema)
    .superRefine((servers, context) => {
      if (!Object.hasOwn(servers, OWN_TOOLS) || servers[OWN_TOOLS]?.disabled) return;
      const message = 'this name stands for the tools of the worker itself; take another one';
      context.addIssue({ code: 'custom', path: [OWN_TOOLS], message });
    }),
});

export type McpEndpoint =
  /** `command` is absolute or a bare name; `cwd` is absolute, and a private folder if it is left out. */
  | { type: 'stdio'; command: string; args: string[]; env: Record<string, string>; cwd: string | undefined }
  | { type: 'http'; url: string; headers: Record<string, string> };

export interface McpServerConfig {
  name: string;
  endpoint: McpEndpoint;
  approval: McpApproval;
  /** Timeout of one call in milliseconds. */
  toolTimeoutMs: number;
  /** Timeout in milliseconds until the server has listed its tools. */
  startupTimeoutMs: number;
  /** Null for all that are not disabled. */
  enabledTools: string[] | null;
  disabledTools: string[];
  /** Whether a turn fails without it. */
  required: boolean;
  /** Values that must not leave the worker. */
  secrets: string[];
}

/**
 * Returns the servers of a file; none if the file does not exist and was not configured. Throws an error that names the
 * file and every invalid member.
 * @param asked whether the file was configured, so that it must exist
 */
export function readMcpConfig(file: string, env: NodeJS.ProcessEnv, asked: boolean): McpServerConfig[] {
  if (!asked && !existsSync(file)) return [];
  const parsed = FileSchema.safeParse(readJson(file));
  if (!parsed.success) throw unusable(file, parsed.error.issues.map(describeIssue));
  const missing: string[] = [];
  const folder = dirname(resolve(file));
  const servers = Object.entries(parsed.data.mcpServers)
    .filter(([, entry]) => !entry.disabled)
    .map(([name, entry]) =>
      toServer(name, inFolder(entry, folder), createExpander(env, `mcpServers.${name}`, missing)),
    );
  if (missing.length > 0) throw unusable(file, missing);
  return servers;
}

/** Resolves paths relative to the file. A bare name is searched on PATH. */
function inFolder(entry: Entry, folder: string): Entry {
  const { command, cwd } = entry;
  return {
    ...entry,
    ...(command?.includes('/') === true ? { command: resolve(folder, command) } : {}),
    ...(cwd === undefined ? {} : { cwd: resolve(folder, cwd) }),
  };
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw unusable(file, [error instanceof Error ? error.message : String(error)]);
  }
}

function unusable(file: string, problems: readonly string[]): Error {
  return new Error(`The MCP configuration ${file} cannot be used:\n${problems.join('\n')}`);
}

function describeIssue(issue: z.core.$ZodIssue): string {
  return `${issue.path.join('.') || 'the file'}: ${issue.message}`;
}

interface Expander {
  /** The text with every `${NAME}` replaced by that variable of the worker. */
  expand(member: string, text: string): string;
  variable(member: string, name: string): string;
  /** The values of all variables that were used. */
  used: string[];
}

/** @param missing gets a line for each variable that is not set */
function createExpander(env: NodeJS.ProcessEnv, place: string, missing: string[]): Expander {
  const used: string[] = [];
  const variable: Expander['variable'] = (member, name) => {
    const value = env[name];
    if (value === undefined || value === '') missing.push(`${place}.${member}: the variable ${name} is not set`);
    else used.push(value);
    return value ?? '';
  };
  return {
    used,
    variable,
    expand: (member, text) => text.replace(/\$\{([A-Za-z_]\w*)\}/g, (_, name: string) => variable(member, name)),
  };
}

/** Removing shorter values would garble all texts. */
const SHORTEST_SECRET = 6;
const SECRET_NAME = /KEY|TOKEN|SECRET|PASSW|CREDENTIAL|AUTH/i;

function toServer(name: string, entry: Entry, expander: Expander): McpServerConfig {
  const { approval, toolTimeoutMs, startupTimeoutMs, enabledTools, disabledTools, required } = entry;
  const written = { ...entry.env, ...entry.headers };
  const endpoint = toEndpoint(entry, expander);
  const named = Object.entries(written).flatMap(([member, text]) =>
    SECRET_NAME.test(member) && !text.includes('${') ? [text] : [],
  );
  return {
    name,
    endpoint,
    approval,
    toolTimeoutMs,
    startupTimeoutMs,
    enabledTools: enabledTools ?? null,
    disabledTools,
    required,
    secrets: [...new Set([...expander.used, ...named])].filter((secret) => secret.length >= SHORTEST_SECRET),
  };
}

function toEndpoint(entry: Entry, expander: Expander): McpEndpoint {
  const expandAll = (member: string, texts: Record<string, string> = {}) =>
    Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, expander.expand(`${member}.${key}`, text)]));
  if (entry.command !== undefined) {
    const { command, args = [], cwd } = entry;
    return { type: 'stdio', command, args, env: expandAll('env', entry.env), cwd };
  }
  const headers = expandAll('headers', entry.headers);
  const { bearerTokenEnv } = entry;
  if (bearerTokenEnv !== undefined) {
    headers['Authorization'] = `Bearer ${expander.variable('bearerTokenEnv', bearerTokenEnv)}`;
  }
  return { type: 'http', url: entry.url ?? '', headers };
}
