import type { CommandPort } from '../activities/ports.ts';
import type { Bobbin } from '../src/client/index.ts';
import type { Budget, StartThread } from '../src/contract/index.ts';
import type { RunRecord } from './record.ts';

/** What every case runs with. */
export interface Environment {
  bobbin: Bobbin;
  runner: CommandPort;
  options: Pick<RunRecord, 'model' | 'effort' | 'judge' | 'spoilt'>;
  /** Contains the packages that were fetched; shared by all runs. */
  packages: string;
  /** Contains a workspace for each case. */
  workspaces: string;
  /** Writes the record of the run. */
  save: () => Promise<void>;
  signal: AbortSignal;
}

/** Of one attempt; a model that needs more has not done it. */
const MAX_MODEL_CALLS = 100;
const MAX_MS = 30 * 60_000;

/** @param usd that the case may cost; null for no limit */
export function toBudget(usd: number | null): Budget {
  const costUsd = usd === null ? {} : { costUsd: usd };
  return { tree: { steps: MAX_MODEL_CALLS, wallMs: MAX_MS, ...costUsd } };
}

/** Nobody watches: what would need an approval is declined, and commands stay in their sandbox. */
export function toStart(
  { options: { model, effort } }: Environment,
  { threadId, cwd, title, usd }: { threadId: string; cwd: string; title: string; usd: number | null },
): StartThread {
  return {
    threadId,
    title,
    workspace: { cwd },
    model,
    ...(effort === null ? {} : { effort: effort as NonNullable<StartThread['effort']> }),
    approvalPolicy: 'never',
    sandbox: 'workspace-write',
    unattended: { approvals: 'decline' },
    budget: toBudget(usd),
  };
}
