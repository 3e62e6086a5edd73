/** For tests of the machine: an independent record of every event of a thread, and a check of the thread against it. */
import type { ArchiveSegment, Item, ThreadEvent, ThreadRequest, TurnCompletion } from '../../../src/contract/index.ts';
import type { Action } from '../state/actions.ts';
import { itemCount, lastSeq } from '../state/log.ts';
import { readAllEvents, readAllItems } from './reader.ts';
import type { MachineInput } from '../state/inputs.ts';
import { runsBeside } from '../../../src/contract/plain/turn-kinds.ts';
import { type ThreadState, finishesUpdates, isSilentOnceClosed, keepsNews, stopsAll } from '../state/state.ts';
import { isAtWork, openAgents } from '../agents/sub-threads.ts';
import { isEndingSessions, openSessions } from '../tools/sessions.ts';
import type { StepActivity, StepEnded } from '../state/steps.ts';
import { type MoneyOracle, check, createMoneyOracle } from './money.ts';
import { toCurrentDetails } from '../view/current-details.ts';
import { toSearchValues } from '../view/search-values.ts';
import { toContext, toThreadView } from '../view/view.ts';

export interface Oracle {
  /** Cases that occurred, by short names. */
  readonly seen: ReadonlySet<string>;
  /** Checks one step of the machine. */
  after(step: MachineStep): void;
  /** A segment is being written: records what the archive would hold. */
  archived(state: ThreadState, segment: ArchiveSegment): void;
  continued(): void;
  /** The run has ended with all running actions, and the thread is resumed. */
  resumed(): void;
  /** Everything has ended. */
  atRest(state: ThreadState): void;
}

export interface MachineStep {
  before: ThreadState;
  machineInput: MachineInput;
  state: ThreadState;
  wanted: Action[];
  /** The actions that the shell starts because of it, and those that it stops. */
  starting: Action[];
  stopping: Action[];
}

interface Turn {
  began: number;
  terminals: number;
}

interface Memory {
  seen: Set<string>;
  /** Every event so far, in order, as readers saw it at the time. */
  events: ThreadEvent[];
  /** By segment id. */
  archive: Map<string, { items: Item[]; events: ThreadEvent[] }>;
  turns: Map<string, Turn>;
  /** By turn id, the item that dropped it. */
  dropped: Map<string, string>;
  /** Open or not, by request id. */
  requests: Map<string, boolean>;
  /** Commands that may still run although no turn waits for them. */
  orphans: Set<string>;
  /** Steps on the workspace that were begun and have not ended, by turn. */
  underWay: Map<string, string>;
  money: MoneyOracle;
  isClosed: boolean;
}

