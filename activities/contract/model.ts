/** Steps that call a model. */
import type {
  AgentIdentityChoice,
  AgentTaskRecord,
  EnvironmentFacts,
  LocalImage,
  ProviderCompaction,
  TokenUsage,
} from '../../src/contract/index.ts';
import type { McpRoute, McpWarning, ModelOutput, PathLead, Snapshot } from '../ports.ts';

/** The members of every step that calls a model. */
export interface ModelStepBase {
  threadId: string;
  /** The thread's id for this step. */
  actionId: string;
  turnId: string;
  /** Number of items of the conversation; the activity uses the `context` query to get those it lacks. */
  contextVersion: number;
  agentTask: AgentTaskRecord | null;
  agentIdentity: AgentIdentityChoice;
  /** A budget in dollars applies: a model without a price is not called. */
  costLimited: boolean;
}

export interface ModelStep extends ModelStepBase {
  step: number;
  /** Commands that were left running; `hasEnded`: the model has not read the rest of its output. Left out if there are none. */
  sessions?: { id: number; command: string; hasEnded: boolean }[];
  /** Tokens of the conversation, if the thread does not know the limit of this model; else null. */
  contextTokens: number | null;
  /**
   * Set if a snapshot must be taken before a tool call may change files: `name` is its name, and the snapshots in
   * `release` may be removed.
   */
  snapshot: { name: string; release: string[] } | null;
}

/** A call of an MCP tool names the server; a patch lists its paths that lead elsewhere. */
export type StepOutput =
  | Exclude<ModelOutput, { type: 'toolCall' }>
  | (Extract<ModelOutput, { type: 'toolCall' }> & { mcp?: McpRoute; leads?: PathLead[] });

/** `compactAt`: number of tokens from which on a conversation with this model must be compacted. */
export type ModelStepResult =
  | {
      type: 'answered';
      output: StepOutput[];
      usage: TokenUsage;
      /** In millionths of a dollar; null for a model without a price. Earlier releases left it out. */
      costMicroUsd?: number | null;
      /** Earlier releases left it out. */
      compactAt?: number;
      /** Left out if there are none. */
      mcpWarnings?: McpWarning[];
      /** Why the answer was cut, in the endpoint's words; left out if it is complete. */
      cut?: string;
      /** Problems that did not fail the step; left out if there were none. */
      warnings?: string[];
      /** The facts about the environment that this request told for the first time, or anew; left out if there were none. */
      environment?: EnvironmentFacts;
      /** Image files that this request showed for the first time; left out if there were none. */
      localImages?: LocalImage[];
      /** Present if one was requested and the answer has tool calls. A failed one is `skipped`. */
      snapshot?: Snapshot;
    }
  /** The model was not called, since the conversation has reached that limit. */
  | { type: 'compactFirst'; compactAt: number }
  | { type: 'aborted' };

export interface CompactionStep extends ModelStepBase {
  /** The model to call, which may be an earlier one of the thread. */
  model: string;
}

export type CompactionStepResult =
  | {
      type: 'compacted';
      /** Empty if the provider has its own form. */
      summary: string;
      /** The newest messages of the person, oldest first. */
      userMessages: string[];
      provider: ProviderCompaction | null;
      usage: TokenUsage;
      /** Earlier releases left it out. */
      costMicroUsd?: number | null;
      /** Number of oldest entries that did not fit even into the summary's request. */
      droppedEntries: number;
    }
  | { type: 'aborted' };
