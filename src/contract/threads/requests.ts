import { z } from 'zod';
import type { BudgetScope, LimitName } from './budget.ts';
import { LIMITS } from '../plain/limits.ts';
import type { SandboxMode } from './policies.ts';
import { RememberSchema } from './rules.ts';
import { IdSchema, compact, optional } from '../shapes.ts';
import type { Question } from './items.ts';

/**
 * `accept` once, `acceptForSession` for the thread's life, `decline` to refuse but continue the turn, `cancel` to end
 * the turn.
 */
export const ApprovalDecisionSchema = z.enum(['accept', 'acceptForSession', 'decline', 'cancel']);
export type ApprovalDecision = z.infer<typeof ApprovalDecisionSchema>;

/** By question id. */
export const AnswersSchema = z.record(
  z.string().min(1).max(LIMITS.idChars),
  z.object({ answers: z.array(z.string().max(LIMITS.instructionsChars)).max(LIMITS.inputItems) }),
);

/**
 * Payload of the signal `resolveRequest` and the update `resolve`. `answers` go with a request of type `userInput`, `remember`
 * with `accept` or `decline` of an approval. `acceptForSession` is `accept`, remembered for the thread.
 */
export const ResolveRequestSchema = z
  .object({
    requestId: IdSchema,
    decision: ApprovalDecisionSchema,
    answers: optional(AnswersSchema),
    remember: optional(RememberSchema),
  })
  .transform(compact);
export type ResolveRequest = z.infer<typeof ResolveRequestSchema>;

/** A path that leads elsewhere by a symbolic link, both absolute. */
export interface PathLead {
  path: string;
  to: string;
}

interface RequestBase {
  /** `req_N`, with N the number of the item that waits; `budget_N` for the Nth request of its thread for a budget. */
  requestId: string;
  turnId: string;
  /** Null if no item waits. */
  itemId: string | null;
  /** Milliseconds since the epoch. */
  openedAt: number;
  /** The time when the default answers; null for never. */
  deadlineAt: number | null;
  /** The answer at the deadline. */
  default: ApprovalDecision;
  /**
   * The reason for the request, for the person who answers. In requests of earlier releases it may be the model's text.
   */
  reason: string;
  /** The model's own reason, which nobody has checked. Absent if it gave none, and in requests of earlier releases. */
  justification?: string;
  /** The thread that made it; null for this thread's own request. Answers here use `requestId`. */
  origin: RequestOrigin | null;
}

/** A request of a descendant, as the threads above it show it. */
export interface RequestOrigin {
  threadId: string;
  /** Ids from the child of the thread that shows it down to the thread that asked. */
  path: string[];
  requestId: string;
  /** An answer has been sent down. */
  answered: boolean;
}

/** The beginning of a text. The rest is in the item of the request; `ThreadHandle.wholeRequest` reads it. */
export interface Excerpt {
  text: string;
  /** UTF-16 code units of the whole text: more than `text` has if it is cut. */
  chars: number;
}

/** Where a step runs after it is accepted. Absent in requests of earlier releases. */
interface RunsIn {
  /** `danger-full-access` is outside every sandbox. */
  sandbox?: SandboxMode;
  /** The workspace of the thread, absolute. */
  workspace?: string;
}

/** A request that a person or a policy must answer. */
export type ThreadRequest =
  /** `command` is the whole command, byte for byte what runs. `sandboxed`: it runs in a sandbox. */
  | (RequestBase &
      RunsIn & {
        type: 'commandExecution';
        command: string;
        /** Absolute. */
        cwd: string;
        sandboxed: boolean;
        /** The model requests to leave the sandbox of the thread. Absent in requests of earlier releases. */
        escalated?: boolean;
        /** Whether it can reach the network. Absent in requests of earlier releases. */
        network?: boolean;
      })
  /**
   * `paths` are all that the patch may touch, absolute; `leads` are the targets of paths that are links. `patch` is
   * absent in requests of earlier releases: the item has it.
   */
  | (RequestBase & RunsIn & { type: 'fileChange'; paths: string[]; leads?: PathLead[]; patch?: Excerpt })
  /** `arguments` is JSON, absent in requests of earlier releases: the item has them. `readOnly` is the server's own word. */
  | (RequestBase & { type: 'mcpToolCall'; server: string; tool: string; readOnly: boolean; arguments?: Excerpt })
  | (RequestBase & { type: 'userInput'; questions: Question[] })
  /**
   * A limit was reached. Amounts are in its unit: tokens, dollars, steps, milliseconds. `accept` adds `grants` from
   * then on; `decline` and `cancel` abort with reason `budgetLimited`.
   */
  | (RequestBase & {
      type: 'budget';
      scope: BudgetScope;
      limit: LimitName;
      spent: number;
      max: number;
      grants: number;
    });

/** The source of an answer. */
export type ResolvedBy = 'person' | 'deadline' | 'policy' | 'abort';