export function createOracle(): Oracle {
  const memory: Memory = {
    seen: new Set(),
    events: [],
    archive: new Map(),
    turns: new Map(),
    dropped: new Map(),
    requests: new Map(),
    orphans: new Set(),
    underWay: new Map(),
    money: createMoneyOracle(),
    isClosed: false,
  };
  return {
    seen: memory.seen,
    after({ before, machineInput, state, wanted, starting, stopping }) {
      assertPlain(state, 'state');
      assertResumedByReading(before, machineInput, state);
      assertNumbered(state);
      assertOneActive(state);
      for (const event of newEvents(memory, state)) record(memory, event, state);
      assertSubmissionKnown(memory, before, machineInput, state);
      assertRequests(memory, state);
      assertRules(memory, before, machineInput, state);
      assertContext(state);
      assertNewsStays(before, state);
      assertWanted(memory, state, wanted);
      assertUpdatesEnd(state, wanted);
      assertTimePasses(machineInput, state, wanted);
      assertStoppedForCause(state, stopping);
      assertWorkspaceFree(memory, { before, machineInput, state, starting });
      memory.money.after({ before, machineInput, state, starting, events: memory.events.slice(lastSeq(before.log)) });
      for (const action of wanted) memory.seen.add(action.type === 'step' ? action.activity : action.type);
      // Queries are answered from any state.
      toThreadView(state);
      check(toCurrentDetails(state).length <= 40_000, 'what is shown of a thread is bounded');
      toSearchValues(state);
      toContext(state, 0);
    },
    archived(state, segment) {
      // The late end of an archiving that has completed adds nothing.
      if (state.rollover?.archiving?.segmentId !== segment.segmentId) return;
      // As the activity that writes it does: from the live log alone, page by page.
      const nowhere = new Map<string, never>();
      const { from, to } = segment.events;
      const events = readAllEvents(state.log, nowhere, from - 1, 50).slice(0, to - from);
      const items = readAllItems(state.log, nowhere, segment.items.from, 50);
      const body = { items: items.slice(0, segment.items.to - segment.items.from), events };
      check(body.items.length === segment.items.to - segment.items.from, 'a segment has all of its items');
      check(events.length === to - from, 'a segment has all of its events');
      // Four long messages, each in its item and in both of its events, are more than a segment holds.
      check(events.length === 1 || JSON.stringify(body).length < 800_000, 'a segment can be read at once');
      memory.archive.set(segment.segmentId, copy(body));
    },
    continued() {
      memory.seen.add('continueAsNew');
      memory.underWay.clear();
    },
    resumed() {
      memory.seen.add('resumed');
      memory.isClosed = false;
    },
    atRest(state) {
      check(state.active === null && state.beside.length === 0 && state.queue.length === 0, 'no turn is left');
      check(state.requests.length === 0, 'no request is left');
      check(openSessions(state).length === 0, 'no session is left');
      for (const [turnId, { terminals }] of memory.turns)
        check(terminals === 1, `${turnId} ended once, not ${terminals} times`);
      check(state.turnCount === memory.turns.size, `${state.turnCount} turns are counted, ${memory.turns.size} ended`);
      assertReadable(memory, state);
    },
  };
}

function copy<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

/** Plain JSON: it survives the trip through the service unchanged. */
function assertPlain(value: unknown, where: string): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return;
  if (typeof value === 'number') {
    check(Number.isFinite(value), `${where} is a number of JSON`);
    return;
  }
  check(typeof value === 'object', `${where} is plain JSON, and not ${typeof value}`);
  if (plain.has(value)) return;
  const proto: unknown = Object.getPrototypeOf(value);
  check(proto === Object.prototype || proto === Array.prototype, `${where} is a plain object or a list`);
  for (const [key, member] of Object.entries(value)) assertPlain(member, `${where}.${key}`);
  plain.add(Object.freeze(value));
}

/**
 * Parts of states that were found plain; frozen, so that they stay plain. Most parts of a state are those of the
 * previous one.
 */
const plain = new WeakSet<object>();

/** Resuming changes only what had not ended, and a task that is kept or cleared stays that way. */
function assertResumedByReading(before: ThreadState, machineInput: MachineInput, state: ThreadState): void {
  if (machineInput.type !== 'threadResumed') return;
  check(state.status === 'open' && state.active === null, 'a resumed thread is open and idle');
  check(state.updatedAt === before.updatedAt, 'to resume is no change');
  check(
    before.status !== 'closed' || lastSeq(state.log) === lastSeq(before.log),
    'to resume what was closed says nothing',
  );
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
  check(same(state.agentTask.current, before.agentTask.current), 'the agent task is what it was');
  check(before.agentTask.current.status === 'none' || state.agentTask.registration === null, 'only none is prewarmed');
  check(same(state.usage, before.usage), 'usage is what it was');
  const lasting = before.rules.filter(({ scope }) => scope !== 'turn');
  check(same(state.rules, lasting), 'rules are what they were, but for those of a turn that is over');
}

/** Invariant 4. */
function assertNumbered({ log }: ThreadState): void {
  log.events.forEach((event, offset) =>
    check(event.seq === log.firstSeq + offset, `event ${event.seq} has its number`),
  );
  log.items.forEach((item, offset) => check(item.id === `item_${log.firstItem + offset}`, `${item.id} has its number`));
}

/** Invariant 1. */
function assertOneActive({ active, beside, queue }: ThreadState): void {
  const ids = [...(active === null ? [] : [active]), ...beside, ...queue].map(({ turnId }) => turnId);
  check(new Set(ids).size === ids.length, `no turn is there twice: ${ids.join(', ')}`);
}

