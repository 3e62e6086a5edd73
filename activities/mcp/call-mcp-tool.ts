/**
 * Calls a tool of an MCP server. Not idempotent: the thread allows retries only if the server declares the tool read-only.
 */
import { toItemId } from '../../src/contract/plain/item-ids.ts';
import type { McpProgress, McpStep, McpStepResult } from '../contract.ts';
import { Failure } from '../failures.ts';
import type { Ports } from '../ports.ts';
import { runStep } from '../step.ts';

export async function callMcpTool(ports: Ports, input: McpStep): Promise<McpStepResult> {
  const first: McpProgress = { type: 'mcp', itemId: toItemId(input.index), text: '' };
  return runStep<McpProgress, McpStepResult>({ ...ports, ...input }, first, async (step) => {
    const { server, tool } = input;
    const args = input.arguments ?? (await readArguments(ports, input, step.signal));
    const report = await ports.mcp.call(
      { server, tool, arguments: args, maxOutputBytes: ports.maxOutputBytes },
      { signal: step.signal, onProgress: (text) => (step.progress = { ...first, text }) },
    );
    return { type: 'reported', ...report };
  });
}

async function readArguments(ports: Ports, input: McpStep, signal: AbortSignal): Promise<Record<string, unknown>> {
  const { items, from } = await ports.threads.context(input.threadId, input.index, signal);
  const item = items[input.index - from];
  if (item?.type === 'mcpToolCall') return item.arguments;
  throw new Failure(
    'internal',
    `Item ${input.index} of thread ${input.threadId} is not the call of ${input.actionId}.`,
  );
}
