/**
 * The details of a thread in the Temporal UI, for the person on call. Markdown without tables, which older UIs do not
 * render; foreign text is in code spans, so that it is never markup.
 */
import type { Excerpt, HostWait, ThreadRequest, WorkspacePlace } from '../../../src/contract/index.ts';
import { toAgentTaskWords } from '../../../src/contract/plain/words/agent-task-words.ts';
import { toAmounts } from '../../../src/contract/plain/words/amount-words.ts';
import { toManagedWords } from '../../../src/contract/plain/words/managed-words.ts';
import { toRequestWords } from '../../../src/contract/plain/words/request-words.ts';
import { toHostWaitWords, toPhaseWords } from '../../../src/contract/plain/words/waiting-words.ts';
import { toAgentTaskView } from '../agent-task/agent-task.ts';
import { codeBlock, codeSpan, literalSpan } from '../../sandbox/plain-text.ts';
import { limitsOf, spentIn } from '../budget/budget.ts';
import { isAtWork } from '../agents/sub-threads.ts';
import { openSessions } from '../tools/sessions.ts';
import type { ActiveTurn, Session, StoredEvent, ThreadState } from '../state/state.ts';
import { toPhase, toStatus } from './view.ts';
import { plural } from '../../../src/contract/plain/plural.ts';

/** Entries of each kind that are shown; the rest is counted. */
const SHOWN = 8;
/** For one request: files, questions, and where it will run. */
const SHOWN_FACTS = 16;
const WORDS = 200;
/** UTF-16 units of what runs, shared by the requests that are shown. A request takes twice its share, at most. */
const REQUEST_TEXT = { all: 16_000, one: 8_000 };
/** UTF-16 units of the whole text. */
const MOST = 40_000;
/** Newest events that are searched for an error. */
const LOOKED_THROUGH = 500;

/**
 * Never throws: requests of other threads come by signal, with any content, and a thread must not fail because of its
 * own description.
 */
export function toCurrentDetails(state: ThreadState): string {
  try {
    return describe(state);
  } catch (error) {
    return `**${toStatus(state)}**; the rest cannot be shown: ${codeSpan(String(error), WORDS)}`;
  }
}

/** While the thread is not open yet. */
export function toOpeningDetails(waitsFor: HostWait): string {
  return `**opening**; waits for ${toHostWaitWords(waitsFor, (text) => codeSpan(text, WORDS))}`;
}

function describe(state: ThreadState): string {
  const { settings, turnCount, closeReason } = state;
  const { host, managed } = settings;
  const from = managed === undefined ? '' : `, a clone of ${codeSpan(toManagedWords(managed), WORDS)},`;
  const place = `${from}${host === undefined ? '' : ` on host ${literalSpan(host)}`}`;
  const head = `**${toStatus(state)}** in ${codeSpan(settings.cwd, WORDS)}${place}, model ${codeSpan(settings.model, WORDS)}, ${plural(turnCount, 'turn')} ended`;
  const share = Math.min(REQUEST_TEXT.one, Math.floor(REQUEST_TEXT.all / Math.min(SHOWN, state.requests.length)));
  const sections = [
    closeReason === null ? head : `${head}; closing: ${codeSpan(closeReason, WORDS)}`,
    section('Is being moved to', state.moving === undefined ? [] : [state.moving], ofPlace),
    section('Was moved from', settings.moved === undefined ? [] : [settings.moved.from], ofPlace),
    section('Waits for a person', state.requests, (request) => ofRequest(state.threadId, request, share)),
    section('Turn', [...(state.active === null ? [] : [state.active]), ...state.beside], (turn) => ofTurn(state, turn)),
    section('Left running', openSessions(state), ofSession),
    section('Queued turns', state.queue, ({ turnId, kind }) => `- ${literalSpan(turnId)} (${kind})`),
    section('Agents', state.children.filter(isAtWork), ({ threadId, role, name }) => {
      return `- ${literalSpan(threadId)} (${role} ${codeSpan(name, WORDS)}) is working`;
    }),
    section('Agent task', toAgentTaskWords(toAgentTaskView(state)), ([label, value]) => {
      return `- ${label}: ${codeSpan(value, 2 * WORDS)}`;
    }),
    section('Used', ofBudget(state), String),
    section('Last error', lastError(state.log.events), String),
  ];
  return fit(
    sections.filter((part) => part !== ''),
    `bobbin thread show ${state.threadId}`,
  );
}

/** Shows sections whole or not at all. */
function fit(sections: readonly string[], look: string): string {
  const fitting = sections.reduce((text, section) => {
    const next = text === '' ? section : `${text}\n\n${section}`;
    return next.length <= MOST - 300 ? next : text;
  }, '');
  const whole = sections.join('\n\n').length === fitting.length;
  return whole ? fitting : `${fitting}\n\n**More than fits here:** ${literalSpan(look)}`;
}

/** Empty if there are no entries. */
function section<T>(title: string, all: readonly T[], describeOne: (one: T) => string): string {
  if (all.length === 0) return '';
  const rest = all.length - SHOWN;
  const more = rest > 0 ? [`- and ${rest} more`] : [];
  return [`### ${title}`, ...all.slice(0, SHOWN).map(describeOne), ...more].join('\n');
}

