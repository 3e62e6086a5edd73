/** The lines of a chat that stay: the events of the thread, each once. */
import type { Item, ThreadEvent, ThreadRequest } from '../../../contract/index.ts';
import { toRequestWords } from '../../../contract/plain/words/request-words.ts';
import { plural } from '../../../contract/plain/plural.ts';
import { renderEvent } from '../text/render.ts';
import { type Part, type TerminalText, paint, rowsOf } from '../text/terminal-text.ts';
import type { Running } from '../../running-steps.ts';
import { renderDiff } from './diff.ts';
import { renderMarkdown } from './markdown.ts';

export interface Transcript {
  threadId: string;
  /** Ids of requests that were printed whole, and of their items. */
  asked: ReadonlySet<string>;
  /** Whether a request waits for an answer: an old one is only named. */
  isOpen(requestId: string): boolean;
}

export function renderForChat(event: ThreadEvent, transcript: Transcript): Part[] {
  if (SHOWN_ELSEWHERE.has(event.type)) return [];
  if ('request' in event) {
    const { request } = event;
    if (transcript.asked.has(request.requestId)) return [];
    if (transcript.isOpen(request.requestId)) return renderAsked(request);
    return [paint.dim(`? ${request.requestId} ${toRequestWords(request).title}`)];
  }
  if (event.type === 'thread/started' && event.forkedFrom !== null)
    return [paint.dim(`it begins with the past of thread ${event.forkedFrom.threadId}`)];
  if (event.type === 'turn/steered') return [paint.dim('  joins the running turn')];
  const own = event.type === 'item/completed' ? renderItem(event.item, transcript) : undefined;
  return own ?? renderEvent(event, transcript.threadId);
}

/** What was shown of an answer of the model that was cut off. */
export function renderCutOff(message: Running): Part[] {
  return [...renderText(message), paint.yellow('  cut off here; the thread keeps nothing of this answer')];
}

/** The same of an answer that goes on after the person has left. */
export function renderLeft(running: Running): Part[] {
  if (running.kind !== 'message' || running.tail.trim() === '') return [];
  return [...renderText(running), paint.dim('  the answer goes on without this chat')];
}

function renderText({ tail, chars }: Running): Part[] {
  const missing = chars - tail.length;
  return [
    '',
    ...(missing > 0 ? [paint.dim(`  … ${plural(missing, 'character')} before this`)] : []),
    ...renderMarkdown(tail),
  ];
}

/** By the frame, or with the end of the turn. */
const SHOWN_ELSEWHERE = new Set<ThreadEvent['type']>([
  'turn/queued',
  'turn/queueUpdated',
  'agentTask/registered',
  'error',
]);

/** A request with everything that a person decides about: the whole command and folder, or the whole patch. */
export function renderAsked(request: ThreadRequest): TerminalText[] {
  const { title, text, facts } = toRequestWords(request);
  const path = request.origin?.path ?? [];
  return [
    paint.yellow(`? ${request.requestId} ${path.length === 0 ? '' : `agent ${path.join(' › ')} `}${title}`),
    ...(text === null ? [] : renderAskedText(request, text)),
    ...facts.flatMap(([label, value]) => rowsOf(value, label)),
  ];
}

function renderAskedText(request: ThreadRequest, { text, chars }: { text: string; chars: number }): TerminalText[] {
  const rows = request.type === 'fileChange' ? renderDiff(text) : rowsOf(text, null);
  const left = chars - text.length;
  return left === 0 ? rows : [...rows, paint.yellow(`CUT: ${left} of ${chars} characters are not shown.`)];
}

const MAX_DIFF_ROWS = 60;

/** Undefined for an item that is shown as everywhere. */
function renderItem(item: Item, { asked, threadId }: Transcript): Part[] | undefined {
  if (item.type === 'agentMessage') return ['', ...renderMarkdown(item.text)];
  if (item.type === 'userInput' && item.answers !== null)
    return Object.entries(item.answers).map(([id, { answers }]) => paint.dim(`  ${id}: ${answers.join(', ')}`));
  if (item.type !== 'fileChange' || item.changes.length === 0 || asked.has(item.id)) return undefined;
  const rows = renderDiff(item.patch);
  const more = rows.length - MAX_DIFF_ROWS;
  return [
    ...rows.slice(0, MAX_DIFF_ROWS),
    ...(more > 0 ? [paint.dim(`  … ${plural(more, 'more row')}`)] : []),
    ...renderEvent({ seq: 0, at: 0, type: 'item/completed', turnId: item.turnId, item }, threadId),
  ];
}
