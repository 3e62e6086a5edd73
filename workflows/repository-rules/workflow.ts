/**
 * One entity per repository: the answers that were remembered for it. A thin shell around `rules-state.ts`: messages that
 * cannot be read leave no trace, and nothing that a client sends fails the workflow.
 */
import {
  ApplicationFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  log,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { toRulesWorkflowId } from '../../src/contract/plain/workflow-ids.ts';
import { UnknownStateVersion, isContinued } from '../sandbox/carried-state.ts';
import { type Parsed, Refused, parse } from '../sandbox/value-readers.ts';
import { toRulesDetails } from './details.ts';
import {
  findRulesQuery,
  parseRememberRules,
  parseRevocation,
  parseRuleMatch,
  parseRulesKey,
  rememberRulesSignal,
  repositoryRulesQuery,
  revokeRuleSignal,
  revokeRuleUpdate,
} from './messages.ts';
import {
  RULES_VERSION,
  type Refusal,
  type RulesState,
  findRules,
  newRules,
  remember,
  revoke,
  toRepositoryRules,
} from './rules-state.ts';

/** Result of one that was started without a repository, or under the id of another one; any other one stays open. */
export interface ApprovalRulesRefused {
  status: 'refused';
  reason: string;
}

/** The service limits the updates of a run, but not its signals. */
const MESSAGES_PER_RUN = 500;

interface Entity {
  state: RulesState;
  messages: number;
}

/** @param argument a `RulesKey`, or the state of the previous run. */
export async function approvalRules(argument: unknown): Promise<ApprovalRulesRefused> {
  const opened = open(argument);
  if (!opened.ok) return { status: 'refused', reason: opened.reason };
  const entity: Entity = { state: opened.value, messages: 0 };
  registerChanges(entity);
  registerQueries(entity);
  setCurrentDetails(toRulesDetails(entity.state));
  await condition(
    () => (entity.messages >= MESSAGES_PER_RUN || workflowInfo().continueAsNewSuggested) && allHandlersFinished(),
  );
  return continueAsNew<typeof approvalRules>(entity.state);
}

/** @throws UnknownStateVersion */
function open(argument: unknown): Parsed<RulesState> {
  if (isContinued()) return { ok: true, value: toCurrentState(argument as { version?: unknown }) };
  const key = parseRulesKey(argument);
  if (!key.ok) return key;
  const { workflowId } = workflowInfo();
  const own = toRulesWorkflowId(key.value);
  return parse(() => {
    if (workflowId !== own) throw new Refused(`repository: its rules are held by ${own}, not ${workflowId}`);
    return newRules(key.value);
  });
}

function toCurrentState(carried: { version?: unknown }): RulesState {
  if (carried.version === RULES_VERSION) return carried as RulesState;
  throw new UnknownStateVersion('set of rules', carried.version, RULES_VERSION);
}

function registerChanges(entity: Entity): void {
  setHandler(
    rememberRulesSignal,
    onSignal(entity, 'rememberRules', parseRememberRules, (state, { rules }) => remember(state, rules)),
    { description: 'From workers only: answers that a person gave' },
  );
  setHandler(
    revokeRuleSignal,
    onSignal(entity, 'revokeRule', parseRevocation, (state, given) => revoke(state, Date.now(), given)),
    { description: REVOKE },
  );
  const revoked = (value: unknown): RulesState =>
    admitted(revoke(entity.state, Date.now(), read(parseRevocation(value))));
  setHandler(
    revokeRuleUpdate,
    (value) => {
      entity.messages++;
      put(entity, revoked(value));
      return { ruleId: value.ruleId };
    },
    { description: REVOKE, validator: (value) => void revoked(value) },
  );
}

const REVOKE = 'Revokes a remembered answer: { "ruleId": "repo_1f2e" }';

/** A signal has no answer: one that cannot be accepted is logged. */
function onSignal<T>(
  entity: Entity,
  name: string,
  readValue: (value: unknown) => Parsed<T>,
  change: (state: RulesState, value: T) => RulesState | Refusal,
) {
  return (payload: unknown): void => {
    entity.messages++;
    const given = readValue(payload);
    const next = given.ok ? change(entity.state, given.value) : given;
    if ('reason' in next) log.warn(`${name} was refused: ${next.reason}`);
    else put(entity, next);
  };
}

function registerQueries(entity: Entity): void {
  setHandler(repositoryRulesQuery, () => toRepositoryRules(entity.state), {
    description: 'The remembered answers, oldest first',
  });
  setHandler(findRulesQuery, (asked) => findRules(entity.state, read(parseRuleMatch(asked))), {
    description: 'From workers only: those that may apply to a request',
  });
}

function put(entity: Entity, state: RulesState): void {
  entity.state = state;
  setCurrentDetails(toRulesDetails(state));
}

function read<T>(parsed: Parsed<T>): T {
  if (parsed.ok) return parsed.value;
  throw ApplicationFailure.nonRetryable(parsed.reason, parsed.code);
}

function admitted(next: RulesState | Refusal): RulesState {
  if ('code' in next) throw ApplicationFailure.nonRetryable(next.reason, next.code);
  return next;
}
