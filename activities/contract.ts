/** The activities as workflows see them: what goes in, what comes out. Plain JSON, nothing secret. */
import type {
  AgentIdentityChoice,
  AgentTaskRecord,
  ArchiveBody,
  ArchiveSegment,
  FileUpdateChange,
  SandboxMode,
  StartThread,
  ThreadSettings,
  Usage,
} from '../src/contract/index.ts';
import type { AgentIdentity, CommandReport, McpReport, McpRoute, McpWarning, ModelOutput } from './ports.ts';

export interface ModelStep {
  threadId: string;
  /** The id the thread knows this step by. */
  actionId: string;
  turnId: string;
  step: number;
  /** Number of items the conversation has; the activity asks the `context` query for those it lacks. */
  contextVersion: number;
  agentTask: AgentTaskRecord | null;
  agentIdentity: AgentIdentityChoice;
}

/** A call of a tool of an MCP server says which; others have no such member. */
export type StepOutput =
  Exclude<ModelOutput, { type: 'toolCall' }> | (Extract<ModelOutput, { type: 'toolCall' }> & { mcp?: McpRoute });

export type ModelStepResult =
  /** `mcpWarnings` is left out where there are none. */
  { type: 'answered'; output: StepOutput[]; usage: Usage; mcpWarnings?: McpWarning[] } | { type: 'aborted' };

export interface CommandStep {
  threadId: string;
  /** The id the thread knows this step by; unique, so it names the command's processes, too. */
  actionId: string;
  /** Number of the command's item; read from there when `command` is null because it is long. */
  index: number;
  command: string | null;
  cwd: string;
  workspace: string;
  sandbox: SandboxMode;
  timeoutMs: number;
}

/** What the last heartbeat of a running command held, for the person who watches and for a worker that is lost. */
export interface CommandProgress {
  type: 'command';
  output: string;
}

/** Details of the failure of a command that its worker ended because the worker itself was told to stop. */
export interface StoppedByWorker {
  output: string;
}

export interface PatchStep {
  threadId: string;
  /** The id the thread knows this step by. */
  actionId: string;
  /** Number of the item that holds the patch. */
  index: number;
  cwd: string;
  sandbox: SandboxMode;
}

export type PatchStepResult = { type: 'applied'; changes: FileUpdateChange[] } | { type: 'aborted' };

export interface McpStep {
  threadId: string;
  /** The id the thread knows this step by. */
  actionId: string;
  /** Number of the call's item; its arguments are read from there when `arguments` is null because they are long. */
  index: number;
  server: string;
  tool: string;
  arguments: Record<string, unknown> | null;
}

/** What the last heartbeat of a running call held: what its server said of how far it is. */
export interface McpProgress {
  type: 'mcp';
  text: string;
}

export type McpStepResult = ({ type: 'reported' } & McpReport) | { type: 'aborted' };

export interface AgentTaskRegistration {
  threadId: string;
  /** The id the thread knows this step by. */
  actionId: string;
  account: string;
  /** Runtime id that is no longer taken and is to be replaced first; null for none. */
  replaceIdentity: string | null;
}

/** What became of a registration that ended well. */
export interface AgentTaskRegistered {
  task: AgentTaskRecord;
  /** The identity in use after the registration; empty where there is none. */
  currentRuntimeId: string;
  /** Tasks that earlier tries registered and that nobody will use, as far as they are known. */
  unusedTasks: number;
}

export interface Activities {
  /** Fills a start argument with the worker's defaults. */
  openThread(start: StartThread): Promise<ThreadSettings>;
  callModel(step: ModelStep): Promise<ModelStepResult>;
  /** Never retried: a command that may have run is not run again by itself. */
  execCommand(step: CommandStep): Promise<CommandReport>;
  applyPatch(step: PatchStep): Promise<PatchStepResult>;
  /** Retried where the tool only reads; see `workflows/thread/effects.ts`. */
  callMcpTool(step: McpStep): Promise<McpStepResult>;
  registerAgentTask(request: AgentTaskRegistration): Promise<AgentTaskRegistered | { type: 'aborted' }>;
  /** For the entity workflow of an account only. */
  registerAgentIdentity(account: string): Promise<AgentIdentity>;
  cleanWorkspace(request: { workspace: string; commandIds: string[] }): Promise<{ ended: number }>;
  /** Resolves once the workflow of another thread has ended, however it did. */
  watchThread(request: { threadId: string; actionId: string; watched: string }): Promise<null | { type: 'aborted' }>;
  archiveSegment(request: { threadId: string; segment: ArchiveSegment }): Promise<null>;
  readSegment(segmentId: string): Promise<ArchiveBody>;
}