function newEvents(memory: Memory, state: ThreadState): ThreadEvent[] {
  const events = readAllEvents(state.log, memory.archive, memory.events.length, 500);
  check(memory.events.length + events.length === lastSeq(state.log), 'every event is seen');
  return copy(events);
}

// --------------------------------------------------------------------------------------------- invariants 2, 3, 5

function record(memory: Memory, event: ThreadEvent, state: ThreadState): void {
  memory.events.push(event);
  memory.seen.add(event.type);
  if (event.type === 'item/completed' && event.item.type === 'contextCompaction')
    memory.seen.add(`compacted: ${event.item.trigger}`);
  switch (event.type) {
    case 'turn/started':
      check((turnOf(memory, event.turnId).began += 1) === 1, `${event.turnId} begins once`);
      break;
    case 'turn/completed':
      complete(memory, event, state);
      break;
    case 'turn/queued':
      turnOf(memory, event.turnId);
      break;
    case 'turn/queueUpdated': {
      const { began, terminals } = turnOf(memory, event.turnId);
      check(began === 0 && terminals === 0, `${event.turnId} waits while it is ${event.change}`);
      check(event.queue.includes(event.turnId) === (event.change !== 'dropped'), 'only what is dropped is gone');
      check(new Set(event.queue).size === event.queue.length, 'no turn waits twice');
      break;
    }
    case 'item/started':
    case 'item/completed':
      if (event.item.type === 'turnsDropped') drop(memory, event.item);
      if (event.type === 'item/completed' && event.item.type === 'turnsRestored')
        for (const turnId of event.item.restored) check(memory.dropped.delete(turnId), `${turnId} was dropped`);
      if (event.item.type === 'subAgentNotification') memory.seen.add('told by an agent');
      // A rollback is not a turn.
      if (event.turnId !== '') within(memory, event, event.turnId);
      break;
    case 'rule/applied':
      memory.seen.add(`rule applied: ${event.decision}`);
      within(memory, event, event.turnId);
      break;
    case 'turn/steered':
    case 'turn/plan/updated':
    case 'error':
      within(memory, event, event.turnId);
      break;
    case 'item/commandExecution/requestApproval':
    case 'item/fileChange/requestApproval':
    case 'item/mcpToolCall/requestApproval':
    case 'item/tool/requestUserInput':
    case 'turn/budget/requestApproval':
      check(!memory.requests.has(event.request.requestId), `${event.request.requestId} is opened once`);
      memory.requests.set(event.request.requestId, true);
      if (event.request.origin !== null) memory.seen.add('asked below');
      // Agents may be at work after the turn that started them has ended.
      else if (event.request.type !== 'budget' || event.request.scope !== 'tree')
        check(
          turnOf(memory, event.request.turnId).terminals === 0,
          `${event.request.requestId} is of a turn that runs`,
        );
      break;
    case 'serverRequest/resolved':
      check(memory.requests.get(event.requestId) === true, `${event.requestId} is resolved once, while it is open`);
      memory.requests.set(event.requestId, false);
      memory.seen.add(`resolved by ${event.by}`);
      break;
    case 'thread/closed':
      memory.isClosed = true;
      break;
    case 'warning':
      check(!memory.isClosed || !isSilentOnceClosed(state), `"${event.message}" does not follow the end of the thread`);
      break;
    case 'thread/started':
    case 'workspace/bound':
    case 'workspace/moved':
    case 'thread/rolledBack':
    case 'thread/tokenUsage/updated':
    case 'rule/remembered':
    case 'rule/revoked':
    case 'subThread/updated':
    case 'message/rejected':
    case 'agentTask/registered':
    case 'agentTask/cleared':
      break;
  }
}

function within(memory: Memory, event: ThreadEvent, turnId: string): void {
  const { began, terminals } = turnOf(memory, turnId);
  check(began === 1 && terminals === 0, `${event.type} ${event.seq} is within ${turnId}`);
}

/** Only turns that have ended are removed, and each is removed once. */
function drop(memory: Memory, { dropped, cause, id }: Extract<Item, { type: 'turnsDropped' }>): void {
  memory.seen.add(cause);
  for (const turnId of dropped) {
    check(turnOf(memory, turnId).terminals === 1, `${turnId} has ended when it is dropped`);
    check((memory.dropped.get(turnId) ?? id) === id, `${turnId} is dropped once`);
    memory.dropped.set(turnId, id);
  }
}

