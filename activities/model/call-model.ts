/** One model step. Twice is safe: its output enters history once, with the one attempt that is answered. */
import type { ModelStep, ModelStepResult, StepOutput } from '../contract.ts';
import { Failure } from '../failures.ts';
import type { McpTool, ModelOutput, ModelResponse, Ports, ToolSpec } from '../ports.ts';
import { runStep } from '../step.ts';
import type { ContextCache } from './context-cache.ts';
import { toConversation } from './conversation.ts';
import { toInstructions } from './instructions.ts';
import { toolsFor } from './tool-specs.ts';

export interface ModelProgress {
  type: 'model';
  /** The end of the text that has come so far, for who watches. */
  text: string;
  /** Characters that have come so far. */
  chars: number;
}

const TAIL_CHARS = 2_000;
/** Characters of JSON. Far below what one payload may hold, whatever the text is made of. */
const MAX_OUTPUT_CHARS = 300_000;

export async function callModel(ports: Ports, contexts: ContextCache, input: ModelStep): Promise<ModelStepResult> {
  const first: ModelProgress = { type: 'model', text: '', chars: 0 };
  return runStep<ModelProgress, ModelStepResult>({ ...ports, ...input }, first, async (step) => {
    const { settings, items } = await contexts.read(input.threadId, input.contextVersion, step.signal);
    const [projectDocs, servers, authorization] = await Promise.all([
      ports.projectDocs.read(settings.cwd),
      ports.mcp.tools(step.signal),
      authorize(ports, input),
    ]);
    step.signal.throwIfAborted();
    const response = await ports.models.respond(
      {
        model: settings.model,
        instructions: toInstructions(settings, projectDocs),
        conversation: toConversation(items),
        tools: [...toolsFor(settings), ...servers.tools.map(toSpec)],
        parallelToolCalls: true,
        promptCacheKey: input.threadId,
        ...(authorization === null ? {} : { authorization }),
      },
      { signal: step.signal, onText: (delta) => (step.progress = withText(step.progress, delta)) },
    );
    const output = bounded(response).map((one) => withRoute(one, servers.tools));
    const { warnings } = servers;
    return { type: 'answered', output, usage: response.usage, ...(warnings.length > 0 && { mcpWarnings: warnings }) };
  });
}

function toSpec({ name, description, parameters }: McpTool): ToolSpec {
  return { name, description, parameters };
}

/** Tells the thread which server a call is for, and what it has to know to decide whether the call may run. */
function withRoute(output: ModelOutput, tools: readonly McpTool[]): StepOutput {
  const called = output.type === 'toolCall' ? tools.find(({ name }) => name === output.name) : undefined;
  if (output.type !== 'toolCall' || called === undefined) return output;
  const { server, tool, readOnly, approval } = called;
  return { ...output, mcp: { server, tool, readOnly, approval } };
}

function withText(progress: ModelProgress, delta: string): ModelProgress {
  return { type: 'model', text: (progress.text + delta).slice(-TAIL_CHARS), chars: progress.chars + delta.length };
}

/** Here the assertion is signed, so here a task that belongs to another identity is found out. */
async function authorize(ports: Ports, input: ModelStep): Promise<string | null> {
  const { agentIdentity, agentTask } = input;
  if (agentIdentity.mode === 'off') return null;
  if (agentTask === null)
    throw new Failure(
      'internal',
      `Model step ${input.actionId} of thread ${input.threadId} came without its agent task.`,
    );
  return ports.identity.assertion(agentIdentity.account, agentTask);
}

/** An answer too large for history is cut where it is text and refused where it is a call, which must stay whole. */
function bounded(response: ModelResponse): ModelOutput[] {
  let left = MAX_OUTPUT_CHARS;
  return response.output.map((output) => {
    const chars = sizeOf(output);
    left -= chars;
    if (left >= 0) return output;
    if (output.type !== 'message') {
      throw new Failure(
        'modelBadRequest',
        `The model's answer has more than ${MAX_OUTPUT_CHARS} characters, calls among them; ask for less at a time.`,
      );
    }
    const kept = cutTo(Math.max(0, left + chars), output.text);
    left = 0;
    return { ...output, text: `${kept}\n… ${output.text.length - kept.length} characters were left out` };
  });
}

/** The beginning of a text, at most that many characters of JSON. */
function cutTo(chars: number, text: string): string {
  let kept = text.slice(0, chars);
  for (let size = jsonChars(kept); size > chars; size = jsonChars(kept)) {
    kept = kept.slice(0, Math.floor((kept.length * chars) / size));
  }
  return kept;
}

function jsonChars(text: string): number {
  return JSON.stringify(text).length - 2;
}

function sizeOf(output: ModelOutput): number {
  switch (output.type) {
    case 'message':
      return jsonChars(output.text);
    case 'toolCall':
      return jsonChars(output.arguments);
    case 'reasoning':
      return jsonChars(output.summary.join('')) + (output.encryptedContent ?? '').length;
  }
}
