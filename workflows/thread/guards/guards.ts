/**
 * Small guards for messages of clients that reach the workflow without passing our edge. They accept and refuse exactly
 * what the schemas in `src/contract` do (a property test holds them to it) and, like them, drop unknown members and take
 * null for "left out".
 */
import type {
  AgentMessage,
  Answers,
  Budget,
  CloseThread,
  EditQueue,
  Fork,
  InputItem,
  InterruptTurn,
  Overrides,
  Parent,
  RepositoryRulesRequest,
  ResolveRequest,
  RevokeRule,
  RollbackTurns,
  ReviewRequest,
  ReviewTarget,
  StartThread,
  SteerTurn,
  SubThreadMessage,
  SubThreadReport,
  SubmitTurn,
  TreeBudget,
  TurnKind,
} from '../../../src/contract/index.ts';
import {
  type Parsed,
  type Fields,
  Refused,
  agentIdentity,
  fields,
  flag,
  id,
  limits,
  maybe,
  oneOf,
  parse,
  path,
  quote,
  text,
  wholeNumber,
} from '../../sandbox/value-readers.ts';
import { LIMITS } from '../../../src/contract/plain/limits.ts';
import { tasks } from '../tasks/index.ts';

export type { Parsed };

const shortText = (value: unknown, name: string) => text(value, name, LIMITS.shortChars);
const modelName = (value: unknown, name: string) => text(value, name, LIMITS.idChars, 1);
const approvalPolicy = (value: unknown, name: string) =>
  oneOf(value, name, ['untrusted', 'on-request', 'never'] as const);
const sandbox = (value: unknown, name: string) =>
  oneOf(value, name, ['read-only', 'workspace-write', 'danger-full-access'] as const);

function input(value: unknown, name: string): InputItem[] {
  if (!Array.isArray(value)) throw new Refused(`${name}: a list is needed`);
  if (value.length === 0) throw new Refused(`${name}: must not be empty`);
  if (value.length > LIMITS.inputItems)
    throw new Refused(`${name}: at most ${LIMITS.inputItems} entries`, 'inputTooLarge');
  const items = value.map((entry, index): InputItem => {
    const item = fields(entry, `${name}[${index}]`);
    return {
      type: oneOf(item['type'], `${name}[${index}].type`, ['text'] as const),
      text: text(item['text'], `${name}[${index}].text`, Infinity),
    };
  });
  const chars = items.reduce((sum, item) => sum + item.text.length, 0);
  if (chars > LIMITS.inputChars) {
    throw new Refused(`${name}: ${chars} characters, at most ${LIMITS.inputChars} are taken`, 'inputTooLarge');
  }
  if (!items.some((item) => item.text.trim() !== '')) throw new Refused(`${name}: needs some text`);
  return items;
}

function overrides(value: unknown, name: string): Overrides {
  const from = fields(value, name);
  return {
    ...maybe(from, 'model', modelName),
    ...maybe(from, 'approvalPolicy', approvalPolicy),
    ...maybe(from, 'sandbox', sandbox),
    ...maybe(from, 'budget', budget),
  };
}

function budget(value: unknown, name: string): Budget {
  const from = fields(value, name);
  return { ...maybe(from, 'turn', limits), ...maybe(from, 'thread', limits), ...maybe(from, 'tree', limits) };
}

export function parseTreeBudget(value: unknown): Parsed<TreeBudget> {
  return parse(() => {
    const from = fields(value, 'budget');
    const { held } = from;
    if (typeof held !== 'boolean') throw new Refused('held: true or false is needed');
    return { held, limits: limits(from['limits'], 'limits') };
  });
}

function answers(value: unknown, name: string): Answers {
  // A member of this name would be the prototype where the answers are read; the schema leaves it out, too.
  const given = Object.entries(fields(value, name)).filter(([key]) => key !== '__proto__');
  const entries = given.map(([key, entry]): [string, { answers: string[] }] => {
    text(key, name, LIMITS.idChars, 1);
    const place = `${name}.${quote(key)}`;
    const list = fields(entry, place)['answers'];
    if (!Array.isArray(list)) throw new Refused(`${place}.answers: a list is needed`);
    if (list.length > LIMITS.inputItems) throw new Refused(`${place}.answers: at most ${LIMITS.inputItems} entries`);
    return [key, { answers: list.map((one) => text(one, `${place}.answers`, LIMITS.instructionsChars)) }];
  });
  return Object.fromEntries(entries);
}

export function parseSubmitTurn(value: unknown): Parsed<SubmitTurn> {
  return parse(() => submission(value, 'turn'));
}

function submission(value: unknown, name: string): SubmitTurn {
  const from = fields(value, name);
  const kind = oneOf(from['kind'], 'kind', tasks.kinds);
  return {
    turnId: id(from['turnId'], 'turnId'),
    kind,
    input: wordsOf(kind, from['input']),
    ...maybe(from, 'onBusy', (v, member) => oneOf(v, member, ['replace', 'steer', 'queue', 'reject'] as const)),
    ...maybe(from, 'overrides', overrides),
    ...reviewOf(kind, maybe(from, 'review', reviewRequest)),
  };
}

