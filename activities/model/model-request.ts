/** The common part of all model requests: conversation, instructions and authorisation. */
import { Context } from '@temporalio/activity';
import type { AgentIdentityChoice, LocalImage, ThreadSettings } from '../../src/contract/index.ts';
import { modelOptionsOf } from '../../src/contract/plain/model-options.ts';
import { isStricter } from '../../src/contract/plain/identity-modes.ts';
import type { ModelStepBase } from '../contract.ts';
import { Failure } from '../failures.ts';
import { refuseOwnSettings } from '../files/own-settings.ts';
import { readImageFiles } from '../images/image-files.ts';
import { type ShownConversation, showImages } from '../images/shown-images.ts';
import type { ModelRequest, Ports, ProjectDocs } from '../ports.ts';
import { isReview } from '../review/rubric.ts';
import type { ContextCache, Conversation } from './context-cache.ts';
import { toConversation, unseenFiles } from './conversation.ts';
import { toInstructions } from './instructions.ts';

export interface OpenedRequest {
  request: ModelRequest;
  read: Conversation;
  settings: ThreadSettings;
  warnings: string[];
  /** Image files of the conversation that no item shows yet. */
  localImages: LocalImage[];
}

/**
 * A request without tools to the thread's model, its items, and the omitted project documents.
 * @param beside what else is looked up meanwhile, once the workspace may be read; `projectDocs` if they were read before
 */
export async function openModelRequest<T>(
  ports: Ports,
  contexts: ContextCache,
  input: ModelStepBase & { model?: string },
  signal: AbortSignal,
  {
    beside,
    projectDocs: docs,
  }: { beside: (read: Conversation) => Promise<T>; projectDocs?: Promise<ProjectDocs> | undefined },
): Promise<OpenedRequest & { found: T }> {
  const { workflowExecution } = Context.current().info;
  const read = await contexts.read(input.threadId, input.contextVersion, signal, workflowExecution?.runId ?? '');
  const { settings } = read;
  // A model without files would try without success, and report the work as done.
  ports.requireWorkspace(settings.cwd, settings.root);
  refuseOwnSettings(ports, settings.cwd, settings.sandbox);
  const [projectDocs, authorization, localImages, found] = await Promise.all([
    readProjectDocs(ports, settings, docs),
    authorize(ports, input),
    readImageFiles(ports, unseenFiles(read), input.threadId, settings, signal),
    beside(read),
  ]);
  const shown = await showConversation(ports, { read, localImages, model: input.model ?? settings.model });
  signal.throwIfAborted();
  const request: ModelRequest = {
    model: settings.model,
    instructions: toInstructions(settings, ports.ownInstructions, projectDocs.text),
    conversation: shown.conversation,
    tools: [],
    parallelToolCalls: true,
    options: { ...modelOptionsOf(settings), webSearch: 'off' },
    promptCacheKey: input.threadId,
    ...(authorization === null ? {} : { authorization }),
  };
  const faults = localImages.flatMap((one) =>
    'fault' in one ? [`Image ${one.path} is not shown: ${one.fault}.`] : [],
  );
  const warnings = [...projectDocs.warnings, ...faults, ...shown.warnings];
  return { request, read, settings, warnings, localImages, found };
}

/** The conversation with its images, if the model can see them. */
export function showConversation(
  { archive, abilities }: Pick<Ports, 'archive' | 'abilities'>,
  { read, localImages, model }: Pick<OpenedRequest, 'read' | 'localImages'> & { model: string },
): Promise<ShownConversation> {
  const blind = abilities(model).images ? null : `model ${model} sees no images`;
  return showImages(archive, toConversation(read, localImages), blind);
}

/** A review gets the project's rules with its instructions and not from its folder, which contains the changes under review. */
function readProjectDocs(
  { projectDocs }: Ports,
  settings: ThreadSettings,
  docs: Promise<ProjectDocs> | undefined,
): Promise<ProjectDocs> {
  if (isReview(settings)) return Promise.resolve({ text: '', warnings: [] });
  return docs ?? projectDocs.read(settings.cwd);
}

/** Signs the assertion, and so detects a task that belongs to another identity. */
async function authorize(ports: Ports, input: ModelStepBase): Promise<string | null> {
  const { agentIdentity, agentTask } = input;
  refuseLessThanPolicy(ports, agentIdentity);
  if (agentIdentity.mode === 'off') return null;
  if (agentTask === null)
    throw new Failure(
      'internal',
      `Model step ${input.actionId} of thread ${input.threadId} came without its agent task.`,
    );
  return ports.identity.assertion(agentIdentity.account, agentTask);
}

/** A thread may have begun before its account had this policy; it adopts the policy and repeats the step. */
function refuseLessThanPolicy(ports: Ports, { account, mode }: AgentIdentityChoice): void {
  const policy = ports.identityPolicy(account);
  if (!isStricter(policy, mode)) return;
  throw new Failure(
    'agentIdentityRequired',
    `The policy of account ${account} is ${policy}, and the thread has mode ${mode}.`,
    { details: { account, policy } },
  );
}

/** With a budget in dollars, a model without a price is not called, because its cost cannot be limited. */
export function requirePrice(ports: Ports, input: ModelStepBase, model: string): void {
  if (!input.costLimited || ports.prices.isKnown(model)) return;
  throw new Failure(
    'modelPriceUnknown',
    `Turn ${input.turnId} of thread ${input.threadId} has a budget in dollars, and model ${model} has no price. Give it one in models.json, or limit tokens instead of dollars.`,
    { details: { model } },
  );
}