function turnOf(memory: Memory, turnId: string): Turn {
  const known = memory.turns.get(turnId) ?? { began: 0, terminals: 0 };
  memory.turns.set(turnId, known);
  return known;
}

function complete(memory: Memory, event: Extract<ThreadEvent, { type: 'turn/completed' }>, state: ThreadState): void {
  const { turn } = event;
  check((turnOf(memory, turn.turnId).terminals += 1) === 1, `${turn.turnId} ends once`);
  check((turn.startedAt === null) === (turnOf(memory, turn.turnId).began === 0), 'a turn that began says when');
  const items = memory.events.flatMap((past) =>
    past.type === 'item/started' && past.turnId === turn.turnId ? [past.item.id] : [],
  );
  for (const itemId of items) {
    const ends = memory.events.filter((past) => past.type === 'item/completed' && past.item.id === itemId);
    check(ends.length === 1, `${itemId} has ended once before ${turn.turnId}`);
  }
  // One that was opened right after is about agents that the turn has left at work.
  const isOpen = ({ requestId, turnId, origin }: ThreadRequest) =>
    origin === null && turnId === turn.turnId && memory.requests.has(requestId);
  check(!state.requests.some(isOpen), 'no request outlives its turn');
  if (turn.kind === 'review' && turn.startedAt !== null) assertLeft(memory, turn);
  memory.seen.add(turn.status === 'aborted' ? turn.reason : turn.status);
  if (turn.status === 'aborted' && !turn.quiescent) memory.seen.add('not quiescent');
}

/** A review is entered once and left once, with a result if it completed and without one if it did not. */
function assertLeft(memory: Memory, turn: TurnCompletion): void {
  const items = memory.events.flatMap((past) =>
    past.type === 'item/completed' && past.turnId === turn.turnId ? [past.item] : [],
  );
  const [entered, left, ...more] = items;
  check(entered?.type === 'enteredReviewMode' && more.length === 0, `${turn.turnId} has two items`);
  check(left?.type === 'exitedReviewMode', `${turn.turnId} is left`);
  check((left.reviewOutput === null) === (turn.status !== 'completed'), `${turn.turnId} has a result if it completed`);
  memory.seen.add(left.reviewOutput === null ? 'reviewed in vain' : 'reviewed');
}

/** Every submission is accepted, steers, is already known, or is refused visibly: none is lost. */
function assertSubmissionKnown(
  memory: Memory,
  before: ThreadState,
  machineInput: MachineInput,
  state: ThreadState,
): void {
  if (machineInput.type !== 'turnSubmitted') return;
  const { turnId } = machineInput.turn;
  const known = before.knownTurnIds.includes(turnId);
  if (known) {
    // Time passes meanwhile, and may use up a budget.
    check(state.knownTurnIds === before.knownTurnIds, 'the same turn twice is one turn');
    return;
  }
  const queued = state.queue.some((turn) => turn.turnId === turnId);
  if (queued) turnOf(memory, turnId);
  const said = memory.events
    .slice(lastSeq(before.log))
    .some(
      (event) =>
        (event.type === 'message/rejected' && event.id === turnId) ||
        (event.type === 'turn/steered' && event.steerTurnId === turnId) ||
        (event.type === 'turn/started' && event.turnId === turnId),
    );
  check(queued || said, `what became of ${turnId} can be seen`);
}

function assertRequests(memory: Memory, state: ThreadState): void {
  const open = [...memory.requests].flatMap(([requestId, isOpen]) => (isOpen ? [requestId] : []));
  const listed = state.requests.map(({ requestId }) => requestId);
  check(open.join() === listed.join(), `open requests are ${open.join()}, and not ${listed.join()}`);
}

