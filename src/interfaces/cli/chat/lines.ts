/** The chat without a terminal: lines in, lines out. */
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { type Part, paint, toScreen } from '../text/terminal-text.ts';
import { choicesOf, questionOf } from './requests.ts';
import type { Session } from './session.ts';
import type { Shell } from './terminal.ts';
import { type ChatState, isActive } from './state.ts';

/** Leaves after the end of the input, when nothing runs or waits any more, or only a person could go on. */
export function openLines(session: Session, input: Readable, output: Writable): Shell {
  const { store } = session;
  const print = (lines: readonly Part[]) =>
    void output.write(lines.map((line) => `${toScreen(line, undefined)}\n`).join(''));
  const stopPrinting = store.printWith(print);
  let isOver = false;
  let hinted = '';
  const look = () => {
    const state = store.state();
    const [first] = state.requests;
    const hint =
      first === undefined ? '' : `${first.request.requestId} ${questionOf(first.request, state.answering)?.id ?? ''}`;
    if (first !== undefined && hint !== hinted) print(waysToAnswer(state));
    hinted = hint;
    if (isOver && isDone(state)) session.leave();
  };
  const stopLooking = store.subscribe(look);
  const reader = createInterface({ input, terminal: false });
  reader.on('line', (text) => store.dispatch({ type: 'line', text }));
  reader.on('close', () => {
    isOver = true;
    look();
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

/** Nobody can answer a request after the end of the input. */
function isDone(state: ChatState): boolean {
  if (state.requests.length > 0) return true;
  const queued = state.view?.queuedTurns.length ?? 0;
  return state.waiting.length === 0 && !isActive(state) && queued === 0;
}

function waysToAnswer({ requests, answering }: ChatState): Part[] {
  const request = requests[0]?.request;
  if (request === undefined) return [];
  const question = questionOf(request, answering);
  if (question === undefined)
    return [
      paint.bold(
        `answer with a line: ${choicesOf(request)
          .map(({ key, label }) => `${key} (${label})`)
          .join(', ')}`,
      ),
    ];
  const options = question.options.map(({ label }, index) => `${index + 1} ${label}`);
  return [paint.bold(`answer with a line${options.length === 0 ? '' : `: ${options.join(', ')}, or other words`}`)];
}
