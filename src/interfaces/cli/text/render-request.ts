/** A request as text for the person who answers it: everything that will run, where, and how to answer. */
import type { Excerpt, ThreadRequest } from '../../../contract/index.ts';
import { toVisibleLine } from '../../../contract/plain/foreign-text.ts';
import { toRequestWords } from '../../../contract/plain/words/request-words.ts';
import { asStarted } from '../invocation.ts';
import { shellWord } from './shell-word.ts';
import { type TerminalText, line, paint, rowsOf, toCopy } from './terminal-text.ts';

/** @param threadId of the thread that shows the request and takes the answer */
export function renderRequest(request: ThreadRequest, threadId: string): TerminalText[] {
  const { requestId, origin } = request;
  const { title, text, facts } = toRequestWords(request);
  const look = asStarted(`thread requests ${shellWord(threadId)} ${shellWord(requestId)}`);
  return [
    paint.yellow(`? ${requestId} ${title}`),
    ...(text === null ? [] : renderText(text, look)),
    ...facts.flatMap(([label, value]) => rowsOf(value, label)),
    ...(origin?.answered === true ? rowsOf('an answer was sent', 'answer') : waysToAnswer(request, threadId)),
  ];
}

function renderText({ text, chars }: Excerpt, look: string): TerminalText[] {
  const left = chars - text.length;
  const rows = rowsOf(text, null);
  if (left === 0) return rows;
  return [
    ...rows,
    paint.yellow(`CUT: ${left} of ${chars} characters are not shown. To see all:`),
    labelled('see all:', look),
  ];
}

function waysToAnswer(request: ThreadRequest, threadId: string): TerminalText[] {
  const command = asStarted(`thread approve ${shellWord(threadId)} ${shellWord(request.requestId)}`);
  const decline = labelled('decline:', `${command} --decision decline`);
  if (request.type !== 'userInput') return [labelled('accept:', command), decline];
  const answers = request.questions.map(({ id, options }, index) => {
    const name = isShort(id) && /^\w[\w.-]*$/.test(id) ? id : String(index + 1);
    const answer = options.map(({ label }) => label).find(isShort) ?? 'TEXT';
    return ` --answer ${shellWord(`${name}=${answer}`)}`;
  });
  return [labelled('answer:', `${command}${answers.join('')}`), decline];
}

function labelled(label: string, command: string): TerminalText {
  return toCopy(line`  ${label.padEnd(9)} ${paint.bold(command)}`);
}

/** A command is not wrapped with a margin, so it contains no foreign text that could fill a row. */
function isShort(text: string): boolean {
  return text.length <= 40 && toVisibleLine(text) === text;
}
