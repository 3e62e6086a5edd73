/** Calls of the workflow that holds the rules of a repository, for clients and workers. They reject as the Temporal client does. */
import {
  QueryRejectedError,
  WorkflowClient,
  WorkflowIdConflictPolicy,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import {
  findRulesQuery,
  rememberRulesSignal,
  repositoryRulesQuery,
  revokeRuleUpdate,
} from '../../../workflows/repository-rules/messages.ts';
import type { approvalRules } from '../../../workflows/repository-rules/workflow.ts';
import { words } from '../../../workflows/sandbox/plain-text.ts';
import { WORKFLOW_TASK_TIMEOUT } from '../../../workflows/sandbox/task-timeout.ts';
import {
  type ApprovalRule,
  RULES_WORKFLOW_TYPE,
  type RememberRules,
  type RepositoryRules,
  type RuleMatch,
  type RulesKey,
} from '../../contract/index.ts';
import { toRulesWorkflowId } from '../../contract/plain/workflow-ids.ts';
import { repeatedQueries } from '../repeated-queries.ts';
import type { Service } from '../service.ts';

export interface RulesWorkflow {
  /** Empty if no answer was ever remembered. */
  list(key: RulesKey): Promise<RepositoryRules>;
  /** Those that may apply. @param asked with paths as rules have them */
  find(key: RulesKey, asked: RuleMatch): Promise<ApprovalRule[]>;
  /** Resolves once the service has them; a worker need not be up. The first rule starts the workflow. Safe to repeat. */
  remember(key: RulesKey, rules: readonly ApprovalRule[]): Promise<void>;
  /** Whether there was such a rule. */
  revoke(key: RulesKey, ruleId: string): Promise<boolean>;
}

/** Rules in one message, which is then small enough for the service. */
const PART = 50;

export function openRulesWorkflow({ connection, namespace, taskQueue, client: { workflow } }: Service): RulesWorkflow {
  // What a closed workflow held does not count: an operator may have ended it because of that.
  const open = new WorkflowClient({
    connection,
    namespace,
    queryRejectCondition: 'NOT_OPEN',
    interceptors: [repeatedQueries()],
  });
  const send = ({ host, repository }: RulesKey, rules: readonly ApprovalRule[]) =>
    workflow.signalWithStart<typeof approvalRules, [RememberRules]>(RULES_WORKFLOW_TYPE, {
      workflowId: toRulesWorkflowId({ host, repository }),
      taskQueue,
      args: [{ host, repository }],
      signal: rememberRulesSignal,
      signalArgs: [{ rules }],
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
      workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
      staticSummary: words(`remembered answers of ${repository}`, 200),
      memo: { repository: { host, repository } },
    });
  return {
    list: (key) =>
      orNothing(open.getHandle(toRulesWorkflowId(key)).query(repositoryRulesQuery), {
        ...{ host: key.host, repository: key.repository, rules: [] },
      }),
    find: (key, asked) => orNothing(open.getHandle(toRulesWorkflowId(key)).query(findRulesQuery, asked), []),
    async remember(key, rules) {
      for (let from = 0; from < rules.length; from += PART) await send(key, rules.slice(from, from + PART));
    },
    async revoke(key, ruleId) {
      try {
        await workflow.getHandle(toRulesWorkflowId(key)).executeUpdate(revokeRuleUpdate, { args: [{ ruleId }] });
        return true;
      } catch (error) {
        if (isUnknownRule(error)) return false;
        throw error;
      }
    },
  };
}

/** If no rule was ever remembered, or the service has forgotten a workflow that was ended. */
async function orNothing<T>(query: Promise<T>, nothing: T): Promise<T> {
  try {
    return await query;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return nothing;
    throw error;
  }
}

function isUnknownRule(error: unknown): boolean {
  if (error instanceof WorkflowNotFoundError) return true;
  const cause = error instanceof WorkflowUpdateFailedError ? error.cause : undefined;
  return cause instanceof ApplicationFailure && cause.type === 'ruleUnknown';
}

/** Why the rules are not available, and what to do. */
export function explainRules(key: RulesKey, error: unknown): string {
  const id = toRulesWorkflowId(key);
  const why =
    error instanceof QueryRejectedError
      ? `the workflow ${id} was ended, so the answers that it held do not count. The next one that is remembered starts it anew`
      : `the workflow ${id} does not answer (${error instanceof Error ? error.message : String(error)}). A worker of its task queue must be running`;
  return `The rules of the repository ${key.repository} are not available: ${why}.`;
}
