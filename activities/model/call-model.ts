/** Runs one model step. Safe to repeat: only the output of the attempt that completes enters the history. */
import { Context } from '@temporalio/activity';
import { APPLY_PATCH } from '../../src/contract/plain/tools/apply-patch.ts';
import { isInvalid, readCall } from '../../src/contract/plain/tools/tool.ts';
import type { EnvironmentFacts } from '../../src/contract/index.ts';
import type { ModelStep, ModelStepResult, StepOutput } from '../contract.ts';
import { beginSnapshotBeside } from '../git/snapshot-beside.ts';
import type { InputPiece, Look, McpTool, ModelOutput, Ports } from '../ports.ts';
import { respondWithImages } from '../images/refused-images.ts';
import { requireHead } from '../review/require-head.ts';
import { REVIEW_SCHEMA, isReview } from '../review/rubric.ts';
import { runStep } from '../step.ts';
import { toBounded } from './bounded-answer.ts';
import { headOf } from './bounded-text.ts';
import type { ContextCache, Conversation } from './context-cache.ts';
import { toldEnvironment } from './conversation.ts';
import { findSkillNews, hasSkills } from '../skills/listed-skills.ts';
import { findNews, isDue, toEnvironmentMessage } from './environment.ts';
import { type PatchDraft, createPatchReader } from './patch-draft.ts';
import { findOffers } from './offers.ts';
import { openModelRequest, requirePrice } from './model-request.ts';
import { askWithReasoning } from './refused-reasoning.ts';

export interface ModelProgress {
  type: 'model';
  turnId: string;
  step: number;
  attempt: number;
  /** The end of the text so far, for readers. */
  text: string;
  /** Number of characters so far. */
  chars: number;
  /** The end of the summary of its reasoning so far. */
  reasoning?: { text: string; chars: number };
  /** The patch that the model is writing. */
  patch?: PatchDraft;
}

const TAIL_CHARS = 2_000;
/** Maximum characters of the endpoint's reason for cutting an answer. */
const REASON_CHARS = 200;

export async function callModel(ports: Ports, contexts: ContextCache, input: ModelStep): Promise<ModelStepResult> {
  const { turnId, step: number } = input;
  const { attempt } = Context.current().info;
  const first: ModelProgress = { type: 'model', turnId, step: number, attempt, text: '', chars: 0 };
  return runStep<ModelProgress, ModelStepResult>({ ...ports, ...input }, first, async (step) => {
    const look = ports.looks.take(input.threadId, input.actionId);
    const opened = await openModelRequest(ports, contexts, input, step.signal, {
      projectDocs: look?.projectDocs,
      beside: (read) => findSurroundings(ports, { read, look }, input, step.signal),
    });
    const { request, settings, warnings, localImages, found } = opened;
    const { compactAt, window, isAssumed } = ports.contextLimits(settings.model);
    if (input.contextTokens !== null && input.contextTokens >= compactAt) return { type: 'compactFirst', compactAt };
    requirePrice(ports, input, settings.model);
    await requireHead(ports, settings, step.signal);
    const { told, environment, skillWarnings } = found;
    const offers = await findOffers(ports, { settings, skills: hasSkills(told, environment) }, step.signal);
    const isNew = Object.keys(environment).length > 0;
    const conversation = [...request.conversation, ...(isNew ? [toEnvironmentMessage(environment)] : [])];
    const onText = (delta: string) => (step.progress = { ...step.progress, ...grown(step.progress, delta) });
    const onReasoning = (delta: string) => {
      step.progress = { ...step.progress, reasoning: grown(step.progress.reasoning, delta) };
    };
    const readPatch = createPatchReader();
    const onInput = (piece: InputPiece) => {
      const patch = readPatch(piece);
      if (patch !== undefined) step.progress = { ...step.progress, patch };
    };
    return withSnapshot(ports, input, settings.cwd, step.signal, async () => {
      const { result: response, warnings: withheld } = await askWithReasoning(
        {
          ...request,
          conversation,
          options: { ...request.options, webSearch: offers.webSearch },
          tools: offers.tools,
          ...(isReview(settings) ? { outputSchema: REVIEW_SCHEMA } : {}),
        },
        step.signal,
        (asked) => respondWithImages(ports.models, asked, { signal: step.signal, onText, onReasoning, onInput }),
      );
      const output = toBounded(response.output).map((one) =>
        withLeads(ports, settings.cwd, withRoute(one, offers.routed)),
      );
      const { usage } = response;
      const costMicroUsd = ports.prices.costMicroUsd(settings.model, usage);
      const assumed = isAssumed ? [toAssumption(settings.model, window)] : [];
      const said = [...(response.warnings ?? []), ...withheld];
      const allWarnings = [...warnings, ...skillWarnings, ...offers.warnings, ...assumed, ...said];
      const warned = {
        ...(offers.mcpWarnings.length > 0 && { mcpWarnings: offers.mcpWarnings }),
        ...(allWarnings.length > 0 && { warnings: allWarnings }),
        ...(isNew && { environment }),
        ...(localImages.length > 0 && { localImages }),
        ...(response.cut !== undefined && { cut: headOf(response.cut, REASON_CHARS) }),
      };
      return { type: 'answered', output, usage, costMicroUsd, compactAt, ...warned };
    });
  });
}

