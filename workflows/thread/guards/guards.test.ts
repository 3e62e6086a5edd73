/** The guards of the workflow read what is generated from the schemas; here the two are compared. */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { LIMITS } from '../../../src/contract/index.ts';
import { StartBatchSchema, TargetReviewSchema } from '../../../src/contract/reviews/batch.ts';
import { TreeBudgetSchema } from '../../../src/contract/threads/budget.ts';
import { EditQueueSchema } from '../../../src/contract/threads/queue.ts';
import { ResolveRequestSchema } from '../../../src/contract/threads/requests.ts';
import {
  RememberRulesSchema,
  RepositoryRulesRequestSchema,
  RevokeRuleSchema,
  RuleMatchSchema,
  RulesKeySchema,
} from '../../../src/contract/threads/rules.ts';
import { StartThreadSchema } from '../../../src/contract/threads/thread.ts';
import { AgentMessageSchema, SubThreadMessageSchema } from '../../../src/contract/threads/sub-threads.ts';
import {
  CloseThreadSchema,
  InterruptTurnSchema,
  RollbackTurnsSchema,
  SteerTurnSchema,
  SubmitTurnSchema,
} from '../../../src/contract/threads/turn.ts';
import { faultsOf, parseStartBatch, parseTargetReview } from '../../batch-review/guards.ts';
import { parseRememberRules, parseRuleMatch, parseRulesKey } from '../../repository-rules/messages.ts';
import { toUnreadable } from '../../sandbox/unreadable.ts';
import {
  type Parsed,
  mentionedId,
  parseCloseThread,
  parseEditQueue,
  parseInterruptTurn,
  parseRepositoryRules,
  parseResolveRequest,
  parseRevokeRule,
  parseRollbackTurns,
  parseStartThread,
  parseSteerTurn,
  parseAgentMessage,
  parseSubThreadMessage,
  parseSubmitTurn,
  parseTreeBudget,
} from './guards.ts';

// --------------------------------------------------------------------------------------------- near-valid messages

/** Strings near a bound or a rule. */
const strings = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.constantFrom(
    '',
    ' ',
    '\n',
    '\u00a0',
    '\ufeff',
    '\ud800',
    'a\udc00',
    '😀',
    'a\n',
    '__proto__',
    'ünïcode',
    '/x',
    '//',
  ),
  fc
    .constantFrom(LIMITS.idChars, LIMITS.shortChars, LIMITS.pathChars, LIMITS.instructionsChars, LIMITS.inputChars)
    .chain((bound) => fc.constantFrom('a', '/').chain((unit) => nearBound(bound, unit))),
);

function nearBound(bound: number, unit: string): fc.Arbitrary<string> {
  return fc.integer({ min: -1, max: 1 }).map((more) => unit.repeat(bound + more));
}

const ids = fc.oneof(
  { weight: 3, arbitrary: fc.stringMatching(/^[A-Za-z0-9._:@/-]{1,12}$/) },
  { weight: 1, arbitrary: strings },
);
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 3 });

const SHA256 = 'ab'.repeat(32);

/** Mostly as they should be. */
const images = fc.oneof(
  { weight: 2, arbitrary: fc.record({ type: fc.constant('localImage'), path: strings }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('image'),
      sha256: fc.constantFrom(SHA256, SHA256, SHA256, SHA256, SHA256.toUpperCase(), 'abc'),
      mediaType: fc.constantFrom('image/png', 'image/png', 'image/webp', 'image/gif', 'image/svg+xml'),
      bytes: fc.constantFrom(1, 7, 70, LIMITS.imageBytes, LIMITS.imageBytes + 1, 1.5),
      width: fc.constantFrom(1, 64, 640, LIMITS.imageSide, LIMITS.imageSide + 1),
      height: fc.constantFrom(1, 48, 480, 481, null),
      name: optional(strings),
    }),
  },
);

