/** The part of the screen that changes: what runs, the open request, the queue, the status line, the prompt. Pure. */
import stringWidth from 'string-width';
import { toRequestWords } from '../../../contract/plain/words/request-words.ts';
import { toVisibleLine } from '../../../contract/plain/foreign-text.ts';
import type { ThreadRequest } from '../../../contract/index.ts';
import {
  FEWEST_COLUMNS,
  type Part,
  beginning,
  line,
  paint,
  quoted,
  shortened,
  toScreen,
} from '../text/terminal-text.ts';
import { labelled } from '../thread/watch-tree.ts';
import type { Draft } from './editor.ts';
import type { Running } from '../../running-steps.ts';
import { choicesOf, questionOf } from './requests.ts';
import { pickerLines } from './picker.ts';
import { type ChatState, askedNow } from './state.ts';
import { statusLine } from './status.ts';

export interface Size {
  columns: number;
  rows: number;
}

export interface Frame {
  rows: string[];
  /** Of the cursor, from the first row and column. */
  cursor: { x: number; y: number };
}

const MAX_PROMPT_ROWS = 8;
const MAX_QUEUE_ROWS = 4;
const MAX_CHARS = 300;

/** Shorter than the screen by two rows: a terminal can only redraw what it shows, and the cursor comes to the row below. */
export function toFrame(state: ChatState, size: Size): Frame {
  const columns = Math.max(FEWEST_COLUMNS, size.columns) - 1;
  const most = Math.max(3, size.rows - 2);
  const prompt = promptRows(state, columns, Math.min(MAX_PROMPT_ROWS, Math.max(1, most - 2)));
  const foot = fitAll([statusLine(state, columns)], columns).slice(0, 1);
  const room = () => most - prompt.rows.length - foot.length - above.length;
  const above: string[] = [];
  above.unshift(...fitAll(offerLines(state), columns).slice(0, Math.min(2, Math.max(0, room()))));
  above.unshift(...fitAll(queueLines(state), columns).slice(0, Math.min(MAX_QUEUE_ROWS, Math.max(0, room()))));
  above.unshift(...pickerLines(state, columns, room()));
  above.unshift(...fitAll(requestLines(state), columns).slice(0, Math.max(0, room())));
  above.unshift(...liveRows(state, columns, Math.min(Math.ceil(size.rows / 2), room())));
  const rows = [...above, ...foot, ...prompt.rows];
  return { rows, cursor: { x: prompt.cursor.x, y: above.length + foot.length + prompt.cursor.y } };
}

function fitAll(parts: readonly Part[], columns: number): string[] {
  return parts.flatMap((part) => toScreen(part, columns).split('\n'));
}

// ----------------------------------------------------------------------------------------------------------- live

/** The end of what each running step shows, here and in the agents below. */
function liveRows({ live, agents }: ChatState, columns: number, most: number): string[] {
  const all: [name: string, running: Running][] = [
    ...live.map((running): [string, Running] => ['', running]),
    ...[...agents.values()].flatMap(({ name, live: ofAgent }) =>
      ofAgent.map((running): [string, Running] => [name, running]),
    ),
  ];
  if (all.length === 0 || most < 1) return [];
  const each = Math.max(1, Math.floor(most / all.length));
  return all.flatMap(([name, running]) => runningRows(name, running, columns, each)).slice(-most);
}

function runningRows(name: string, running: Running, columns: number, most: number): string[] {
  const heads = name === '' && running.kind === 'message' ? [] : labelled(name, [headOf(running)]);
  const head = fitAll(heads, columns).slice(0, Math.min(3, most));
  // More characters than the rows can show.
  const tail = running.tail.slice(-most * columns).replaceAll('\t', '    ');
  const text = tail.trim() === '' ? [] : fitAll(quoted(tail.trimEnd()), columns);
  const room = most - head.length;
  return [...head, ...(room > 0 ? text.slice(-room) : [])];
}

function headOf({ kind, title }: Running): Part {
  if (kind === 'message') return paint.dim('answers');
  if (kind === 'reasoning') return paint.dim('thinks');
  if (kind === 'patch') return paint.dim('writes a patch');
  return line`${paint.cyan(kind === 'command' ? '$' : '⚒')} ${beginning(title, MAX_CHARS)}`;
}

