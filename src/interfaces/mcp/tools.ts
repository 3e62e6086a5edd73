/** The tools: what a model may call. Each parses, calls the client, and makes a bounded result. */
import type { McpServer } from '@modelcontextprotocol/server';
import { allows } from '../http/tokens.ts';
import { type Access, describeError } from './access.ts';
import { toError } from './results.ts';
import { threadTools } from './thread-tools.ts';
import { workTools } from './work-tools.ts';

/** Calls of one connection that run at the same time. */
const MAX_CALLS = 64;

export function addTools(server: McpServer, access: Access): void {
  let running = 0;
  const tools = { ...workTools({ server, access }), ...threadTools(access) };
  for (const [name, { scope, description, input, readOnly, destructive, run }] of Object.entries(tools)) {
    if (!allows(access.rights, scope)) continue;
    const annotations = {
      readOnlyHint: readOnly === true,
      destructiveHint: destructive === true,
      openWorldHint: false,
    };
    server.registerTool(name, { description, inputSchema: input, annotations }, async (given, context) => {
      if (running >= MAX_CALLS) return toError('tooManyCalls', `${running} calls run already; wait for one to end.`);
      running += 1;
      try {
        return await run(given, context);
      } catch (error) {
        const { code, message } = describeError(access, error);
        return toError(code, message);
      } finally {
        running -= 1;
      }
    });
  }
}