/** What changed around the agent since it was last told. */
async function findSurroundings(
  ports: Ports,
  { read, look }: { read: Conversation; look: Look | undefined },
  { step, sessions }: ModelStep,
  signal: AbortSignal,
): Promise<{ told: EnvironmentFacts; environment: EnvironmentFacts; skillWarnings: string[] }> {
  const { settings } = read;
  const told = toldEnvironment(read);
  const [skills, facts] = await Promise.all([
    isDue(told, step) ? findSkillNews(ports, { settings, told }, signal) : { facts: {}, warnings: [] },
    findNews({ ...ports, look: look?.workTree }, { settings, told, step, ...(sessions && { sessions }) }, signal),
  ]);
  return { told, environment: { ...facts, ...skills.facts }, skillWarnings: skills.warnings };
}

/** A thread warns of it once. */
function toAssumption(model: string, window: number): string {
  return `The context window of model ${model} is not known, so ${window} tokens are assumed. Write it into models.json.`;
}

type Answered = Extract<ModelStepResult, { type: 'answered' }>;

/** Takes the snapshot before any tool call of the answer can change the files. */
async function withSnapshot(
  ports: Ports,
  { snapshot: wanted, threadId }: ModelStep,
  cwd: string,
  signal: AbortSignal,
  call: () => Promise<Answered>,
): Promise<Answered> {
  if (wanted === null) return call();
  const beside = beginSnapshotBeside(ports.git, { ...wanted, threadId, cwd }, signal);
  try {
    const answered = await call();
    const called = answered.output.some(({ type }) => type === 'toolCall');
    return called ? { ...answered, snapshot: await beside.whenTaken() } : answered;
  } finally {
    beside.callOff();
  }
}

/** Adds the server of a call, and what the thread needs to decide whether the call may run. */
function withRoute(output: ModelOutput, tools: readonly McpTool[]): StepOutput {
  const called = output.type === 'toolCall' ? tools.find(({ name }) => name === output.name) : undefined;
  if (output.type !== 'toolCall' || called === undefined) return output;
  const { server, tool, readOnly, approval } = called;
  return { ...output, mcp: { server, tool, readOnly, approval } };
}

/** Resolves the paths of a patch before a person is asked. Writing compares them with the paths at that time. */
function withLeads({ patches }: Ports, cwd: string, output: StepOutput): StepOutput {
  if (output.type !== 'toolCall' || output.name !== APPLY_PATCH.name || output.mcp !== undefined) return output;
  const call = readCall(APPLY_PATCH, output.arguments);
  const leads = isInvalid(call) ? [] : patches.leads(call.patch, cwd);
  return leads.length === 0 ? output : { ...output, leads };
}

/** The end of a text, with another piece. */
function grown({ text, chars } = { text: '', chars: 0 }, delta: string): { text: string; chars: number } {
  return { text: (text + delta).slice(-TAIL_CHARS), chars: chars + delta.length };
}
