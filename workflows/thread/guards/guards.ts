/** Guards for messages of clients that reach the workflow without passing through our edge. */
import type {
  AgentMessage,
  CloseThread,
  EditQueue,
  InterruptTurn,
  MoveThread,
  RepositoryRulesRequest,
  ResolveRequest,
  RevokeRule,
  RollbackTurns,
  StartThread,
  SteerTurn,
  SubThreadMessage,
  SubmitTurn,
  TreeBudget,
} from '../../../src/contract/index.ts';
import { LIMITS } from '../../../src/contract/plain/limits.ts';
import { readMessage } from '../../sandbox/read-message.ts';
import {
  type Fields,
  type Parsed,
  fields,
  maybe,
  oneOf,
  parse,
  quote,
  wholeNumber,
} from '../../sandbox/value-readers.ts';

export type { Parsed };

export const parseSubmitTurn = (value: unknown) => readMessage<SubmitTurn>('submitTurn', value, 'turn');
export const parseSteerTurn = (value: unknown) => readMessage<SteerTurn>('steerTurn', value, 'steer');
export const parseEditQueue = (value: unknown) => readMessage<EditQueue>('editQueue', value, 'edit');
export const parseInterruptTurn = (value: unknown) => readMessage<InterruptTurn>('interruptTurn', value, 'interrupt');
export const parseMoveThread = (value: unknown) => readMessage<MoveThread>('moveThread', value, 'move');
export const parseRollbackTurns = (value: unknown) => readMessage<RollbackTurns>('rollbackTurns', value, 'rollback');
export const parseResolveRequest = (value: unknown) => readMessage<ResolveRequest>('resolveRequest', value, 'answer');
export const parseRevokeRule = (value: unknown) => readMessage<RevokeRule>('revokeRule', value, 'revocation');
export const parseCloseThread = (value: unknown) => readMessage<CloseThread>('closeThread', value, 'close');
export const parseStartThread = (value: unknown) => readMessage<StartThread>('startThread', value, 'thread');
export const parseAgentMessage = (value: unknown) => readMessage<AgentMessage>('agentMessage', value, 'message');
export const parseSubThreadMessage = (value: unknown) =>
  readMessage<SubThreadMessage>('subThreadReport', value, 'report');
export const parseTreeBudget = (value: unknown) => readMessage<TreeBudget>('treeBudget', value, 'budget');

/** The argument of the workflow `repositoryRules`. */
export const parseRepositoryRules = (value: unknown) =>
  readMessage<RepositoryRulesRequest>('repositoryRules', value, 'request');

/** The argument of a query; the first page if left out. */
export function parsePage(value: unknown): Parsed<{ after: number; limit: number }> {
  return parse(() => {
    const from = value === undefined || value === null ? {} : fields(value, 'page');
    const { after } = { after: 0, ...maybe(from, 'after', (v, name) => wholeNumber(v, name, 0)) };
    const { limit } = { limit: 100, ...maybe(from, 'limit', (v, name) => wholeNumber(v, name, 1)) };
    return { after, limit: Math.min(limit, LIMITS.pageSize) };
  });
}

/** The argument of the query `closedRun`. */
export function parseClosedRunQuestion(value: unknown): Parsed<{ ask: 'handover' | 'past' | 'items' | 'events' }> {
  return parse(() => ({
    ask: oneOf(fields(value, 'question')['ask'], 'ask', ['handover', 'past', 'items', 'events'] as const),
  }));
}

/** The id in a refused message, if one can be read. */
export function mentionedId(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return null;
  const from = value as Fields;
  for (const key of ['turnId', 'expectedTurnId', 'requestId', 'ruleId', 'threadId']) {
    const found = from[key];
    if (typeof found === 'string') return quote(found);
  }
  return null;
}
