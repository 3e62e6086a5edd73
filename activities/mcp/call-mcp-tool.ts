/**
 * Calls a tool of an MCP server, or one of the operator's own code. Not idempotent: the thread allows retries only if the
 * tool is declared read-only.
 */
import type { ImageRef } from '../../src/contract/index.ts';
import { LIMITS } from '../../src/contract/plain/limits.ts';
import { toItemId } from '../../src/contract/plain/item-ids.ts';
import { OWN_TOOLS } from '../../src/contract/plain/tools/own.ts';
import type { McpProgress, McpStep, McpStepResult } from '../contract.ts';
import { Failure } from '../failures.ts';
import { storeImage } from '../images/stored-images.ts';
import type { McpReport, Ports } from '../ports.ts';
import { runStep } from '../step.ts';

export async function callMcpTool(ports: Ports, input: McpStep): Promise<McpStepResult> {
  const first: McpProgress = { type: 'mcp', itemId: toItemId(input.index), text: '' };
  return runStep<McpProgress, McpStepResult>({ ...ports, ...input }, first, async (step) => {
    const io = { signal: step.signal, onProgress: (text: string) => void (step.progress = { ...first, text }) };
    const report = await (input.server === OWN_TOOLS ? callOwnTool : callServer)(ports, input, io);
    return { type: 'reported', ...(await withStoredImages(ports, report)) };
  });
}

/** The bytes go to the archive. They come from a server, so they may be anything. */
async function withStoredImages(
  { archive }: Ports,
  { images: given = [], ...report }: McpReport,
): Promise<Omit<Extract<McpStepResult, { type: 'reported' }>, 'type'>> {
  const images: ImageRef[] = [];
  const notes: string[] = [];
  for (const [index, bytes] of given.entries()) {
    const stored =
      index < LIMITS.resultImages
        ? await storeImage(archive, bytes)
        : { fault: `a result may have ${LIMITS.resultImages} images` };
    if ('fault' in stored) notes.push(`\n[image ${index + 1} is not shown: ${stored.fault}]`);
    else images.push(stored);
  }
  return { ...report, output: report.output + notes.join(''), ...(images.length === 0 ? {} : { images }) };
}

type Io = Parameters<Ports['mcp']['call']>[1];

async function callServer(ports: Ports, { server, tool, ...input }: McpStep, io: Io): Promise<McpReport> {
  const args = input.arguments ?? (await readArguments(ports, input, io.signal));
  return ports.mcp.call({ server, tool, arguments: args, maxOutputBytes: ports.maxOutputBytes }, io);
}

async function callOwnTool(ports: Ports, { threadId, index, tool, ...input }: McpStep, io: Io): Promise<McpReport> {
  const { settings } = await ports.threads.context(threadId, index, io.signal);
  ports.requireWorkspace(settings.cwd, settings.root);
  const args = input.arguments ?? (await readArguments(ports, { threadId, index, ...input }, io.signal));
  const call = { tool, threadId, cwd: settings.cwd, arguments: args, maxOutputBytes: ports.maxOutputBytes };
  return ports.tools.call(call, io);
}

async function readArguments(
  ports: Ports,
  input: Omit<McpStep, 'server' | 'tool'>,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const { items, from } = await ports.threads.context(input.threadId, input.index, signal);
  const item = items[input.index - from];
  if (item?.type === 'mcpToolCall') return item.arguments;
  throw new Failure(
    'internal',
    `Item ${input.index} of thread ${input.threadId} is not the call of ${input.actionId}.`,
  );
}
