/**
 * What the Temporal UI shows of a thread under its details: the words for the person on call. Markdown without tables, which
 * older UIs do not render; whatever somebody else wrote stands in code spans, so that it is nothing but text.
 */
import type { Limits, Spent, ThreadRequest, TurnPhase } from '../../src/contract/index.ts';
import { codeSpan, firstLine } from '../plain-text.ts';
import { limitsOf, spentIn } from './budget.ts';
import { isAtWork } from './sub-threads.ts';
import type { ActiveTurn, StoredEvent, ThreadState } from './state.ts';
import { toPhase, toStatus } from './view.ts';

/** Of each kind of thing so many are shown, and the number of the rest. */
const SHOWN = 8;
const WORDS = 200;
/** UTF-16 units of all of it. */
const MOST = 20_000;
/** Newest events that are looked through for an error. */
const LOOKED_THROUGH = 500;

/** Never throws: requests of other threads come by signal, as somebody wrote them, and no thread may fail over its own description. */
export function toCurrentDetails(state: ThreadState): string {
  try {
    return describe(state);
  } catch (error) {
    return `**${toStatus(state)}**; the rest cannot be shown: ${codeSpan(String(error), WORDS)}`;
  }
}

function describe(state: ThreadState): string {
  const { settings, turnCount, closeReason } = state;
  const head = `**${toStatus(state)}** in ${codeSpan(settings.cwd, WORDS)}, model ${codeSpan(settings.model, WORDS)}, ${turnCount} turns ended`;
  const sections = [
    closeReason === null ? head : `${head}; it closes: ${codeSpan(closeReason, WORDS)}`,
    section('Waits for a person', state.requests, (request) => ofRequest(state.threadId, request)),
    section('Turn', [...(state.active === null ? [] : [state.active]), ...state.beside], (turn) => ofTurn(state, turn)),
    section('Waiting turns', state.queue, ({ turnId, kind }) => `- \`${turnId}\` (${kind})`),
    section('Agents', state.children.filter(isAtWork), ({ threadId, role, name }) => {
      return `- \`${threadId}\` (${role} ${codeSpan(name, WORDS)}) is at work`;
    }),
    section('Used up', ofBudget(state), String),
    section('Last error', lastError(state.log.events), String),
  ];
  const text = sections.filter((part) => part !== '').join('\n\n');
  return text.length <= MOST ? text : `${text.slice(0, MOST - 1)}…`;
}

/** Nothing where there is nothing to say. */
function section<T>(title: string, all: readonly T[], describeOne: (one: T) => string): string {
  if (all.length === 0) return '';
  const rest = all.length - SHOWN;
  const more = rest > 0 ? [`- and ${rest} more`] : [];
  return [`### ${title}`, ...all.slice(0, SHOWN).map(describeOne), ...more].join('\n');
}

function ofTurn(state: ThreadState, turn: ActiveTurn): string {
  const phase = describePhase(toPhase(state, turn));
  return `- \`${turn.turnId}\` (${turn.kind}) since ${timeOf(turn.startedAt)}: ${phase}`;
}

/** With the commands and the signal that answer it, as they are to be typed. */
function ofRequest(threadId: string, request: ThreadRequest): string {
  const { requestId, type, reason, openedAt, deadlineAt, origin } = request;
  const from = origin === null ? '' : ` of thread \`${origin.threadId}\``;
  const until = deadlineAt === null ? '' : `; \`${request.default}\` by itself at ${timeOf(deadlineAt)}`;
  const command = `bobbin thread approve ${threadId} ${requestId}`;
  const answered = origin?.answered === true ? ['  - an answer is on its way'] : [];
  return [
    `- \`${requestId}\` (${type})${from} since ${timeOf(openedAt)}${until}: ${codeSpan(reason, WORDS)}`,
    ...askedFor(request).map((line) => `  - ${line}`),
    ...answered,
    ...waysToAnswer(request, command).map((line) => `  - ${line}`),
  ].join('\n');
}

/** What it is about, beyond its reason. */
function askedFor(request: ThreadRequest): string[] {
  switch (request.type) {
    case 'commandExecution':
      return [`${codeSpan(request.command, WORDS)} in ${codeSpan(request.cwd, WORDS)}`];
    case 'fileChange':
      return request.paths.slice(0, SHOWN).map((path) => codeSpan(path, WORDS));
    case 'mcpToolCall':
      return [`tool ${codeSpan(request.tool, WORDS)} of server ${codeSpan(request.server, WORDS)}`];
    case 'userInput':
      return request.questions
        .slice(0, SHOWN)
        .map(({ id, question }) => `question ${codeSpan(id, WORDS)}: ${codeSpan(question, WORDS)}`);
    case 'budget':
      return [
        `${request.limit} of the ${request.scope}: ${request.spent} of ${request.max}; accepting allows ${request.grants} more`,
      ];
  }
}

