/** Reads and revokes the rules of a repository through a small workflow, so that a client needs no access to their files. */
import { randomUUID } from 'node:crypto';
import {
  type RepositoryRules,
  type RepositoryRulesRequest,
  RepositoryRulesRequestSchema,
  type RepositoryRulesResult,
} from '../../contract/index.ts';
import { WORKFLOW_TASK_TIMEOUT } from '../../../workflows/sandbox/task-timeout.ts';
import { BobbinError } from '../bobbin-error.ts';
import { toBobbinError } from '../errors.ts';
import type { Service } from '../service.ts';

const DEADLINE_MS = 30_000;

/** Rejects with `ruleUnknown` if the rule to revoke does not exist, and with `rulesUnavailable`. */
export async function askRepositoryRules(service: Service, request: RepositoryRulesRequest): Promise<RepositoryRules> {
  const { cwd, revoke } = request;
  const result = await execute(service, request).catch((error: unknown) => {
    throw toBobbinError(error, { threadId: '-', action: `read the rules of ${cwd}` });
  });
  if (result.status === 'refused') throw new BobbinError('invalid', result.reason);
  if (result.status === 'failed') throw new BobbinError('rulesUnavailable', result.reason);
  if (revoke !== undefined && !result.revoked) {
    throw new BobbinError('ruleUnknown', `The repository ${result.repository} has no rule ${revoke}.`);
  }
  return { repository: result.repository, rules: result.rules };
}

async function execute(service: Service, request: RepositoryRulesRequest): Promise<RepositoryRulesResult> {
  const parsed = RepositoryRulesRequestSchema.parse(request);
  const run = () =>
    service.client.workflow.execute<(request: RepositoryRulesRequest) => Promise<RepositoryRulesResult>>(
      'repositoryRules',
      {
        workflowId: `repository-rules/${randomUUID()}`,
        taskQueue: service.taskQueue,
        args: [parsed],
        workflowExecutionTimeout: '1m',
        workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
      },
    );
  return service.within(run, DEADLINE_MS);
}
