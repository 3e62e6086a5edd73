/** The chat without a terminal: lines in, lines out. */
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { type Part, paint, toScreen } from '../text/terminal-text.ts';
import { choicesOf, questionOf } from './requests.ts';
import type { Session } from './session.ts';
import type { Shell } from './terminal.ts';
import { type ChatState, isActive } from './state.ts';

/**
 * Takes a line when a request waits for an answer or nothing is at work any more, so lines of a file are turns in their order.
 * Leaves after the last one; only a person could answer a request that is open then.
 */
export function openLines(session: Session, input: Readable, output: Writable): Shell {
  const { store } = session;
  const print = (lines: readonly Part[]) =>
    void output.write(lines.map((line) => `${toScreen(line, undefined)}\n`).join(''));
  const stopPrinting = store.printWith(print);
  const lines: string[] = [];
  let isOver = false;
  let hinted = '';
  const look = (): void => {
    const state = store.state();
    const hint = waysToAnswer(state);
    if (hint !== hinted && hint !== '') store.dispatch({ type: 'said', lines: [paint.bold(hint)] });
    hinted = hint;
    if (!isReady(state, session)) return;
    const next = lines.shift();
    if (next !== undefined) store.dispatch({ type: 'line', text: next });
    else if (isOver) session.leave();
    if (!isOver) reader.resume();
  };
  /** Not within a step of the store. */
  const plan = () => void setImmediate(look);
  const stopLooking = store.subscribe(plan);
  const reader = createInterface({ input, terminal: false });
  reader.on('line', (text) => {
    lines.push(text);
    if (lines.length > MAX_LINES) reader.pause();
    plan();
  });
  reader.on('close', () => {
    isOver = true;
    plan();
  });
  return {
    close() {
      stopLooking();
      reader.close();
      stopPrinting();
      return Promise.resolve();
    },
  };
}

/** Lines that wait; the rest stays in the pipe. */
const MAX_LINES = 1_000;

function isReady(state: ChatState, session: Session): boolean {
  const isOpen = session.thread() === null || state.view !== null;
  const isFree = state.unfinished.size === 0 && state.working === 0 && !isActive(state);
  return isOpen && (isFree || state.requests.length > 0);
}

/** Empty without an open request. */
function waysToAnswer({ requests, answering }: ChatState): string {
  const request = requests[0]?.request;
  if (request === undefined) return '';
  const { requestId } = request;
  const question = questionOf(request, answering);
  if (question === undefined)
    return `answer ${requestId} with a line: ${choicesOf(request)
      .map(({ key, label }) => `${key} (${label})`)
      .join(', ')}`;
  const options = question.options.map(({ label }, index) => `${index + 1} ${label}`);
  return `answer ${requestId} with a line: ${[...options, 'words'].join(', ')}`;
}
