/** Tools of MCP servers. */
import type { ToolSpec } from './model.ts';

/** When a call is asked for: `writes` for tools that do not say that they only read. */
export type McpApproval = 'never' | 'writes' | 'always';

/** Where a call goes, and what the thread has to know to decide whether it may. */
export interface McpRoute {
  server: string;
  /** The tool's name at its server. */
  tool: string;
  /** The server says that it changes nothing. */
  readOnly: boolean;
  approval: McpApproval;
}

/** A tool of a server; `name` is what the model calls it: `mcp__SERVER__TOOL`, unique, at most 64 characters. */
export interface McpTool extends McpRoute, ToolSpec {}

/** What a person should know of a server, in words that hold no secret: it is not there, or not with all of its tools. */
export interface McpWarning {
  server: string;
  message: string;
}

export interface McpCall {
  server: string;
  tool: string;
  arguments: Record<string, unknown>;
  /** Bytes of output kept, split between head and tail. */
  maxOutputBytes: number;
}

/** How a call ended. One that failed is a report, not a failure: the model reads why. */
export interface McpReport {
  outcome: 'completed' | 'failed';
  output: string;
  durationMs: number;
}

export interface McpPort {
  /**
   * The tools of every server that is there, those of one server in its order. Connects where it has to. A server that
   * cannot be had is left out with a warning, unless it is required: then fails with `mcpServerUnavailable`.
   */
  tools(signal: AbortSignal): Promise<{ tools: McpTool[]; warnings: McpWarning[] }>;
  /**
   * Calls one tool. When `signal` fires the server is told to cancel, and this rejects with the reason. Whatever the
   * server does else, this ends within the time limit of its calls.
   */
  call(request: McpCall, io: { signal: AbortSignal; onProgress: (text: string) => void }): Promise<McpReport>;
  /** Ends the servers that workers which died left running on this machine. */
  clean(): Promise<{ ended: number }>;
  /** Ends every connection, and the processes of servers with them. */
  close(): Promise<void>;
}