const inputs = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.array(
      fc.oneof(
        { weight: 6, arbitrary: fc.record({ type: fc.constant('text'), text: strings }) },
        { weight: 1, arbitrary: images },
      ),
      {
        minLength: 1,
        maxLength: 3,
      },
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom(LIMITS.inputItems, LIMITS.inputItems + 1).map(manyItems) },
  { weight: 1, arbitrary: fc.constantFrom(LIMITS.inputImages, LIMITS.inputImages + 1).map(manyImages) },
  { weight: 1, arbitrary: fc.integer({ min: -1, max: 1 }).map(twoItemsInAll) },
);

function manyItems(length: number) {
  return Array.from({ length }, () => ({ type: 'text', text: 'x' }));
}

function manyImages(length: number) {
  return Array.from({ length }, () => ({ type: 'localImage', path: 'x.png' }));
}

/** Two texts whose lengths are at the bound only when they are added up. */
function twoItemsInAll(more: number) {
  return [LIMITS.inputChars - 7, 7 + more].map((length) => ({ type: 'text', text: 'y'.repeat(length) }));
}

const amounts = fc.oneof(
  fc.integer({ min: 1, max: 5_000 }),
  fc.constantFrom(0, 0.5, 0.000001, 0.0000009, -1, 1e21),
  fc
    .constantFrom(LIMITS.budgetCount, LIMITS.budgetUsd, LIMITS.budgetMs)
    .chain((bound) => fc.constantFrom(bound, bound + 1)),
);
const limits = fc.record({
  tokens: optional(amounts),
  costUsd: optional(amounts),
  steps: optional(amounts),
  wallMs: optional(amounts),
});
const budgets = fc.record({ turn: optional(limits), thread: optional(limits), tree: optional(limits) });

const policies = {
  model: optional(strings),
  approvalPolicy: optional(fc.constantFrom('untrusted', 'on-request', 'never', 'always')),
  sandbox: optional(fc.constantFrom('read-only', 'workspace-write', 'danger-full-access', 'none')),
};

const answers = fc.dictionary(
  fc.oneof(strings, fc.constantFrom('q1', '0', 'constructor', 'toString', '__proto__')),
  fc.record({
    answers: fc.oneof(
      fc.array(strings, { maxLength: 3 }),
      fc.constantFrom(LIMITS.inputItems, LIMITS.inputItems + 1).map((length) => Array<string>(length).fill('a')),
    ),
  }),
  { maxKeys: 3 },
);

/** Text with white space around it, or nothing else. */
const filled = fc
  .tuple(
    fc.constantFrom('', ' ', '\t\n'),
    fc.oneof(fc.constantFrom('main', 'a b', ''), strings),
    fc.constantFrom('', ' '),
  )
  .map((parts) => parts.join(''));

/** Rare, so that the members next to it are tested, too. */
const seldom = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

const mostly = (good: fc.Arbitrary<unknown>, bad: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 15, arbitrary: good }, { weight: 1, arbitrary: bad });
const overrides = fc.record({ ...policies, budget: seldom(budgets) });