function ofPlace({ host, cwd }: WorkspacePlace): string {
  const folder = cwd === '' ? 'a new folder' : codeSpan(cwd, WORDS);
  return `- ${folder} on ${host === '' ? 'another host' : `host ${literalSpan(host)}`}`;
}

function ofTurn(state: ThreadState, turn: ActiveTurn): string {
  const phase = toPhaseWords(toPhase(state, turn), (name) => codeSpan(name, WORDS));
  return `- ${literalSpan(turn.turnId)} (${turn.kind}) since ${timeOf(turn.startedAt)}: ${phase}`;
}

function ofSession({ id, command, since, until, status }: Session): string {
  const end = status === 'stopping' ? 'is being stopped' : `until ${timeOf(until)} at the latest`;
  return `- session ${id}: ${codeSpan(command, WORDS)} since ${timeOf(since)}, ${end}`;
}

/** The exact text of a request, where it will run, and the commands and the signal that answer it. */
function ofRequest(threadId: string, request: ThreadRequest, chars: number): string {
  const { requestId, openedAt, deadlineAt, origin } = request;
  const { title, text, facts } = toRequestWords(request);
  const until = deadlineAt === null ? '' : `; automatically ${literalSpan(request.default)} at ${timeOf(deadlineAt)}`;
  const look = literalSpan(`bobbin thread requests ${threadId} ${requestId}`);
  const rest = facts.length - SHOWN_FACTS;
  const answered = origin?.answered === true ? ['an answer was sent'] : [];
  const lines = [
    ...facts.slice(0, SHOWN_FACTS).map(([label, value]) => `${label}: ${codeSpan(value, WORDS)}`),
    ...(rest > 0 ? [`and ${rest} more: ${look}`] : []),
    ...answered,
    ...waysToAnswer(request, `bobbin thread approve ${threadId} ${requestId}`),
    `see everything: ${look}`,
  ];
  const head = `- ${literalSpan(requestId)} ${title}, since ${timeOf(openedAt)}${until}`;
  const whole = [
    head,
    ...(text === null ? [] : blockOf(text, chars, look)),
    ...lines.map((line) => `  - ${line}`),
  ].join('\n');
  if (whole.length <= 2 * chars) return whole;
  return [head, `  - **too long to show here.** Read it before you answer: ${look}`].join('\n');
}

/** As part of a list item. */
function blockOf(excerpt: Excerpt, chars: number, look: string): string[] {
  const { lines, left } = codeBlock(excerpt.text, chars);
  const missing = left + excerpt.chars - excerpt.text.length;
  const cut =
    missing === 0 ? [] : [`**Cut: ${missing} of ${excerpt.chars} characters are not shown.** To see all: ${look}`, ''];
  return ['', ...lines, '', ...cut].map((line) => (line === '' ? '' : `  ${line}`));
}

function waysToAnswer(request: ThreadRequest, command: string): string[] {
  const { requestId } = request;
  const signal = (answer: object) =>
    `signal \`resolveRequest\` with ${literalSpan(JSON.stringify({ requestId, ...answer }))}`;
  const refuse = `refuse: ${literalSpan(`${command} --decision decline`)}`;
  if (request.type !== 'userInput') return [`accept: ${literalSpan(command)}`, refuse, signal({ decision: 'accept' })];
  const ids = request.questions.map(({ id }) => id);
  const options = ids.map((id) => ` --answer ${quoted(`${id}=TEXT`)}`).join('');
  const answers = Object.fromEntries(ids.map((id) => [id, { answers: ['TEXT'] }]));
  return [`answer: ${literalSpan(`${command}${options}`)}`, refuse, signal({ decision: 'accept', answers })];
}

/** Quoted so that a shell reads it as one word. */
function quoted(word: string): string {
  return /^[\w.:@/=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function ofBudget(state: ThreadState): string[] {
  // As code: the text between two dollar signs would be a formula.
  const of = (scope: 'turn' | 'thread' | 'tree') =>
    literalSpan(toAmounts({ spent: spentIn(state, scope, state.updatedAt), limits: limitsOf(state, scope) }));
  const alone = of('thread');
  const withAgents = of('tree');
  return [
    ...(state.active?.limited === true ? [`- by this turn: ${of('turn')}`] : []),
    `- by the thread: ${alone}`,
    ...(withAgents === alone ? [] : [`- with its agents: ${withAgents}`]),
  ];
}

function lastError(events: readonly StoredEvent[]): string[] {
  for (let index = events.length - 1; index >= Math.max(0, events.length - LOOKED_THROUGH); index--) {
    const event = events[index];
    if (event?.type !== 'turn/completed' || event.turn.status !== 'failed') continue;
    const { turnId, error } = event.turn;
    return [
      `- ${codeSpan(error.code, WORDS)} in turn ${literalSpan(turnId)} at ${timeOf(event.at)}: ${codeSpan(error.message, 2 * WORDS)}`,
    ];
  }
  return [];
}

/** @param at milliseconds since the epoch */
function timeOf(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