function reviewOf(kind: TurnKind, given: { review?: ReviewRequest }): { review?: ReviewRequest } {
  if (kind === 'review' && given.review === undefined) throw new Refused('review: a target is needed');
  if (kind !== 'review' && given.review !== undefined) throw new Refused(`review: a ${kind} takes none`);
  return given;
}

function reviewRequest(value: unknown, name: string): ReviewRequest {
  const from = fields(value, name);
  return { target: reviewTarget(from['target'], `${name}.target`), ...maybe(from, 'model', modelName) };
}

function reviewTarget(value: unknown, name: string): ReviewTarget {
  const from = fields(value, name);
  const type = oneOf(from['type'], `${name}.type`, ['uncommittedChanges', 'baseBranch', 'commit', 'custom'] as const);
  switch (type) {
    case 'uncommittedChanges':
      return { type };
    case 'baseBranch':
      return { type, branch: trimmed(from['branch'], `${name}.branch`, LIMITS.shortChars) };
    case 'commit':
      return { type, sha: trimmed(from['sha'], `${name}.sha`, LIMITS.shortChars), ...maybe(from, 'title', shortText) };
    case 'custom':
      return { type, instructions: trimmed(from['instructions'], `${name}.instructions`, LIMITS.instructionsChars) };
  }
}

function trimmed(value: unknown, name: string, max: number): string {
  if (typeof value !== 'string') throw new Refused(`${name}: a string is needed`);
  return text(value.trim(), name, max, 1);
}

function wordsOf(kind: TurnKind, value: unknown): InputItem[] {
  const none = value === undefined || value === null || (Array.isArray(value) && value.length === 0);
  const given = none ? [] : input(value, 'input');
  if (given.length === 0 && tasks.takesInput(kind)) throw new Refused(`input: a list is needed for a ${kind}`);
  if (given.length > 0 && !tasks.takesInput(kind)) throw new Refused(`input: a ${kind} takes none`);
  return given;
}

export function parseSteerTurn(value: unknown): Parsed<SteerTurn> {
  return parse(() => {
    const from = fields(value, 'steer');
    return { expectedTurnId: id(from['expectedTurnId'], 'expectedTurnId'), input: input(from['input'], 'input') };
  });
}

export function parseEditQueue(value: unknown): Parsed<EditQueue> {
  return parse((): EditQueue => {
    const from = fields(value, 'edit');
    const op = oneOf(from['op'], 'op', ['edit', 'move', 'drop'] as const);
    const turnId = id(from['turnId'], 'turnId');
    switch (op) {
      case 'edit': {
        const edit = { op, turnId, ...maybe(from, 'input', input), ...maybe(from, 'overrides', overrides) };
        if (edit.input === undefined && edit.overrides === undefined)
          throw new Refused('edit: an input or overrides are needed');
        return edit;
      }
      case 'move':
        return { op, turnId, ...maybe(from, 'before', id) };
      case 'drop':
        return { op, turnId, ...maybe(from, 'reason', shortText) };
    }
  });
}

export function parseInterruptTurn(value: unknown): Parsed<InterruptTurn> {
  return parse(() => {
    const from = fields(value, 'interrupt');
    return { ...maybe(from, 'turnId', id), ...maybe(from, 'reason', shortText), ...maybe(from, 'tree', flag) };
  });
}

export function parseRollbackTurns(value: unknown): Parsed<RollbackTurns> {
  return parse(() => ({ numTurns: wholeNumber(fields(value, 'rollback')['numTurns'], 'numTurns', 1) }));
}

export function parseResolveRequest(value: unknown): Parsed<ResolveRequest> {
  return parse(() => {
    const from = fields(value, 'answer');
    return {
      requestId: id(from['requestId'], 'requestId'),
      decision: oneOf(from['decision'], 'decision', ['accept', 'acceptForSession', 'decline', 'cancel'] as const),
      ...maybe(from, 'answers', answers),
      ...maybe(from, 'remember', (v, name) => ({
        scope: oneOf(fields(v, name)['scope'], `${name}.scope`, ['call', 'turn', 'thread', 'repository'] as const),
      })),
    };
  });
}

export function parseRevokeRule(value: unknown): Parsed<RevokeRule> {
  return parse(() => ({ ruleId: id(fields(value, 'revocation')['ruleId'], 'ruleId') }));
}

/** The argument of the workflow `repositoryRules`. */
export function parseRepositoryRules(value: unknown): Parsed<RepositoryRulesRequest> {
  return parse(() => {
    const from = fields(value, 'request');
    return { cwd: path(from['cwd'], 'cwd'), ...maybe(from, 'revoke', id) };
  });
}

export function parseCloseThread(value: unknown): Parsed<CloseThread> {
  return parse(() => maybe(fields(value, 'close'), 'reason', shortText));
}

