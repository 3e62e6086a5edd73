import { z } from 'zod';
import { LIMITS } from '../plain/limits.ts';
import { compact, optional } from '../shapes.ts';

const CountSchema = z.number().int().min(1).max(LIMITS.budgetCount);

/** How much may be used up; a member that is left out has no limit. */
export const LimitsSchema = z
  .object({
    /** Input and output of model calls. */
    tokens: optional(CountSchema),
    /** Dollars, at the worker's prices; down to a millionth. */
    costUsd: optional(z.number().min(0.000001).max(LIMITS.budgetUsd)),
    /** Model calls. */
    steps: optional(CountSchema),
    /** Milliseconds in which turns were active and did not wait for a person. */
    wallMs: optional(z.number().int().min(1).max(LIMITS.budgetMs)),
  })
  .transform(compact);
export type Limits = z.infer<typeof LimitsSchema>;
export type LimitName = keyof Limits;

/** Limits for each turn, for the thread, and for the thread with all its descendants. */
export const BudgetSchema = z
  .object({ turn: optional(LimitsSchema), thread: optional(LimitsSchema), tree: optional(LimitsSchema) })
  .transform(compact);
export type Budget = z.infer<typeof BudgetSchema>;
export type BudgetScope = keyof Budget;

/**
 * Payload of the signal `treeBudget`, from a thread to its children: what a child and its own descendants may use up in
 * total, and whether it must begin no model step until the next message.
 */
export const TreeBudgetSchema = z.object({ held: z.boolean(), limits: LimitsSchema });
export type TreeBudget = z.infer<typeof TreeBudgetSchema>;

const AmountSchema = z.int().min(0);

/** Usage. */
export const SpentSchema = z.object({
  tokens: AmountSchema,
  /** Millionths of a dollar, without model calls that have no price. */
  costMicroUsd: AmountSchema,
  steps: AmountSchema,
  wallMs: AmountSchema,
});
export type Spent = z.infer<typeof SpentSchema>;

/**
 * `limits` includes later grants. Time is as of the thread's newest event; `waitedMs` is the time that turns waited for
 * a person, which no `spent` includes.
 */
export interface BudgetView {
  /** Null if no turn with a budget is active. */
  turn: { spent: Spent; limits: Limits; waitedMs: number } | null;
  thread: { spent: Spent; limits: Limits; waitedMs: number };
  /** Includes descendants as of their last reports. */
  tree: { spent: Spent; limits: Limits };
}
