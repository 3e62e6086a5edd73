/** Calls of MCP servers. */
import type { ImageRef } from '../../src/contract/index.ts';
import type { McpReport } from '../ports.ts';

export interface McpStep {
  threadId: string;
  /** The thread's id for this step. */
  actionId: string;
  /** Number of the call's item; its arguments are read from there when `arguments` is null because they are long. */
  index: number;
  server: string;
  tool: string;
  arguments: Record<string, unknown> | null;
}

/** The last heartbeat of a running call: the progress that its server reported. */
export interface McpProgress {
  type: 'mcp';
  itemId: string;
  text: string;
}

/** Images are stored, and the output says which could not be. */
export type McpStepResult =
  ({ type: 'reported'; images?: ImageRef[] } & Omit<McpReport, 'images'>) | { type: 'aborted' };
