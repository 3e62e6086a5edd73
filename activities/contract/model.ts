/** Steps that ask a model. */
import type { AgentIdentityChoice, AgentTaskRecord, ProviderCompaction, TokenUsage } from '../../src/contract/index.ts';
import type { McpRoute, McpWarning, ModelOutput, PathLead, Snapshot } from '../ports.ts';

/** What every step that asks a model has. */
export interface ModelStepBase {
  threadId: string;
  /** The id the thread knows this step by. */
  actionId: string;
  turnId: string;
  /** Number of items the conversation has; the activity asks the `context` query for those it lacks. */
  contextVersion: number;
  agentTask: AgentTaskRecord | null;
  agentIdentity: AgentIdentityChoice;
  /** A budget in dollars holds for it: a model without a price is not asked. */
  costLimited: boolean;
}

export interface ModelStep extends ModelStepBase {
  step: number;
  /** Tokens of the conversation, where the thread does not know the limit of this model; else null. */
  contextTokens: number | null;
  /**
   * Set where the files are to be kept before a tool call may change them: under this name, while the snapshots under
   * those others may go.
   */
  snapshot: { name: string; release: string[] } | null;
}

/** A call of a tool of an MCP server says which; a patch says where its paths lead, if they lead elsewhere. */
export type StepOutput =
  | Exclude<ModelOutput, { type: 'toolCall' }>
  | (Extract<ModelOutput, { type: 'toolCall' }> & { mcp?: McpRoute; leads?: PathLead[] });

/** `compactAt`: tokens from which on a conversation with this model is to be compacted. */
export type ModelStepResult =
  | {
      type: 'answered';
      output: StepOutput[];
      usage: TokenUsage;
      /** In millionths of a dollar; null for a model without a price. Earlier releases left it out. */
      costMicroUsd?: number | null;
      /** Earlier releases left it out. */
      compactAt?: number;
      /** Left out where there are none. */
      mcpWarnings?: McpWarning[];
      /** Why the answer was cut, in the endpoint's words; left out if it is whole. */
      cut?: string;
      /** What else went wrong without failing the step; left out where nothing did. */
      warnings?: string[];
      /** There where one was asked for and the answer has tool calls. One that failed is `skipped`. */
      snapshot?: Snapshot;
    }
  /** The model was not asked, since the conversation has come to that limit. */
  | { type: 'compactFirst'; compactAt: number }
  | { type: 'aborted' };

export interface CompactionStep extends ModelStepBase {
  /** The model that is asked, which may be one the thread had before. */
  model: string;
}

export type CompactionStepResult =
  | {
      type: 'compacted';
      /** Empty where the provider has a form of its own. */
      summary: string;
      /** The newest messages of the person, oldest first. */
      userMessages: string[];
      provider: ProviderCompaction | null;
      usage: TokenUsage;
      /** Earlier releases left it out. */
      costMicroUsd?: number | null;
      /** Entries, oldest first, that were too many even for the summary. */
      droppedEntries: number;
    }
  | { type: 'aborted' };
