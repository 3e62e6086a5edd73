/**
 * The small interfaces through which activities reach the outside world. Adapters in `src/adapters/` implement them,
 * `src/worker/` connects the two, and a test passes an object literal.
 *
 * Every method that can wait takes an `AbortSignal` and ends soon after it fires. Errors are thrown as a `Failure` (see
 * `failures.ts`).
 */
import type { AgentIdentityMode, StartThread, ThreadSettings } from '../src/contract/index.ts';
import type { WebSearch } from '../src/contract/plain/web-search.ts';
import type { StoreCleanerPort } from './ports/cleaning.ts';
import type { CommandPort } from './ports/commands.ts';
import type { MachinePort } from './ports/environment.ts';
import type { PatchPort, ProjectDocs, ProjectDocsPort } from './ports/files.ts';
import type { GitPort, WorkTreeState } from './ports/git.ts';
import type { IdentityDirectory, IdentityPort } from './ports/identity.ts';
import type { ImageFilesPort, ModelAbilities } from './ports/images.ts';
import type { McpPort, ToolPort } from './ports/mcp.ts';
import type { ContextLimits, ModelPort, PricePort } from './ports/model.ts';
import type { LedgerDirectory, ReviewTargetsPort } from './ports/reviews.ts';
import type { SnapshotPacksPort } from './ports/packs.ts';
import type { SkillsPort } from './ports/skills.ts';
import type { TaskPort } from './ports/tasks.ts';
import type { ArchivePort, RulesPort, ThreadReader } from './ports/threads.ts';
import type { WorkspacesPort } from './ports/workspaces.ts';

export type * from './ports/cleaning.ts';
export type * from './ports/commands.ts';
export type * from './ports/environment.ts';
export type * from './ports/files.ts';
export type * from './ports/git.ts';
export type * from './ports/identity.ts';
export type * from './ports/images.ts';
export type * from './ports/mcp.ts';
export type * from './ports/model.ts';
export type * from './ports/packs.ts';
export type * from './ports/reviews.ts';
export type * from './ports/skills.ts';
export type * from './ports/tasks.ts';
export type * from './ports/threads.ts';
export type * from './ports/workspaces.ts';
export { PINNED_FILES, SHOWN_CHANGES } from './ports/git.ts';

/** The part of the worker's configuration that becomes settings of threads. */
export type Defaults = (start: StartThread) => Omit<ThreadSettings, 'searchAttributes'>;

/** The hosts of a task queue. */
export interface HostPort {
  /** The host of this worker. */
  id: string;
  /** See `ThreadSettings.hostGroup`. */
  group?: string;
  /** All that are registered, this one too, in the order of their ids; as of the last seconds, or `fresh`. */
  list(options: { fresh: boolean }): Promise<KnownHost[]>;
  /** Whether a worker serves that host. */
  isServed(host: string): Promise<boolean>;
}

export interface KnownHost {
  id: string;
  group?: string;
  /** `draining`: it takes no new threads. `away`: no worker serves it. */
  status: 'serving' | 'draining' | 'away';
}

export interface SearchAttributePort {
  /** Whether the service knows every search attribute, so that new threads may use them. Never rejects. */
  usable(): Promise<boolean>;
}

/** Stops a step in this process at once, before the service cancels it. */
export interface StepRegistry {
  /** The signal fires when `stop` is called for that step; `release` when it has ended. */
  enter(threadId: string, actionId: string): { signal: AbortSignal; release: () => void };
}

/** Where the files of a thread are; see `ThreadSettings`. */
export type Place = Pick<ThreadSettings, 'cwd' | 'root' | 'host'>;

/** What was looked up in the workspace for a step while it was on its way to this process. */
export interface Look {
  /** See `GitPort.workTree`. */
  workTree: Promise<WorkTreeState | null>;
  projectDocs: Promise<ProjectDocs>;
}

export interface LookRegistry {
  /** Undefined if nobody has looked. Once for a step: its next attempt looks again. */
  take(threadId: string, actionId: string): Look | undefined;
}

export interface Ports {
  models: ModelPort;
  /** By the name of a model as threads have it. */
  contextLimits: (model: string) => ContextLimits;
  /** The same. */
  abilities: (model: string) => ModelAbilities;
  prices: PricePort;
  commands: CommandPort;
  mcp: McpPort;
  /** Tools and tasks of the operator's own code. */
  tools: ToolPort;
  tasks: TaskPort;
  patches: PatchPort;
  imageFiles: ImageFilesPort;
  projectDocs: ProjectDocsPort;
  skills: SkillsPort;
  /** Instructions of the worker's configuration for all agents, the most special last. */
  ownInstructions: readonly string[];
  /** The most that this worker's operator lets models search the web. */
  webSearch: WebSearch;
  git: GitPort;
  packs: SnapshotPacksPort;
  workspaces: WorkspacesPort;
  machine: MachinePort;
  targets: ReviewTargetsPort;
  ledgers: LedgerDirectory;
  identity: IdentityPort;
  identities: IdentityDirectory;
  /** The least strict mode of that account's threads, as this worker's operator has set it. */
  identityPolicy: (account: string) => AgentIdentityMode;
  archive: ArchivePort;
  cleaner: StoreCleanerPort;
  rules: RulesPort;
  threads: ThreadReader;
  steps: StepRegistry;
  looks: LookRegistry;
  defaults: Defaults;
  searchAttributes: SearchAttributePort;
  hosts: HostPort;
  /**
   * Fails with `workspaceMissing` if there is no such folder on this machine, and with `workspaceMoved` if its real path is
   * not `root`, and with `workspaceClosed` if it is one of Bobbin's own.
   */
  requireWorkspace(cwd: string, root?: string): void;
  /** Returns why commands must not write in a folder; undefined if they may. */
  ownSettingsIn(cwd: string): string | undefined;
  /** The real path of a folder, which may not exist yet. */
  rootOf(cwd: string): string;
  /** Default absolute path of the work tree of a forked thread. */
  worktreeOf(threadId: string): string;
  /** Milliseconds between heartbeats of a running step. */
  heartbeatEveryMs: number;
  /** Maximum bytes of a command's output in the history. */
  maxOutputBytes: number;
}
