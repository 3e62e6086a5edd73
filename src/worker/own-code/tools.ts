/** The tool port over the operator's own tools. */
import { inspect } from 'node:util';
import { z } from 'zod';
import type { McpReport, McpTool, ToolPort } from '../../../activities/ports.ts';
import { createOutputWindow } from '../../adapters/shell/output/output-window.ts';
import { OWN_TOOLS } from '../../contract/plain/tools/own.ts';
import type { OwnTool } from './definitions.ts';
import { GRACE_MS, runWithinLimits } from './within-limits.ts';

const DEFAULT_TIMEOUT_MS = 60_000;
const MAX_PROGRESS_CHARS = 2_000;

/** @param log logs a line for the operator */
export function createOwnTools(tools: readonly OwnTool[], log: (line: string) => void): ToolPort {
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  return {
    tools: tools.map(toOffered),
    async call({ tool: name, arguments: given, maxOutputBytes, threadId, cwd }, { signal, onProgress }) {
      const tool = byName.get(name);
      if (tool === undefined) return failed(`The call failed: this worker has no tool named ${name}.`);
      const startedAt = performance.now();
      const toReport = (outcome: McpReport['outcome'], text: string, left = false): McpReport => ({
        outcome,
        output: bounded(text, Math.min(tool.maxOutputBytes ?? maxOutputBytes, maxOutputBytes)),
        durationMs: Math.round(performance.now() - startedAt),
        ...(left ? { left } : {}),
      });
      const input = tool.input.safeParse(given);
      if (!input.success) return toReport('failed', `${name}: ${describeIssues(input.error)}`);
      const { timeoutMs = DEFAULT_TIMEOUT_MS } = tool;
      const end = await runWithinLimits(
        (own) => tool.run(input.data, { threadId, cwd, signal: own, progress: toProgress(onProgress) }),
        { signal, timeoutMs },
      );
      switch (end.type) {
        case 'returned': {
          const text = toText(end.value);
          return text instanceof Error ? toReport('failed', text.message) : toReport('completed', text);
        }
        case 'threw':
          return toReport('failed', `The tool failed: ${toMessage(end.error)}`);
        case 'timedOut':
        case 'stopped': {
          if (!end.left) signal.throwIfAborted();
          const why =
            end.type === 'timedOut' ? `It took more than ${timeoutMs} ms and was told to stop` : 'It was told to stop';
          if (!end.left) return toReport('failed', `${why}. It may have done part of its work.`);
          log(
            `Tool ${name} of thread ${threadId} has not ended ${GRACE_MS} ms after it was told to, and may still run`,
          );
          return toReport('failed', `${why}, has not ended, and may still run in worker ${process.pid}.`, true);
        }
      }
    },
  };
}

function toOffered({ name, description, input, readOnly = false, approval = 'writes' }: OwnTool): McpTool {
  const { $schema: _, ...parameters } = z.toJSONSchema(input, { io: 'input' });
  return { server: OWN_TOOLS, tool: name, name, description, readOnly, approval, parameters };
}

function failed(output: string): McpReport {
  return { outcome: 'failed', output, durationMs: 0 };
}

function bounded(text: string, maxBytes: number): string {
  const window = createOutputWindow(maxBytes);
  window.push(Buffer.from(text));
  return window.text().output;
}

function describeIssues({ issues }: z.ZodError): string {
  return issues.map(({ path, message }) => `\`${path.join('.') || 'the arguments'}\`: ${message}`).join('; ');
}

/** The result for the model, or why it is none. */
function toText(value: unknown): string | Error {
  if (typeof value === 'string') return value || '(the tool gave no output)';
  if (value === undefined) return '(the tool gave no output)';
  try {
    const text: unknown = JSON.stringify(value);
    if (typeof text === 'string') return text;
  } catch (error) {
    return new Error(`The tool has run, and its result is not JSON: ${toMessage(error)}`);
  }
  return new Error(`The tool has run, and its result is not JSON: a ${typeof value}`);
}

/** @returns what an error says; an error may be anything that was thrown */
export function toMessage(error: unknown): string {
  return error instanceof Error ? error.message || error.name : inspect(error, { depth: 1 });
}

/** Code without types may report any value. */
export function toProgress(onProgress: (text: string) => void): (text: unknown) => void {
  return (text) => onProgress(String(text).slice(0, MAX_PROGRESS_CHARS).toWellFormed());
}
