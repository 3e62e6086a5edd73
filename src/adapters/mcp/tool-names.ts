/** The names of tools for the model. The same tools have the same names in every worker. */
import { createHash } from 'node:crypto';

const MAX_CHARS = 64;
const HASH_CHARS = 8;

interface Named {
  server: string;
  tool: string;
}

/** Unique names in the order of the tools: `mcp__SERVER__TOOL`, with letters, digits, _ and -. */
export function toToolNames(tools: readonly Named[]): string[] {
  const plain = tools.map(({ server, tool }) => `mcp__${sanitised(server)}__${sanitised(tool)}`);
  const counts = new Map<string, number>();
  for (const name of plain) counts.set(name, (counts.get(name) ?? 0) + 1);
  return tools.map((tool, index) => {
    const name = plain[index] ?? '';
    return name.length <= MAX_CHARS && counts.get(name) === 1 ? name : withHash(name, tool);
  });
}

function sanitised(text: string): string {
  return text.replace(/[^A-Za-z0-9_-]/g, '_');
}

function withHash(name: string, { server, tool }: Named): string {
  const hash = createHash('sha256').update(`${server}\n${tool}`).digest('hex').slice(0, HASH_CHARS);
  return `${name.slice(0, MAX_CHARS - HASH_CHARS - 1)}_${hash}`;
}
