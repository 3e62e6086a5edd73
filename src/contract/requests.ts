import { z } from 'zod';
import type { BudgetScope, LimitName } from './budget.ts';
import { LIMITS } from './limits.ts';
import { RememberSchema } from './rules.ts';
import { IdSchema, compact, optional } from './shapes.ts';
import type { Question } from './items.ts';

/** `accept` once, `acceptForSession` for the thread's life, `decline` and the turn goes on, `cancel` ends the turn. */
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

interface RequestBase {
  /** `req_N`, N being the number of the item that waits; `budget_N` for the Nth request of its thread for a budget. */
  requestId: string;
  turnId: string;
  /** Null where no item waits. */
  itemId: string | null;
  /** Milliseconds since the epoch. */
  openedAt: number;
  /** When the default answers; null for never. */
  deadlineAt: number | null;
  /** What the deadline decides. */
  default: ApprovalDecision;
  /** Why this is asked, for the person who answers. */
  reason: string;
  /** Where it was made; null for a request of the thread's own. `requestId` is the one to answer with here. */
  origin: RequestOrigin | null;
}

/** A request of a descendant, as the threads above it show it. */
export interface RequestOrigin {
  threadId: string;
  /** Ids from the child of the thread that shows it down to the thread that asked. */
  path: string[];
  requestId: string;
  /** An answer is on its way down. */
  answered: boolean;
}

/** Something a thread waits for a person or a policy to answer. */
export type ThreadRequest =
  | (RequestBase & { type: 'commandExecution'; command: string; cwd: string; sandboxed: boolean })
  /** The patch itself is in the item. */
  | (RequestBase & { type: 'fileChange'; paths: string[] })
  /** The arguments are in the item. `readOnly` is the server's own word. */
  | (RequestBase & { type: 'mcpToolCall'; server: string; tool: string; readOnly: boolean })
  | (RequestBase & { type: 'userInput'; questions: Question[] })
  /**
   * A limit was reached. Amounts are in its unit: tokens, dollars, steps, milliseconds. `accept` allows `grants` more from
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

/** Who or what gave the answer. */
export type ResolvedBy = 'person' | 'deadline' | 'policy' | 'abort';