/** The invariants of `rules.ts` that can be checked from outside. */
function assertRules(memory: Memory, before: ThreadState, machineInput: MachineInput, state: ThreadState): void {
  for (const { scope, turnId, ruleId } of state.rules) {
    check(scope !== 'turn' || state.active?.turnId === turnId, `${ruleId} ends with its turn`);
    memory.seen.add(`rule: ${scope}`);
  }
  const said = memory.events.slice(lastSeq(before.log));
  const applied = said.some(({ type }) => type === 'rule/applied');
  check(!applied || state.settings.approvalPolicy !== 'never', 'no rule is asked where no person is');
  const kept = new Set(before.rules.map(({ ruleId }) => ruleId));
  const added = state.rules.filter(({ ruleId }) => !kept.has(ruleId));
  const answered = machineInput.type === 'requestAnswered' && machineInput.by === 'person';
  check(added.length === 0 || answered, `${added.map(({ ruleId }) => ruleId).join()} is the answer of a person`);
}

/** The model sees every report of an agent: one that waits for it stays until it is taken as a whole. */
function assertNewsStays(before: ThreadState, state: ThreadState): void {
  if (!keepsNews(state)) return;
  for (const { threadId, news } of before.children) {
    const now = state.children.find((child) => child.threadId === threadId)?.news ?? null;
    check(news === null || now === null || now.startsWith(news.slice(0, 100)), `the news of ${threadId} stays`);
  }
}

/** The invariants of `context.ts`, and that the model can always see a turn's request. */
function assertContext(state: ThreadState): void {
  const { context, log, active } = state;
  context.compactions.forEach(({ item, upTo, firstItem }, place) => {
    check(firstItem <= upTo && upTo <= item && item < itemCount(log), `compaction ${item} replaces what was before it`);
    check(item > (context.compactions[place - 1]?.item ?? -1), `compaction ${item} comes after the one before`);
  });
  const { first, from, compaction } = toContext(state, 0);
  const newest = context.compactions.at(-1);
  check(first === (newest?.firstItem ?? 0) && from >= first, 'nothing is given that counts no more');
  check(compaction === (newest?.item ?? null), 'the newest compaction counts');
  if (active?.kind !== 'regular' || newest === undefined || newest.item < active.firstItem) return;
  const whole = newest.upTo <= active.firstItem;
  check(whole || active.step > 1, 'before its first step the input of a turn stays as it is');
}

/**
 * Invariant 5: a turn that is aborted or about to end requests only its time limit and its last snapshot; a turn that
 * has ended requests nothing.
 */
function assertWanted(memory: Memory, state: ThreadState, wanted: readonly Action[]): void {
  check(new Set(wanted.map(({ id }) => id)).size === wanted.length, 'every action has its own id');
  for (const action of wanted) {
    if (!('turnId' in action)) continue;
    const turn = [state.active, ...state.beside].find((one) => one?.turnId === action.turnId);
    const isLast = isStep(action, 'takeSnapshot') && turn?.ending !== undefined;
    check(turn?.aborting === null || isLast, `${action.id} is of a turn that runs`);
    if (turn.ending !== undefined) check(isLast, `${action.id} is not of a turn whose outcome is known`);
    check(memory.turns.get(action.turnId)?.terminals === 0, `${action.id} is of a turn that has not ended`);
  }
}

/** An update that waits for the end of sessions waits for a step, or for a move that ends them. */
function assertUpdatesEnd(state: ThreadState, wanted: readonly Action[]): void {
  if (!finishesUpdates(state) || !isEndingSessions(state)) return;
  const isUnderWay = wanted.some((action) => isStep(action, 'cleanWorkspace') || action.type === 'relocate');
  const isHeldBack = state.relocation?.status === 'wanted';
  check(isUnderWay || isHeldBack, 'the end of sessions is under way');
}

/** A deadline that has come is not waited for again. */
function assertTimePasses(machineInput: MachineInput, state: ThreadState, wanted: readonly Action[]): void {
  if (machineInput.type !== 'timeCame' || machineInput.about.type !== 'requestDeadline' || !stopsAll(state)) return;
  check(!wanted.some(({ id }) => id === machineInput.id), `${machineInput.id} has come`);
}

/** A step is stopped only by the end or the abort of its turn. */
function assertStoppedForCause(state: ThreadState, stopping: readonly Action[]): void {
  for (const action of stopping) {
    if (!('turnId' in action)) continue;
    const turn = [state.active, ...state.beside].find((one) => one?.turnId === action.turnId);
    check(!turn || turn.aborting !== null, `${action.id} is stopped for a cause of its own turn`);
  }
}

