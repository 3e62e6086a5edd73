/**
 * Lists the rules of a repository, and revokes one, for a client that cannot reach the files that hold them. A separate
 * workflow, since a repository has many threads. Id: `repository-rules/<any unique suffix>`.
 */
import { proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../../activities/contract.ts';
import type { RepositoryRulesResult } from '../../src/contract/index.ts';
import { toHostQueue } from '../../src/contract/plain/hosts.ts';
import { toStepFailure } from '../sandbox/step-failure.ts';
import { parseRepositoryRules } from '../thread/guards/guards.ts';
import { HEARTBEAT_TIMEOUT_MS } from '../../src/contract/plain/heartbeat.ts';

/** @param host that has the folder; any host of the queue without one */
function stepsOn(host: string | undefined) {
  return proxyActivities<Activities>({
    ...(host === undefined ? {} : { taskQueue: toHostQueue(workflowInfo().taskQueue, host) }),
    ...(host === undefined ? {} : { scheduleToStartTimeout: '20s' }),
    startToCloseTimeout: '20s',
    heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    retry: { initialInterval: '200ms', maximumAttempts: 3 },
  });
}

/** If the answer to a revocation is lost, the retry does not find the rule, so its existence is checked first. */
export async function repositoryRules(argument: unknown): Promise<RepositoryRulesResult> {
  const parsed = parseRepositoryRules(argument);
  if (!parsed.ok) return { status: 'refused', reason: parsed.reason };
  const { cwd, revoke, host } = parsed.value;
  const { listRules, revokeRule } = stepsOn(host);
  try {
    const before = await listRules({ cwd });
    const revoked = before.rules.some(({ ruleId }) => ruleId === revoke);
    if (revoke === undefined || !revoked) return { status: 'read', ...before, revoked };
    await revokeRule({ cwd, ruleId: revoke });
    return { status: 'read', ...(await listRules({ cwd })), revoked };
  } catch (error) {
    return { status: 'failed', reason: toStepFailure(error).message };
  }
}
