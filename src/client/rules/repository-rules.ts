/** Reads and revokes the rules of repositories: of that of a thread, or of that of a folder, which a worker must find. */
import { randomUUID } from 'node:crypto';
import {
  type RepositoryRules,
  type RepositoryRulesRequest,
  RepositoryRulesRequestSchema,
  type RepositoryRulesResult,
  type RevokeRule,
  RevokeRuleSchema,
  type RulesKey,
  type ThreadSettings,
} from '../../contract/index.ts';
import { WORKFLOW_TASK_TIMEOUT } from '../../../workflows/sandbox/task-timeout.ts';
import { BobbinError } from '../bobbin-error.ts';
import { toBobbinError, toNamespaceError } from '../errors.ts';
import { GRPC, grpcStatus } from '../grpc.ts';
import type { Service } from '../service.ts';
import { explainRules, openRulesWorkflow } from './rules-workflow.ts';

const DEADLINE_MS = 30_000;

type OfThread = Pick<ThreadSettings, 'cwd' | 'host' | 'rulesAt'>;

/** Rejects with `rulesUnavailable`. */
export async function readRulesOf(service: Service, { cwd, host, rulesAt }: OfThread): Promise<RepositoryRules> {
  if (rulesAt === undefined) return askRepositoryRules(service, { cwd, host });
  return asked(service, rulesAt, () => openRulesWorkflow(service).list(rulesAt));
}

/** Returns the remaining ones. Rejects with `ruleUnknown` and `rulesUnavailable`. */
export async function revokeRuleOf(
  service: Service,
  { cwd, host, rulesAt }: OfThread,
  revocation: RevokeRule,
): Promise<RepositoryRules> {
  const { ruleId } = RevokeRuleSchema.parse(revocation);
  if (rulesAt === undefined) return askRepositoryRules(service, { cwd, host, revoke: ruleId });
  const revoked = await asked(service, rulesAt, () => openRulesWorkflow(service).revoke(rulesAt, ruleId));
  if (!revoked) throw unknownRule(rulesAt.repository, ruleId);
  return asked(service, rulesAt, () => openRulesWorkflow(service).list(rulesAt));
}

/** Undefined is left out. */
type Request = { [K in keyof RepositoryRulesRequest]: RepositoryRulesRequest[K] | undefined } & { cwd: string };

async function asked<T>(service: Service, key: RulesKey, body: () => Promise<T>): Promise<T> {
  try {
    return await service.within(body);
  } catch (error) {
    const action = `read the rules of ${key.repository}`;
    const isDown = grpcStatus(error) === GRPC.UNAVAILABLE || toNamespaceError(error, action) !== null;
    if (isDown) throw toBobbinError(error, { threadId: '-', action });
    throw new BobbinError('rulesUnavailable', explainRules(key, error), error);
  }
}

function unknownRule(repository: string, ruleId: string): BobbinError {
  return new BobbinError('ruleUnknown', `The repository ${repository} has no rule ${ruleId}.`);
}

/**
 * For a folder, through a small workflow, since only a worker sees it. Rejects with `ruleUnknown` if the rule to revoke does
 * not exist, and with `rulesUnavailable`.
 */
export async function askRepositoryRules(service: Service, request: Request): Promise<RepositoryRules> {
  const { cwd, revoke } = request;
  const result = await execute(service, request).catch((error: unknown) => {
    throw toBobbinError(error, { threadId: '-', action: `read the rules of ${cwd}` });
  });
  if (result.status === 'refused') throw new BobbinError('invalid', result.reason);
  if (result.status === 'failed') throw new BobbinError('rulesUnavailable', result.reason);
  if (revoke !== undefined && !result.revoked) throw unknownRule(result.repository, revoke);
  const { host, repository, rules } = result;
  return { host, repository, rules };
}

async function execute(service: Service, request: Request): Promise<RepositoryRulesResult> {
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