const counts = mostly(fc.nat(), fc.constantFrom<unknown>(-1, 0.5, '7', null, 1e300));
const moments = mostly(fc.nat(), fc.constantFrom<unknown>(-1, 1e300, LIMITS.moment, LIMITS.moment + 1, 'now'));
const words = mostly(fc.constantFrom('done', ''), fc.constantFrom(null, undefined, 7));
const completion = {
  turnId: fc.constant('task'),
  kind: mostly(fc.constantFrom('regular', 'review'), fc.constant('dance')),
  lastAgentMessage: words,
  startedAt: moments,
  durationMs: counts,
  waitedMs: fc.constantFrom(undefined, null, 5),
  usage: fc.record({
    ...{ inputTokens: counts, cachedInputTokens: fc.nat(), outputTokens: fc.nat() },
    ...{ reasoningOutputTokens: fc.nat(), totalTokens: fc.nat(), costMicroUsd: fc.constantFrom(null, undefined, 0, 7) },
  }),
};
const asking = {
  requestId: mostly(fc.constantFrom('req_1', 'root/1/2:req_3'), ids),
  turnId: fc.constant('task'),
  itemId: fc.constantFrom('item_1', null, undefined),
  openedAt: moments,
  deadlineAt: fc.constantFrom(null, undefined, 0, 7),
  default: mostly(fc.constant('decline'), fc.constant('perhaps')),
  reason: mostly(strings, fc.constant(7)),
  justification: optional(strings),
  origin: fc.oneof(
    fc.constantFrom(null, undefined),
    fc.record({
      threadId: fc.constant('root/1/2'),
      path: fc.array(mostly(fc.constant('root/1/2'), ids), { maxLength: 2 }),
      requestId: mostly(fc.constant('req_3'), ids),
      answered: mostly(fc.boolean(), fc.constant('yes')),
    }),
  ),
};
const excerpts = optional(fc.record({ text: strings, chars: counts }));
const requests = fc.oneof(
  fc.record({
    ...{ type: fc.constantFrom('commandExecution', 'commandExecution', 'dance'), command: strings, cwd: strings },
    ...{ sandboxed: fc.boolean(), escalated: optional(fc.boolean()), network: optional(fc.boolean()) },
    ...{ sandbox: policies.sandbox, workspace: optional(strings), ...asking },
  }),
  fc.record({
    ...{ type: fc.constant('fileChange'), paths: fc.array(strings, { maxLength: 2 }), patch: excerpts },
    ...{ leads: optional(fc.array(fc.record({ path: strings, to: strings }), { maxLength: 1 })), ...asking },
  }),
  fc.record({
    ...{ type: fc.constant('mcpToolCall'), server: strings, tool: strings, readOnly: fc.boolean() },
    ...{ arguments: excerpts, ...asking },
  }),
  fc.record({
    type: fc.constant('userInput'),
    questions: fc.array(
      fc.record({
        ...{ id: strings, header: strings, question: strings },
        options: fc.array(fc.record({ label: strings, description: strings }), { maxLength: 2 }),
      }),
      { maxLength: 2 },
    ),
    ...asking,
  }),
  fc.record({
    ...{ type: fc.constant('budget'), scope: fc.constantFrom('turn', 'thread', 'tree'), limit: fc.constant('tokens') },
    ...{ spent: counts, max: counts, grants: fc.double({ noNaN: true, noDefaultInfinity: true }), ...asking },
  }),
);
const reports = fc.oneof(
  fc.record({
    type: fc.constant('turnCompleted'),
    turn: fc.oneof(
      fc.record({ status: fc.constantFrom('completed', 'completed', 'done'), ...completion }),
      fc.record({
        ...{ status: fc.constant('aborted'), reason: mostly(fc.constant('replaced'), words), detail: words },
        ...{ quiescent: mostly(fc.boolean(), fc.constant(1)), ...completion },
      }),
      fc.record({
        status: fc.constant('failed'),
        error: fc.record({ code: mostly(fc.constant('internal'), words), message: words }),
        ...completion,
      }),
    ),
  }),
  fc.record({ type: fc.constant('requestOpened'), request: requests }),
  fc.record({
    ...{ type: fc.constant('requestResolved'), requestId: ids },
    ...{ decision: fc.constantFrom('accept', 'cancel', ''), by: fc.constantFrom('person', 'abort', 'nobody') },
  }),
  fc.record({
    type: fc.constantFrom('usage', 'usage', 'uses'),
    spent: fc.record({ tokens: counts, costMicroUsd: counts, steps: fc.nat(), wallMs: fc.nat() }),
    waits: mostly(fc.boolean(), fc.constant(null)),
  }),
  fc.record({ type: fc.constant('closed'), reason: words }),
);