// -------------------------------------------------------------------------------------------------------- request

function requestLines(state: ChatState): Part[] {
  const [first, ...others] = state.requests;
  if (first === undefined) return [];
  const { request } = first;
  const { title, text } = toRequestWords(request);
  const more = others.length === 0 ? '' : ` (${others.length} more after it)`;
  const head = paint.yellow(line`? ${request.requestId} ${title}${more}`);
  const what = text === null ? [] : [line`  ${beginning(text.text, MAX_CHARS)}`];
  return [head, ...what, ...questionLines(state, request), answerLine(state, request)];
}

function questionLines({ answering }: ChatState, request: ThreadRequest): Part[] {
  const question = questionOf(request, answering);
  if (question === undefined) return [];
  return [
    line`  ${beginning(question.question, MAX_CHARS)}`,
    ...question.options.map(({ label, description }, index) => {
      const words = description === '' || description === label ? label : `${label}: ${description}`;
      return line`  ${index + 1}  ${beginning(words, MAX_CHARS)}`;
    }),
  ];
}

function answerLine(state: ChatState, request: ThreadRequest): Part {
  const now = askedNow(state);
  if (now === undefined) return paint.dim(state.draft.text === '' ? '  …' : '  empty the prompt (Ctrl-U) to answer');
  if (request.type === 'userInput') return paint.bold('  type a number or an answer, then Enter; Esc stops the turn');
  return paint.bold(
    `  ${choicesOf(request)
      .map(({ key, label }) => `${key} ${label}`)
      .join(' · ')}`,
  );
}

// ------------------------------------------------------------------------------------------------- queue and offers

function queueLines({ view, waiting }: ChatState): Part[] {
  const queued = (view?.queuedTurns ?? []).map(({ text, kind }) => text || kind);
  return [
    ...waiting.map(({ text }) => paint.dim(line`sent    ${beginning(text, MAX_CHARS)}`)),
    ...queued.map((text, index) => paint.dim(line`queued ${index + 1} ${beginning(text, MAX_CHARS)}`)),
    ...(queued.length === 0 ? [] : [paint.dim('Alt-Up edits the last one, /queue the others')]),
  ];
}

const MAX_OFFERS = 20;

function offerLines({ offers }: ChatState): Part[] {
  if (offers === null || offers.words.length === 0) return [];
  const shown = offers.words.slice(0, MAX_OFFERS).map((word) => toVisibleLine(word));
  return [paint.dim(line`Tab: ${shortened(shown.join('  '), MAX_CHARS)}`)];
}

// ---------------------------------------------------------------------------------------------------------- prompt

const MARK = '› ';
/** Characters before and after the cursor that can be on the screen. */
const NEAR_CHARS = 1_500;

function promptRows({ draft }: ChatState, columns: number, most: number): Frame {
  const { rows, cursor } = breakDraft(draft, columns - MARK.length);
  const first = Math.max(0, Math.min(cursor.y - most + 1, rows.length - 1));
  const shown = rows.slice(first, first + most);
  return {
    rows: shown.map((text, index) => toScreen(line`${index === 0 ? paint.cyan(MARK) : '  '}${text}`, undefined)),
    cursor: { x: MARK.length + cursor.x, y: cursor.y - first },
  };
}

/** Only the part of a long text that is near the cursor. */
function breakDraft({ text, at }: Draft, columns: number): Frame {
  const from = Math.max(0, at - NEAR_CHARS);
  const rows = [from > 0 ? '…' : ''];
  let offset = from;
  let cursor = { x: 0, y: 0 };
  const noteCursor = () => {
    if (offset === at) cursor = { x: widthOf(rows.at(-1) ?? ''), y: rows.length - 1 };
  };
  for (const character of text.slice(from, at + NEAR_CHARS)) {
    noteCursor();
    offset += character.length;
    if (character === '\n') {
      rows.push('');
      continue;
    }
    const row = rows.pop() ?? '';
    if (widthOf(row + character) > columns) rows.push(row, character);
    else rows.push(row + character);
  }
  noteCursor();
  return { rows, cursor };
}

function widthOf(text: string): number {
  return stringWidth(toVisibleLine(text));
}
