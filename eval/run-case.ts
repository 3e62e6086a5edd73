import type { Environment } from './environment.ts';
import type { Case, Result } from './record.ts';
import { REVIEWS } from './reviews/list.ts';
import { runReview } from './run-review.ts';
import { runTask } from './run-task.ts';
import { TASKS } from './tasks/index.ts';

export async function runCase(environment: Environment, entry: Case, usd: number | null): Promise<Result> {
  const { kind, name } = entry;
  const task = kind === 'task' ? TASKS.find((one) => one.name === name) : undefined;
  if (task !== undefined) return await runTask(environment, task, { entry, usd });
  const review = kind === 'review' ? REVIEWS.find((one) => one.name === name) : undefined;
  if (review !== undefined) return await runReview(environment, review, { entry, usd });
  throw new Error(`There is no ${kind} ${name} in this release.`);
}
