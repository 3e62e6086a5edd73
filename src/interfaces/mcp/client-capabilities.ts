/** What the client of a call can do: said with each request since MCP 2026-07-28, before that at the start of a connection. */
import {
  CLIENT_CAPABILITIES_META_KEY,
  type ClientCapabilities,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server';

/** Of the request alone. */
export function capabilitiesOfRequest({ mcpReq }: ServerContext): ClientCapabilities | undefined {
  const envelope = mcpReq.envelope as Partial<Record<string, ClientCapabilities>> | undefined;
  return envelope?.[CLIENT_CAPABILITIES_META_KEY];
}

export function capabilitiesOf({ server }: McpServer, context: ServerContext): ClientCapabilities | undefined {
  // Deprecated for new clients only.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  return capabilitiesOfRequest(context) ?? server.getClientCapabilities();
}
