/** An agent task in words, for the Temporal UI and the command line. Values may be foreign text. */
import type { AgentTaskView } from '../../threads/agent-task.ts';

/** Labels and values, the most important ones first. */
export function toAgentTaskWords(task: AgentTaskView): [label: string, value: string][] {
  const { mode, account, identityExpiresAt, renewsAt, lastError } = task;
  if (mode === 'off') return [['state', 'no assertion is sent (mode off)']];
  return [
    ['state', `${toState(task)}, mode ${mode}, account ${account}`],
    ...(task.status === 'registered' ? ofTask(task.task) : []),
    ...(identityExpiresAt === null ? [] : [fact('identity ends', identityExpiresAt)]),
    ...(renewsAt === null ? [] : [fact('renewed ahead at', toTime(renewsAt))]),
    ...(lastError === null
      ? []
      : [fact('last error', `${lastError.code} at ${toTime(lastError.at)}: ${lastError.message}`)]),
  ];
}

function ofTask({ taskId, agentRuntimeId, expiresAt }: Extract<AgentTaskView, { status: 'registered' }>['task']) {
  return [
    fact('task', taskId),
    fact('identity', agentRuntimeId),
    fact('task ends', expiresAt ?? 'the service reports no end'),
  ];
}

function toState(task: AgentTaskView): string {
  const state = task.status === 'cleared' ? `cleared (${task.reason})` : task.status;
  return task.registering ? `${state}, one is being registered` : state;
}

function fact(label: string, value: string): [string, string] {
  return [label, value];
}

function toTime(at: number): string {
  return new Date(at).toISOString();
}