const folders = fc.record({ cwd: fc.oneof(fc.constant('/work/repo'), strings) });
const repositories = fc.record({
  repository: fc.oneof(
    fc.constantFrom('https://h.example.com/a.git', 'git@h:a', 'file:///srv/a', 'https://me:x@h/a', 'ext::a', '/srv/a'),
    strings,
  ),
  ref: optional(fc.constantFrom('main', 'refs/heads/a', 'v1~2', '-x', 'a..b', '')),
  path: optional(fc.constantFrom('a', 'a/b', '/a', 'a/', '../a', '.', '.git', 'a/.git/x', 'a\0')),
  cwd: seldom(fc.constant('/work/repo')),
  host: optional(fc.constantFrom('build-1', 'Not a host')),
});
const sandboxes = fc.constantFrom('read-only', 'workspace-write', 'danger-full-access', 'none');
const ruleMatches = fc.oneof(
  fc.record({ type: fc.constant('commandExecution'), command: strings, cwd: strings, sandbox: sandboxes }),
  fc.record({ type: fc.constant('fileChange'), paths: fc.array(strings, { maxLength: 3 }), sandbox: sandboxes }),
  fc.record({ type: fc.constantFrom('mcpToolCall', 'other'), server: strings, tool: strings, sandbox: sandboxes }),
);
const MESSAGES = {
  subThreadReport: fc.record({ threadId: mostly(fc.constant('root/1'), ids), report: reports }),
  targetReview: fc.record({
    ...{ runId: mostly(fc.constant('nightly/0'), words), batchId: mostly(fc.constant('nightly'), strings) },
    targetId: mostly(fc.constant('a-HEAD-1'), ids),
    target: fc.record({ repository: mostly(fc.constant('/a'), strings), branch: mostly(fc.constant('main'), strings) }),
    limits: fc.oneof(fc.constant({}), limits),
    fullPassEvery: mostly(fc.constantFrom(0, 5), counts),
    fullPass: fc.constantFrom(true, undefined),
    ...{ model: fc.constantFrom(null, undefined, 'm'), instructions: strings },
    agentIdentity: mostly(fc.constant(null), fc.record({ mode: fc.constantFrom('off', 'on'), account: ids })),
  }),
  submitTurn: fc.record({
    turnId: ids,
    kind: fc.constantFrom(
      'regular',
      'regular',
      'user_shell',
      'user_shell',
      'compact',
      'undo',
      'ghost_snapshot',
      'custom',
      'custom',
      'Regular',
    ),
    input: fc.oneof({ weight: 3, arbitrary: inputs }, { weight: 1, arbitrary: fc.constantFrom([], null) }),
    onBusy: optional(fc.constantFrom('replace', 'steer', 'queue', 'reject', '')),
    overrides: optional(overrides),
    review: fc.constantFrom(undefined, undefined, null, {}),
    task: fc.oneof({ weight: 3, arbitrary: fc.constantFrom(undefined, null) }, { weight: 2, arbitrary: ids }),
  }),
  submitReview: fc.record({
    turnId: ids,
    kind: fc.constantFrom('review', 'review', 'review', 'review', 'regular'),
    input: fc.constantFrom(undefined, undefined, null, [], [{ type: 'text', text: 'hi' }]),
    onBusy: optional(fc.constantFrom('replace', 'queue', 'reject')),
    review: fc.record({
      target: fc.oneof(
        fc.constant({ type: 'uncommittedChanges' }),
        fc.record({ type: fc.constant('baseBranch'), branch: filled }),
        fc.record({ type: fc.constant('commit'), sha: filled, title: optional(strings) }),
        fc.record({ type: fc.constant('custom'), instructions: filled }),
        fc.record({ type: fc.constantFrom('branch', 'custom'), branch: filled }),
      ),
      model: optional(strings),
    }),
  }),
  startBatch: fc.record({
    targets: fc.array(
      fc.record({
        repository: mostly(
          fc.constantFrom('/a', 'https://h/a.git', 'git@h:a/b'),
          fc.constantFrom('relative', 'https://u:p@h/a', 'https://h/a?t=1', 'ext::sh -c x', '/a\nb', ''),
        ),
        branch: mostly(fc.constantFrom('main', undefined), fc.constantFrom('-x', 'a b', 'a:b', '')),
        base: mostly(fc.constantFrom('origin/x', null), fc.constantFrom('-', 1)),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    concurrency: mostly(fc.constantFrom(1, 100, undefined), fc.constantFrom(101, 0, 1.5)),
    reviewsPerMinute: mostly(fc.constantFrom(1, null), fc.constant(10_001)),
    budget: seldom(fc.record({ review: budgets, batch: fc.constantFrom(null, undefined, {}, { tokens: 1 }) })),
    model: mostly(fc.constantFrom('m', undefined), strings),
    instructions: optional(strings),
    fullPassEvery: mostly(fc.constantFrom(0, 5, undefined), fc.constant(-1)),
    fullPass: mostly(fc.constantFrom(true, false, null, undefined), fc.constantFrom('yes', 1)),
    agentIdentity: seldom(fc.record({ mode: fc.constantFrom('off', 'strict', 'on'), account: ids })),
  }),
  steerTurn: fc.record({ expectedTurnId: ids, input: inputs }),
  editQueue: fc.oneof(
    fc.record({
      op: fc.constant('edit'),
      turnId: ids,
      input: optional(inputs),
      overrides: optional(overrides),
    }),
    fc.record({ op: fc.constant('move'), turnId: ids, before: fc.option(ids) }),
    fc.record({ op: fc.constantFrom('drop', 'swap'), turnId: ids, reason: optional(strings) }),
  ),
  rollbackTurns: fc.record({
    numTurns: fc.oneof(fc.integer({ min: -1, max: 3 }), fc.constantFrom<unknown>(0.5, 2 ** 53, -0, '1', 1e300)),
  }),
  interruptTurn: fc.record({
    turnId: optional(ids),
    reason: optional(strings),
    tree: optional(fc.constantFrom(true, false, 'yes')),
  }),
  resolveRequest: fc.record({
    requestId: ids,
    decision: fc.constantFrom('accept', 'acceptForSession', 'decline', 'cancel', 'approve'),
    answers: optional(answers),
    remember: optional(
      fc.record({ scope: fc.constantFrom('call', 'turn', 'thread', 'repository', 'everywhere') }, { requiredKeys: [] }),
    ),
  }),
  revokeRule: fc.record({ ruleId: ids }),
  repositoryRules: fc.record({ cwd: strings, revoke: optional(ids) }),
  rulesKey: fc.record({ host: ids, repository: fc.oneof(strings, fc.stringMatching(/^\/[\w./-]{0,12}$/)) }),
  ruleMatch: ruleMatches,
  rememberRules: fc.record({
    rules: fc.array(
      fc.record({
        ...{
          ruleId: ids,
          scope: fc.constantFrom('repository', 'repository', 'repository', 'thread'),
          match: ruleMatches,
        },
        ...{
          decision: fc.constantFrom('accept', 'decline', 'accept', 'cancel'),
          by: fc.constantFrom('person', 'policy'),
        },
        ...{ at: fc.constantFrom<unknown>(0, 1, -1, 0.5, 1e300), threadId: ids, turnId: strings },
      }),
      { maxLength: 2 },
    ),
  }),
  closeThread: fc.record({ reason: optional(strings) }),
  agentMessage: fc.record({ from: ids, text: strings }),
  treeBudget: fc.record({ held: fc.boolean(), limits }),
  startThread: fc.record({
    parent: seldom(
      fc.record({
        threadId: fc.oneof({ weight: 9, arbitrary: fc.constant('root/1') }, ids),
        path: fc.oneof(
          { weight: 6, arbitrary: fc.constantFrom(['root'], ['root', 'root/1']) },
          fc.array(ids, { maxLength: 2 }),
          fc.constantFrom(LIMITS.pathThreads, LIMITS.pathThreads + 1).map((length) => Array<string>(length).fill('a')),
        ),
        role: fc.constantFrom('agent', 'review', 'agent', 'review', 'king'),
        reports: fc.constantFrom(undefined, null, 'signal', 'result', 'loud'),
        head: fc.constantFrom(
          undefined,
          null,
          'a'.repeat(40),
          '0'.repeat(64),
          'a'.repeat(39),
          'a'.repeat(65),
          'main',
          7,
        ),
        checkedOut: fc.constantFrom(
          undefined,
          null,
          'a'.repeat(40),
          '0'.repeat(64),
          'a'.repeat(39),
          'a'.repeat(65),
          'main',
          7,
        ),
      }),
    ),
    firstTurn: seldom(
      fc.record({
        turnId: fc.oneof({ weight: 9, arbitrary: fc.constant('task') }, ids),
        kind: fc.constantFrom('regular', 'user_shell', 'regular', 'x'),
        input: fc.oneof({ weight: 6, arbitrary: fc.constant([{ type: 'text', text: 'go' }]) }, inputs),
      }),
    ),
    threadId: fc.oneof({ weight: 3, arbitrary: fc.constant('t-1') }, ids),
    workspace: fc.oneof({ weight: 3, arbitrary: folders }, { weight: 2, arbitrary: repositories }),
    title: optional(strings),
    instructions: optional(strings),
    ...policies,
    agentIdentity: optional(fc.record({ mode: fc.constantFrom('off', 'recoverable', 'strict', 'on'), account: ids })),
    resume: seldom(fc.record({ runId: ids })),
    fork: seldom(
      fc.record({
        threadId: ids,
        turnId: optional(ids),
        files: optional(fc.constantFrom('shared', 'worktree', 'none')),
      }),
    ),
    budget: seldom(budgets),
    unattended: optional(fc.record({ approvals: fc.constantFrom('accept', 'decline', 'cancel', 'acceptForSession') })),
  }),
};

// ------------------------------------------------------------------------------------------------------- mutations

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const others = fc.oneof(
  fc.constantFrom<Json>(null, true, 0, 1.5, '', 'text', [], {}, [null], [[]], { text: 1 }, { type: 'text' }),
  fc.jsonValue({ maxDepth: 1 }) as fc.Arbitrary<Json>,
);

interface Mutation {
  how: 'keep' | 'drop' | 'null' | 'replace' | 'extra' | 'double';
  /** Index of the place in the message, counted over all levels. */
  place: number;
  value: Json;
}

const mutations = fc.record<Mutation>({
  how: fc.constantFrom('keep', 'drop', 'null', 'replace', 'extra', 'double'),
  place: fc.nat(40),
  value: others,
});

interface Place {
  holder: Record<string, Json>;
  key: string;
}

/** Every member and entry of a value, on all levels; of long lists only the first entries. */
function placesOf(value: Json): Place[] {
  if (typeof value !== 'object' || value === null) return [];
  const holder = value as Record<string, Json>;
  return Object.keys(holder)
    .slice(0, 8)
    .flatMap((key) => [{ holder, key }, ...placesOf(holder[key] ?? null)]);
}

function mutate(message: Json, { how, place, value: given }: Mutation): Json {
  const root = { message };
  const value = overTheWire(given);
  const places = placesOf(root);
  const { holder, key } = places[place % places.length]!;
  switch (how) {
    case 'keep':
      break;
    case 'drop':
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else if (holder !== root) Reflect.deleteProperty(holder, key);
      break;
    case 'null':
      holder[key] = null;
      break;
    case 'replace':
      holder[key] = value;
      break;
    case 'extra':
      define(holder[key], value);
      break;
    case 'double':
      holder[key] = [holder[key] ?? null, holder[key] ?? null];
      break;
  }
  return overTheWire(root.message);
}

function define(target: Json | undefined, value: Json): void {
  if (typeof target !== 'object' || target === null) return;
  if (Array.isArray(target)) target.push(value);
  else Object.defineProperty(target, 'extra', { value, enumerable: true, configurable: true, writable: true });
}

/**
 * The message as it arrives: only what JSON keeps, including a member named `__proto__`. Does not print and parse,
 * since many texts are long.
 */
function overTheWire(message: unknown): Json {
  if (typeof message === 'string') return message;
  if (Array.isArray(message)) return message.map(overTheWire);
  if (message === undefined) return null;
  if (typeof message !== 'object' || message === null) return JSON.parse(JSON.stringify(message)) as Json;
  const members = Object.entries(message).filter(([, value]) => value !== undefined);
  return Object.fromEntries(members.map(([key, value]) => [key, overTheWire(value)]));
}

// -------------------------------------------------------------------------------------------------------- the rule

function sameVerdict(
  schema: z.ZodType,
  guard: (value: unknown) => Parsed<unknown>,
  value: unknown,
): 'taken' | 'refused' {
  const edge = schema.safeParse(value);
  const inside = guard(value);
  expect({ ok: inside.ok, edge: edge.success ? null : edge.error.issues }).toEqual({
    ok: edge.success,
    edge: edge.success ? null : edge.error.issues,
  });
  if (edge.success && inside.ok) {
    // Plain JSON: nothing in it is undefined. (Not `toEqual`: it is confused by a member named `constructor`.)
    const same =
      isDeepStrictEqual(inside.value, edge.data) && isDeepStrictEqual(overTheWire(inside.value), inside.value);
    if (!same) expect(inside.value).toStrictEqual(edge.data);
    expect(same).toBe(true);
  }
  return edge.success ? 'taken' : 'refused';
}

const PAIRS: [keyof typeof MESSAGES, z.ZodType, (value: unknown) => Parsed<unknown>][] = [
  ['submitTurn', SubmitTurnSchema, parseSubmitTurn],
  ['submitReview', SubmitTurnSchema, parseSubmitTurn],
  ['agentMessage', AgentMessageSchema, parseAgentMessage],
  ['treeBudget', TreeBudgetSchema, parseTreeBudget],
  ['subThreadReport', SubThreadMessageSchema, parseSubThreadMessage],
  ['targetReview', TargetReviewSchema, parseUsableReview],
  ['steerTurn', SteerTurnSchema, parseSteerTurn],
  ['editQueue', EditQueueSchema, parseEditQueue],
  ['rollbackTurns', RollbackTurnsSchema, parseRollbackTurns],
  ['interruptTurn', InterruptTurnSchema, parseInterruptTurn],
  ['resolveRequest', ResolveRequestSchema, parseResolveRequest],
  ['revokeRule', RevokeRuleSchema, parseRevokeRule],
  ['repositoryRules', RepositoryRulesRequestSchema, parseRepositoryRules],
  ['rulesKey', RulesKeySchema, parseRulesKey],
  ['ruleMatch', RuleMatchSchema, parseRuleMatch],
  ['rememberRules', RememberRulesSchema, parseRememberRules],
  ['closeThread', CloseThreadSchema, parseCloseThread],
  ['startThread', StartThreadSchema, parseStartThread],
  ['startBatch', StartBatchSchema, parseUsableBatch],
];

/** The workflow accepts a batch with unusable targets, for the sake of the others; the edge refuses all of it. */
function parseUsableBatch(value: unknown): ReturnType<typeof parseStartBatch> {
  const parsed = parseStartBatch(value);
  const faults = parsed.ok ? faultsOf(parsed.value.targets).filter((fault) => fault !== null) : [];
  return faults.length === 0 ? parsed : { ok: false, code: 'malformed', reason: faults.join() };
}

function parseUsableReview(value: unknown): ReturnType<typeof parseTargetReview> {
  const parsed = parseTargetReview(value);
  const [fault = null] = parsed.ok ? faultsOf([parsed.value.target]) : [];
  return fault === null ? parsed : { ok: false, code: 'malformed', reason: fault };
}

describe.each(PAIRS)('%s', (name, schema, guard) => {
  it('is taken and refused by the guard exactly as by the schema, with the same value', () => {
    const seen = { taken: 0, refused: 0 };
    fc.assert(
      fc.property(MESSAGES[name], fc.array(mutations, { maxLength: 2 }), (message, changes) => {
        seen[sameVerdict(schema, guard, changes.reduce(mutate, overTheWire(message)))]++;
      }),
      { numRuns: 2_500 },
    );
    expect(seen.taken).toBeGreaterThan(40);
    expect(seen.refused).toBeGreaterThan(40);
  });

  it('is refused by both where it is no object at all', () => {
    for (const value of [undefined, null, 0, '', 'text', true, [], [{}]]) {
      expect(sameVerdict(schema, guard, value)).toBe('refused');
    }
  });

  it('is refused where its payload was no JSON, although an object stands for it', () => {
    expect(guard(toUnreadable(new Error('Unexpected token')))).toMatchObject({
      ok: false,
      code: 'malformed',
      reason: expect.stringContaining('Unexpected token') as string,
    });
    expect(guard(new Uint8Array([123, 125]))).toMatchObject({ ok: false, code: 'malformed' });
  });
});

function expectSendable(parsed: Parsed<unknown>): void {
  const reason = parsed.ok ? '' : parsed.reason;
  expect(reason).not.toBe('');
  expect(Buffer.from(reason).toString()).toBe(reason);
  expect(reason.length).toBeLessThan(600);
}

describe('a guard', () => {
  it('drops an answer named __proto__ as the schema does', () => {
    const value: unknown = JSON.parse(
      '{"requestId":"req_1","decision":"accept","answers":{"__proto__":{"answers":["x"]},"q":{"answers":["y"]}}}',
    );
    expect(sameVerdict(ResolveRequestSchema, parseResolveRequest, value)).toBe('taken');
  });

  it('never throws, whatever it is given', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withDate: true, withTypedArray: true }), (value) => {
        for (const [, , guard] of PAIRS) expect(typeof guard(value).ok).toBe('boolean');
        const id = mentionedId(value);
        expect(id === null || id.length <= LIMITS.idChars).toBe(true);
      }),
    );
  });

  it('says why in words that can be sent: no half of a character, and not without end', () => {
    const answers = (key: string) => ({ requestId: 'r', decision: 'accept', answers: { [key]: 'not a list' } });
    for (const key of ['\ud800', 'a\udc00b', `${'x'.repeat(LIMITS.idChars - 1)}\ud83d`]) {
      expect(parseResolveRequest(answers(key))).toMatchObject({ ok: false });
      expectSendable(parseResolveRequest(answers(key)));
    }
    expectSendable(parseCloseThread(toUnreadable(new Error(`Unexpected token \udc00 in ${'x'.repeat(10_000)}`))));
    expect(mentionedId({ turnId: `\ud800${'é'.repeat(1_000)}` })).toBe(`\ufffd${'é'.repeat(LIMITS.idChars - 1)}`);
  });

  it('says which of the two codes it is: too large, or malformed', () => {
    const turn = (input: unknown) => parseSubmitTurn({ turnId: 't', kind: 'regular', input });
    expect(turn(manyItems(LIMITS.inputItems + 1))).toMatchObject({ code: 'inputTooLarge' });
    expect(turn(twoItemsInAll(8))).toMatchObject({ code: 'inputTooLarge' });
    expect(turn([{ type: 'text', text: ' \n' }])).toMatchObject({ code: 'malformed' });
    expect(turn([])).toMatchObject({ code: 'malformed' });
  });
});