function waysToAnswer(request: ThreadRequest, command: string): string[] {
  const { requestId } = request;
  const signal = (answer: object) =>
    `signal \`resolveRequest\` with ${literal(JSON.stringify({ requestId, ...answer }))}`;
  if (request.type !== 'userInput') {
    return [`accept: \`${command}\``, `refuse: \`${command} --decision decline\``, signal({ decision: 'accept' })];
  }
  const ids = request.questions.slice(0, SHOWN).map(({ id }) => firstLine(id, WORDS));
  const options = ids.map((id) => ` --answer ${quoted(`${id}=TEXT`)}`).join('');
  const answers = Object.fromEntries(ids.map((id) => [id, { answers: ['TEXT'] }]));
  return [
    `answer: ${literal(`${command}${options}`)}`,
    `refuse: \`${command} --decision decline\``,
    signal({ decision: 'accept', answers }),
  ];
}

/** A code span of text that is to be taken as it stands. */
function literal(text: string): string {
  return text.includes('`') ? `\`\`\` ${text} \`\`\`` : `\`${text}\``;
}

/** As a shell takes it for one word. */
function quoted(word: string): string {
  return /^[\w.:@/=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function ofBudget(state: ThreadState): string[] {
  const of = (scope: 'turn' | 'thread' | 'tree') =>
    toAmounts(spentIn(state, scope, state.updatedAt), limitsOf(state, scope));
  const alone = of('thread');
  const withAgents = of('tree');
  return [
    ...(state.active?.limited === true ? [`- by this turn: ${of('turn')}`] : []),
    `- by the thread: ${alone}`,
    ...(withAgents === alone ? [] : [`- with its agents: ${withAgents}`]),
  ];
}

function toAmounts({ tokens, costMicroUsd, steps, wallMs }: Spent, limits: Limits): string {
  const of = (max: number | undefined, unit: string) => (max === undefined ? '' : ` of ${max}${unit}`);
  return [
    `${tokens}${of(limits.tokens, '')} tokens`,
    `${costMicroUsd / 1_000_000}${of(limits.costUsd, '')} dollars`,
    `${steps}${of(limits.steps, '')} model steps`,
    `${Math.round(wallMs / 1_000)}${of(limits.wallMs === undefined ? undefined : limits.wallMs / 1_000, '')} s`,
  ].join(', ');
}

function lastError(events: readonly StoredEvent[]): string[] {
  for (let index = events.length - 1; index >= Math.max(0, events.length - LOOKED_THROUGH); index--) {
    const event = events[index];
    if (event?.type !== 'turn/completed' || event.turn.status !== 'failed') continue;
    const { turnId, error } = event.turn;
    return [`- \`${error.code}\` in turn \`${turnId}\` at ${timeOf(event.at)}: ${codeSpan(error.message, 2 * WORDS)}`];
  }
  return [];
}

/** @param at milliseconds since the epoch */
function timeOf(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

function describePhase(phase: TurnPhase): string {
  switch (phase.type) {
    case 'waitingForAgentTask':
      return 'waits for its agent task to be registered';
    case 'waitingForBudget':
      return 'waits for its budget to be raised';
    case 'waitingForWorkspace':
      return 'waits for the workspace to be cleaned after a lost step';
    case 'callingModel':
      return `model step ${phase.step}`;
    case 'compacting':
      return `compacts the context (${phase.trigger})`;
    case 'runningTools':
      return ofTools(phase);
    case 'undoing':
      return `undoes turn \`${phase.turnId}\``;
    case 'working':
      return 'is at work';
    case 'takingSnapshot':
      return 'takes a snapshot of the files';
    case 'reviewing':
      return phase.threadId === null ? 'prepares a review' : `reviews in thread \`${phase.threadId}\` (${phase.stage})`;
    case 'aborting':
      return `is being aborted (${phase.reason})`;
  }
}

function ofTools({ step, running, waiting }: Extract<TurnPhase, { type: 'runningTools' }>): string {
  const names = (words: string, all: readonly string[]) => {
    if (all.length === 0) return [];
    const rest = all.length > SHOWN ? ` and ${all.length - SHOWN} more` : '';
    return [
      `${words} ${all
        .slice(0, SHOWN)
        .map((name) => codeSpan(name, WORDS))
        .join(', ')}${rest}`,
    ];
  };
  return `tools of step ${step}: ${[...names('runs', running), ...names('waiting:', waiting)].join('; ')}`;
}
