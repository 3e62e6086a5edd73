/** What every step that asks a model begins with: the conversation, the words before it, and the right to ask. */
import { Context } from '@temporalio/activity';
import type { ThreadSettings } from '../../src/contract/index.ts';
import type { ModelStepBase } from '../contract.ts';
import { Failure } from '../failures.ts';
import type { ModelRequest, Ports, ProjectDocs } from '../ports.ts';
import { isReview } from '../review/rubric.ts';
import type { ContextCache, Conversation } from './context-cache.ts';
import { toConversation } from './conversation.ts';
import { toInstructions } from './instructions.ts';

/** A request without tools, to the thread's own model; the items it was made of; and what of the project was left out. */
export async function openModelRequest(
  ports: Ports,
  contexts: ContextCache,
  input: ModelStepBase,
  signal: AbortSignal,
): Promise<{ request: ModelRequest; read: Conversation; settings: ThreadSettings; warnings: string[] }> {
  const { workflowExecution } = Context.current().info;
  const read = await contexts.read(input.threadId, input.contextVersion, signal, workflowExecution?.runId ?? '');
  const { settings } = read;
  // A model without files would try in vain, and tell of it as if the work were done.
  ports.requireWorkspace(settings.cwd, settings.root);
  refuseOwnSettings(ports, settings);
  const [projectDocs, authorization] = await Promise.all([readProjectDocs(ports, settings), authorize(ports, input)]);
  signal.throwIfAborted();
  const request: ModelRequest = {
    model: settings.model,
    instructions: toInstructions(settings, projectDocs.text),
    conversation: toConversation(read),
    tools: [],
    parallelToolCalls: true,
    promptCacheKey: input.threadId,
    ...(authorization === null ? {} : { authorization }),
  };
  return { request, read, settings, warnings: projectDocs.warnings };
}

/** What a command of a sandbox writes there runs outside of it. */
function refuseOwnSettings(ports: Ports, { cwd, sandbox }: ThreadSettings): void {
  const reason = sandbox === 'workspace-write' ? ports.ownSettingsIn(cwd) : undefined;
  if (reason !== undefined) throw new Failure('workspaceHoldsSettings', reason, { details: { path: cwd } });
}

/** A review has the project's rules for reviews in its instructions: its folder holds what it judges. */
function readProjectDocs({ projectDocs }: Ports, settings: ThreadSettings): Promise<ProjectDocs> {
  return isReview(settings) ? Promise.resolve({ text: '', warnings: [] }) : projectDocs.read(settings.cwd);
}

/** Here the assertion is signed, so here a task that belongs to another identity is found out. */
async function authorize(ports: Ports, input: ModelStepBase): Promise<string | null> {
  const { agentIdentity, agentTask } = input;
  if (agentIdentity.mode === 'off') return null;
  if (agentTask === null)
    throw new Failure(
      'internal',
      `Model step ${input.actionId} of thread ${input.threadId} came without its agent task.`,
    );
  return ports.identity.assertion(agentIdentity.account, agentTask);
}

/** Before a model is asked where a budget in dollars holds: what cannot be counted cannot be limited. */
export function requirePrice(ports: Ports, input: ModelStepBase, model: string): void {
  if (!input.costLimited || ports.prices.isKnown(model)) return;
  throw new Failure(
    'modelPriceUnknown',
    `Turn ${input.turnId} of thread ${input.threadId} has a budget in dollars, and model ${model} has no price. Give it one in the file that BOBBIN_PRICES names, or limit tokens in place of dollars.`,
    { details: { model } },
  );
}
