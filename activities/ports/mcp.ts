/** Tools of MCP servers. */
import type { ToolSpec } from './model.ts';

/** When a call needs approval. `writes`: for tools that are not declared read-only. */
export type McpApproval = 'never' | 'writes' | 'always';

/** The server of a call, and what the thread needs to decide whether the call may run. */
export interface McpRoute {
  server: string;
  /** The tool's name at its server. */
  tool: string;
  /** The server declares it read-only. */
  readOnly: boolean;
  approval: McpApproval;
}

/** A tool of a server; `name` is what the model calls it: `mcp__SERVER__TOOL`, unique, at most 64 characters. */
export interface McpTool extends McpRoute, ToolSpec {}

/** A message about a server that is missing, or whose tools are incomplete. Contains no secret. */
export interface McpWarning {
  server: string;
  message: string;
}

export interface McpCall {
  server: string;
  tool: string;
  arguments: Record<string, unknown>;
  /** Maximum bytes of output, split between head and tail. */
  maxOutputBytes: number;
}

/** The end of a call. A failed call is a report, not a failure: the model reads why. */
export interface McpReport {
  outcome: 'completed' | 'failed';
  output: string;
  /** Images of the result, as the server sent them; left out if there are none. */
  images?: Uint8Array[];
  durationMs: number;
  /** It did not end when it was told to, and may still run. */
  left?: true;
}

/** A call of one of the operator's own tools, and the thread that it is for. */
export interface ToolCallRequest extends Omit<McpCall, 'server'> {
  threadId: string;
  cwd: string;
}

/** Tools of the operator's own code. They take the way of a server's tools: see docs/decisions/0013-own-code.md. */
export interface ToolPort {
  tools: readonly McpTool[];
  /** Like `McpPort.call`. Ends soon after `signal` fires, also if the tool does not. */
  call(request: ToolCallRequest, io: { signal: AbortSignal; onProgress: (text: string) => void }): Promise<McpReport>;
}

export interface McpPort {
  /**
   * The tools of all available servers, in the order of each server. Connects if necessary. An unavailable server is left out
   * with a warning; if it is required, fails with `mcpServerUnavailable`.
   */
  tools(signal: AbortSignal): Promise<{ tools: McpTool[]; warnings: McpWarning[] }>;
  /**
   * Calls one tool. When `signal` fires, sends a cancellation to the server and rejects with the reason. Whatever the server
   * does, this ends within the time limit of its calls.
   */
  call(request: McpCall, io: { signal: AbortSignal; onProgress: (text: string) => void }): Promise<McpReport>;
  /** Ends the servers that dead workers left running on this machine. */
  clean(): Promise<{ ended: number }>;
  /** Ends every connection and the processes of servers. */
  close(): Promise<void>;
}