// ----------------------------------------------------------------------------------------------------- invariant 6

/** A copy of the list, to find a step that forgets that it works in the workspace. */
const ON_WORKSPACE = ['execCommand', 'applyPatch', 'callMcpTool', 'undoFiles', 'redoFiles', 'takeSnapshot'] as const;

function isStep(action: Action, ...activities: readonly StepActivity[]): boolean {
  return action.type === 'step' && activities.includes(action.activity);
}

function assertWorkspaceFree(
  memory: Memory,
  { before, machineInput, state, starting }: Pick<MachineStep, 'before' | 'machineInput' | 'state' | 'starting'>,
): void {
  if (machineInput.type === 'stepEnded') endStep(memory, machineInput);
  // What was at work when a run was ended from outside has no proof of that kind.
  if (machineInput.type !== 'threadResumed') assertQuiet(memory, before, state);
  if (machineInput.type === 'stepEnded' && machineInput.activity === 'cleanWorkspace' && state.cleanUp === null) {
    for (const actionId of memory.orphans) memory.underWay.delete(actionId);
    memory.orphans.clear();
  }
  // Nothing of the former host reaches the new folder.
  if (machineInput.type === 'workspaceMoved') {
    check(
      openAgents(state).every(({ start }) => start !== null),
      'no agent is open after a move',
    );
    if (openAgents(before).length > 0) memory.seen.add('lost with its agents');
    memory.underWay.clear();
    memory.orphans.clear();
  }
  for (const [actionId, turnId] of memory.underWay) {
    if (memory.turns.get(turnId)?.terminals === 1 && actionId.startsWith('tool/')) memory.orphans.add(actionId);
  }
  for (const action of starting) {
    if (!isStep(action, ...ON_WORKSPACE)) continue;
    const orphans = [...memory.orphans].join();
    check(
      orphans === '' && state.cleanUp === null,
      `${action.id} begins when nothing of earlier steps runs: ${orphans}`,
    );
    if ('turnId' in action) memory.underWay.set(action.id, action.turnId);
  }
}

/** A turn that was stopped with proof has left nothing at work: no step of its own, and no agent. */
function assertQuiet(memory: Memory, before: ThreadState, state: ThreadState): void {
  if (!stopsAll(state)) return;
  for (const event of memory.events.slice(lastSeq(before.log))) {
    if (event.type !== 'turn/completed' || event.turn.startedAt === null) continue;
    const { turn } = event;
    if (turn.status !== 'aborted' || !turn.quiescent) continue;
    const steps = [...memory.underWay].flatMap(([id, turnId]) =>
      turnId === turn.turnId && id.startsWith('tool/') ? [id] : [],
    );
    check(steps.length === 0, `${steps.join()} has ended before ${turn.turnId}`);
    const leaves = turn.reason === 'replaced' || runsBeside(turn.kind);
    const agents = openAgents(state).filter((child) => child.start === null && isAtWork(child));
    check(leaves || agents.length === 0, `no agent works on after ${turn.turnId} was stopped with proof`);
  }
}

/** A command that has ended with proof, however late, is not an orphan. */
function endStep(memory: Memory, { id, activity, end }: StepEnded): void {
  const wasUnderWay = memory.underWay.delete(id);
  // A command that was left running is no orphan.
  const gone = activity === 'execCommand' && end.type === 'done' ? end.value.gone || 'key' in end.value : true;
  const proven = end.type !== 'lost' && gone;
  if (proven) memory.orphans.delete(id);
  else if (wasUnderWay) memory.orphans.add(id);
}

/**
 * Reading page by page, and from the archive if the thread says so, returns exactly the events that occurred, each once
 * and in order.
 */
function assertReadable(memory: Memory, { log }: ThreadState): void {
  for (const limit of [1, 7, 500]) {
    const events = readAllEvents(log, memory.archive, 0, limit);
    check(JSON.stringify(events) === JSON.stringify(memory.events), `pages of ${limit} events are what came about`);
    const items = readAllItems(log, memory.archive, 0, limit);
    check(items.length === itemCount(log), `pages of ${limit} items are all there are`);
    items.forEach((item, index) => check(item.id === `item_${index}`, `${item.id} is in its place`));
  }
}