export function parseStartThread(value: unknown): Parsed<StartThread> {
  return parse(() => {
    const from = fields(value, 'thread');
    const start: StartThread = {
      threadId: id(from['threadId'], 'threadId'),
      workspace: workspace(from['workspace'], 'workspace'),
      ...maybe(from, 'title', shortText),
      ...maybe(from, 'model', modelName),
      ...maybe(from, 'instructions', (v, name) => text(v, name, LIMITS.instructionsChars)),
      ...maybe(from, 'approvalPolicy', approvalPolicy),
      ...maybe(from, 'sandbox', sandbox),
      ...maybe(from, 'agentIdentity', agentIdentity),
      ...maybe(from, 'resume', (v, name) => ({ runId: id(fields(v, name)['runId'], `${name}.runId`) })),
      ...maybe(from, 'fork', fork),
      ...maybe(from, 'unattended', (v, name) => ({
        approvals: oneOf(fields(v, name)['approvals'], `${name}.approvals`, ['accept', 'decline', 'cancel'] as const),
      })),
      ...maybe(from, 'budget', budget),
      ...maybe(from, 'parent', parent),
      ...maybe(from, 'firstTurn', (v, name) => submission(v, name)),
    };
    if (start.fork !== undefined && start.resume !== undefined) {
      throw new Refused('fork: a thread is resumed or forked, not both');
    }
    if (start.fork?.threadId === start.threadId) throw new Refused('threadId: a fork has an id of its own');
    return start;
  });
}

function workspace(value: unknown, name: string): StartThread['workspace'] {
  const from = fields(value, name);
  return { cwd: path(from['cwd'], `${name}.cwd`), ...maybe(from, 'root', path) };
}

function fork(value: unknown, name: string): Fork {
  const from = fields(value, name);
  return {
    threadId: id(from['threadId'], `${name}.threadId`),
    ...maybe(from, 'turnId', id),
    ...maybe(from, 'files', (v) => oneOf(v, `${name}.files`, ['shared', 'worktree'] as const)),
  };
}

function parent(value: unknown, name: string): Parent {
  const from = fields(value, name);
  const path = from['path'];
  if (!Array.isArray(path) || path.length === 0) throw new Refused(`${name}.path: a list is needed`);
  if (path.length > LIMITS.pathThreads) throw new Refused(`${name}.path: at most ${LIMITS.pathThreads} entries`);
  return {
    threadId: id(from['threadId'], `${name}.threadId`),
    path: path.map((one) => id(one, `${name}.path`)),
    role: oneOf(from['role'], `${name}.role`, ['agent', 'review'] as const),
    ...maybe(from, 'reports', (v, member) => oneOf(v, `${name}.${member}`, ['signal', 'result'] as const)),
    ...maybe(from, 'head', (v, member) => commitId(v, `${name}.${member}`)),
    ...maybe(from, 'checkedOut', (v, member) => commitId(v, `${name}.${member}`)),
  };
}

function commitId(value: unknown, name: string): string {
  const string = text(value, name, 64, 40);
  if (/^[0-9a-f]+$/.test(string)) return string;
  throw new Refused(`${name}: the full id of a commit is needed`);
}

export function parseAgentMessage(value: unknown): Parsed<AgentMessage> {
  return parse(() => {
    const from = fields(value, 'message');
    return { from: id(from['from'], 'from'), text: text(from['text'], 'text', LIMITS.agentMessageChars, 1) };
  });
}

/**
 * Reports come from threads of ours and hold what those made, so only what a report is told apart by is looked at. What
 * does not come from a child of the thread is refused after that.
 */
export function parseSubThreadMessage(value: unknown): Parsed<SubThreadMessage> {
  return parse(() => {
    const from = fields(value, 'report');
    const threadId = id(from['threadId'], 'threadId');
    const said = fields(from['report'], 'report');
    const type = oneOf(said['type'], 'report.type', REPORTS);
    if (type === 'turnCompleted') fields(said['turn'], 'report.turn');
    if (type === 'requestOpened')
      id(fields(said['request'], 'report.request')['requestId'], 'report.request.requestId');
    if (type === 'requestResolved') id(said['requestId'], 'report.requestId');
    if (type === 'usage') spending(said['spent']);
    return { threadId, report: said as SubThreadReport };
  });
}

function spending(value: unknown): void {
  const spent = fields(value, 'report.spent');
  for (const amount of ['tokens', 'costMicroUsd', 'steps', 'wallMs']) wholeNumber(spent[amount], amount, 0);
}

const REPORTS = [
  'turnCompleted',
  'requestOpened',
  'requestResolved',
  'usage',
  'closed',
] as const satisfies SubThreadReport['type'][];

/** The argument of a query; left out, it is the first page. */
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

/** The id a refused message spoke of, where one can be read at all. */
export function mentionedId(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return null;
  const from = value as Fields;
  for (const key of ['turnId', 'expectedTurnId', 'requestId', 'ruleId']) {
    const found = from[key];
    if (typeof found === 'string') return quote(found);
  }
  return null;
}
