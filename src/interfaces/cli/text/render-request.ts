/** A request as text for the person who answers it: everything that will run, where, and how to answer. */
import type { Excerpt, ThreadRequest } from '../../../contract/index.ts';
import { toRequestWords } from '../../../contract/plain/request-words.ts';
import { type TerminalText, paint, rowsOf } from './terminal-text.ts';

/** @param threadId of the thread that shows the request and takes the answer */
export function renderRequest(request: ThreadRequest, threadId: string): TerminalText[] {
  const { requestId, origin } = request;
  const { title, text, facts } = toRequestWords(request);
  return [
    paint.yellow(`? ${requestId} ${title}`),
    ...(text === null ? [] : renderText(text, `bobbin thread requests ${threadId} ${requestId}`)),
    ...facts.flatMap(([label, value]) => rowsOf(value, label)),
    ...(origin?.answered === true ? rowsOf('an answer was sent', 'answer') : []),
    ...rowsOf(waysToAnswer(request, threadId), 'answer'),
  ];
}

function renderText({ text, chars }: Excerpt, look: string): TerminalText[] {
  const left = chars - text.length;
  const cut = left === 0 ? [] : [`CUT: ${left} of ${chars} characters are not shown. To see all: ${look}`];
  return [...rowsOf(text, null), ...cut.map((words) => paint.yellow(words))];
}

function waysToAnswer({ type, requestId }: ThreadRequest, threadId: string): string {
  const command = `bobbin thread approve ${threadId} ${requestId}`;
  return `${command}${type === 'userInput' ? ' --answer ID=TEXT' : ''}, or --decision decline`;
}
