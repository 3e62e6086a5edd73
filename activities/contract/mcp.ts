/** Calls of MCP servers. */
import type { McpReport } from '../ports.ts';

export interface McpStep {
  threadId: string;
  /** The id the thread knows this step by. */
  actionId: string;
  /** Number of the call's item; its arguments are read from there when `arguments` is null because they are long. */
  index: number;
  server: string;
  tool: string;
  arguments: Record<string, unknown> | null;
}

/** What the last heartbeat of a running call held: what its server said of how far it is. */
export interface McpProgress {
  type: 'mcp';
  text: string;
}

export type McpStepResult = ({ type: 'reported' } & McpReport) | { type: 'aborted' };
