/** What is known of a run: it is written after every step, so that a run that was ended in the middle can go on. */
import { z } from 'zod';
import { replacePrivateFile } from '../src/folders/private-file.ts';

const CountSchema = z.number().min(0);

const SpentSchema = z.object({
  inputTokens: CountSchema,
  cachedInputTokens: CountSchema,
  outputTokens: CountSchema,
  reasoningOutputTokens: CountSchema,
  /** Of the thread and of all its agents. */
  totalTokens: CountSchema,
  modelCalls: CountSchema,
  /** Millionths of a dollar; null if the price of a model is not known. */
  costMicroUsd: CountSchema.nullable(),
});
export type Spent = z.infer<typeof SpentSchema>;

/** How the findings of a review compare with the one fault that is known. */
const FoundSchema = z.object({ hit: z.boolean(), findings: z.int().min(0), right: z.int().min(0) });
export type Found = z.infer<typeof FoundSchema>;

/** `error`: the harness or the endpoint failed, which says nothing about the model. */
export const STATUSES = ['passed', 'failed', 'limit', 'error'] as const;

const ResultSchema = z.object({
  status: z.enum(STATUSES),
  /** Why it did not pass. Foreign text. */
  reason: z.string().nullable(),
  /** In which turns were active. */
  seconds: CountSchema,
  spent: SpentSchema,
  /** Of a review. */
  found: FoundSchema.nullable(),
});
export type Result = z.infer<typeof ResultSchema>;

const CaseSchema = z.object({
  /** `task/NAME/ATTEMPT` or `review/NAME/ATTEMPT`. */
  id: z.string(),
  kind: z.enum(['task', 'review']),
  name: z.string(),
  attempt: z.int().min(1),
  threadId: z.string(),
  /** Whether the workspace is as the first turn needs it. */
  prepared: z.boolean(),
  /** Turns for which the workspace was prepared. */
  begun: z.int().min(0),
  result: ResultSchema.nullable(),
});
export type Case = z.infer<typeof CaseSchema>;

const RecordSchema = z.object({
  version: z.literal(1),
  startedAt: z.string(),
  model: z.string(),
  effort: z.string().nullable(),
  judge: z.string().nullable(),
  spoilt: z.boolean(),
  maxUsd: z.number().positive().nullable(),
  /** Names of the settings of the environment that were passed on to the worker. */
  settings: z.array(z.string()),
  cases: z.array(CaseSchema),
  /** By attempts that are repeated: they could not be judged, or the budget of the run was spent. */
  lost: SpentSchema,
});
export type RunRecord = z.infer<typeof RecordSchema>;

export function readRecord(text: string): RunRecord {
  return RecordSchema.parse(JSON.parse(text));
}

/** The attempt is made in another thread if the run continues. */
export function makeAgain(record: RunRecord, entry: Case, { spent }: Result): void {
  record.lost = addSpent(record.lost, spent);
  Object.assign(entry, { threadId: `${entry.threadId}-again`, prepared: false, begun: 0, result: null });
}

export interface Keeper {
  record: RunRecord;
  /** Writes the record. Calls that overlap are written in order. */
  save: () => Promise<void>;
}

export function keepIn(file: string, record: RunRecord, redact: (text: string) => string): Keeper {
  let last = Promise.resolve();
  return {
    record,
    save() {
      last = last.then(() => replacePrivateFile(file, redact(`${JSON.stringify(record, null, 2)}\n`)));
      return last;
    },
  };
}

export const NOTHING_SPENT: Spent = {
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  reasoningOutputTokens: 0,
  totalTokens: 0,
  modelCalls: 0,
  costMicroUsd: 0,
};

/** An unknown cost makes the sum unknown. */
export function addSpent(a: Spent, b: Spent): Spent {
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    cachedInputTokens: a.cachedInputTokens + b.cachedInputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    reasoningOutputTokens: a.reasoningOutputTokens + b.reasoningOutputTokens,
    totalTokens: a.totalTokens + b.totalTokens,
    modelCalls: a.modelCalls + b.modelCalls,
    costMicroUsd: a.costMicroUsd === null || b.costMicroUsd === null ? null : a.costMicroUsd + b.costMicroUsd,
  };
}
