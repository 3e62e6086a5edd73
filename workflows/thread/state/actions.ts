/** What a thread can want done. The shell runs each action once under its id, and stops it when it is wanted no more. */
import type { PathLead } from '../../../activities/ports.ts';
import type {
  AgentIdentityChoice,
  AgentTaskRecord,
  ApprovalRule,
  ArchiveSegment,
  ReviewRange,
  ReviewTarget,
  RuleMatch,
  SandboxMode,
  StartThread,
} from '../../../src/contract/index.ts';
import type { TaskActivities } from '../../../activities/contract.ts';
import type { OutgoingMessage } from './state.ts';

export type Action =
  | {
      type: 'callModel';
      id: string;
      turnId: string;
      step: number;
      /** Number of items the conversation of this step has. */
      contextVersion: number;
      /** Tokens of the context, where the limit of the model it is for is not known here; else null. */
      contextTokens: number | null;
      agentTask: AgentTaskRecord | null;
      agentIdentity: AgentIdentityChoice;
      /** A budget in dollars holds for it. */
      costLimited: boolean;
      /** A snapshot to be taken before any tool call of the answer, and old ones to be let go of; null for neither. */
      snapshot: { name: string; release: string[] } | null;
    }
  | {
      type: 'compactContext';
      id: string;
      turnId: string;
      model: string;
      /** Number of the first item that is not to be replaced. */
      contextVersion: number;
      agentTask: AgentTaskRecord | null;
      agentIdentity: AgentIdentityChoice;
      /** A budget in dollars holds for it. */
      costLimited: boolean;
    }
  | {
      type: 'execCommand';
      id: string;
      turnId: string;
      /** Number of the command's item. */
      index: number;
      command: string;
      cwd: string;
      workspace: string;
      sandbox: SandboxMode;
      timeoutMs: number;
    }
  | {
      type: 'applyPatch';
      id: string;
      turnId: string;
      index: number;
      cwd: string;
      sandbox: SandboxMode;
      leads?: PathLead[];
    }
  | {
      type: 'callMcpTool';
      id: string;
      turnId: string;
      /** Number of the call's item. */
      index: number;
      server: string;
      tool: string;
      arguments: Record<string, unknown>;
      readOnly: boolean;
    }
  /** Reads the rules of the repository that may be about it. */
  | { type: 'findRules'; id: string; turnId: string; index: number; cwd: string; match: RuleMatch }
  /** Keeps an answer for the repository. */
  | { type: 'rememberRule'; id: string; cwd: string; rule: ApprovalRule }
  /** `after`: the snapshot from before the turn, for the one at its end. */
  | { type: 'takeSnapshot'; id: string; turnId: string; cwd: string; release: string[]; after?: string }
  /** An activity of one kind of task; see `TaskActivities` in `activities/contract.ts`. */
  | ({ type: 'taskStep'; id: string; turnId: string; summary: string; onWorkspace: boolean } & TaskStepCall)
  /** Of a thread that closes. */
  | { type: 'releaseSnapshots'; id: string; cwd: string }
  | { type: 'prepareReview'; id: string; turnId: string; cwd: string; target: ReviewTarget }
  | { type: 'finishReview'; id: string; turnId: string; cwd: string; range: ReviewRange | null; text: string }
  | { type: 'registerAgentTask'; id: string; account: string; replaceIdentity: string | null }
  | { type: 'cleanWorkspace'; id: string; workspace: string; commandIds: string[] }
  | { type: 'startChild'; id: string; turnId: string; start: StartThread }
  /** Ends when the child's workflow has ended, however it did. */
  | { type: 'watchChild'; id: string; threadId: string }
  /** A signal to another thread. */
  | { type: 'sendMessage'; id: string; to: string; message: OutgoingMessage }
  | { type: 'archiveSegment'; id: string; segment: ArchiveSegment }
  /** A timer; `at` is milliseconds since the epoch. */
  | { type: 'awaitTime'; id: string; at: number; about: TimerAbout }
  | { type: 'continueAsNew'; id: 'continueAsNew' }
  | { type: 'complete'; id: 'complete' };

/** Which activity, and its input but for the ids that every step has. */
export type TaskStepCall = {
  [A in keyof TaskActivities]: { activity: A; input: Omit<Parameters<TaskActivities[A]>[0], 'threadId' | 'actionId'> };
}[keyof TaskActivities];

export type TimerAbout =
  | { type: 'budget' }
  | { type: 'agentWait'; turnId: string; index: number }
  | { type: 'requestDeadline'; requestId: string }
  | { type: 'quiescence'; turnId: string };

/** Ids of actions; a command's id is also the name its processes are found by. */
export const actionIds = {
  model: (turnId: string, step: number, tries: number) => `model/${turnId}/${step}/${tries}`,
  compact: (number: number, tries: number) => `compact/${number}/${tries}`,
  tool: (threadId: string, index: number) => `tool/${threadId}/${index}`,
  rules: (index: number) => `rules/${index}`,
  remember: (ruleId: string) => `remember/${ruleId}`,
  snapshot: (turnId: string) => `snapshot/${turnId}`,
  lastSnapshot: (turnId: string) => `snapshot/${turnId}/end`,
  undo: (turnId: string) => `undo/${turnId}`,
  redo: (turnId: string) => `redo/${turnId}`,
  release: (runCount: number) => `release/${runCount}`,
  review: (turnId: string, stage: 'prepare' | 'finish') => `review/${turnId}/${stage}`,
  register: (number: number) => `register/${number}`,
  clean: (number: number) => `clean/${number}`,
  archive: (segmentId: string) => `archive/${segmentId}`,
  child: (threadId: string) => `child/${threadId}`,
  watch: (threadId: string) => `watch/${threadId}`,
  message: (number: number) => `message/${number}`,
  wait: (index: number) => `wait/${index}`,
  deadline: (requestId: string) => `deadline/${requestId}`,
  budget: (at: number) => `budget/${at}`,
  quiescence: (turnId: string) => `quiescence/${turnId}`,
};
