/** What a thread can want done. The shell runs each action once under its id, and stops it when it is wanted no more. */
import type { AgentIdentityChoice, AgentTaskRecord, ArchiveSegment, SandboxMode } from '../../src/contract/index.ts';

export type Action =
  | {
      type: 'callModel';
      id: string;
      turnId: string;
      step: number;
      /** Number of items the conversation of this step has. */
      contextVersion: number;
      agentTask: AgentTaskRecord | null;
      agentIdentity: AgentIdentityChoice;
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
  | { type: 'applyPatch'; id: string; turnId: string; index: number; cwd: string; sandbox: SandboxMode }
  | { type: 'registerAgentTask'; id: string; account: string; replaceIdentity: string | null }
  | { type: 'cleanWorkspace'; id: string; workspace: string; commandIds: string[] }
  | { type: 'archiveSegment'; id: string; segment: ArchiveSegment }
  /** A timer; `at` is milliseconds since the epoch. */
  | { type: 'awaitTime'; id: string; at: number; about: TimerAbout }
  | { type: 'continueAsNew'; id: 'continueAsNew' }
  | { type: 'complete'; id: 'complete' };

export type TimerAbout = { type: 'requestDeadline'; requestId: string } | { type: 'quiescence'; turnId: string };

/** Ids of actions; a command's id is also the name its processes are found by. */
export const actionIds = {
  model: (turnId: string, step: number, tries: number) => `model/${turnId}/${step}/${tries}`,
  tool: (threadId: string, index: number) => `tool/${threadId}/${index}`,
  register: (number: number) => `register/${number}`,
  clean: (number: number) => `clean/${number}`,
  archive: (segmentId: string) => `archive/${segmentId}`,
  deadline: (requestId: string) => `deadline/${requestId}`,
  quiescence: (turnId: string) => `quiescence/${turnId}`,
};
