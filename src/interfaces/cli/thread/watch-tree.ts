/** Follows a thread and all threads below it: each line names the agent that it is of. */
import type { ThreadHandle } from '../../../client/index.ts';
import type { PartialEvent, SubThread, ThreadEvent, TreeCursor, TreeEvent } from '../../../contract/index.ts';
import type { Output } from '../text/output.ts';
import { renderEvent } from '../text/render.ts';
import { withWholeRequest } from './watch.ts';
import { type Part, line, linesOf, paint, quote } from '../text/terminal-text.ts';

export async function watchTree(
  thread: ThreadHandle,
  output: Output,
  { after, signal }: { after: TreeCursor; signal: AbortSignal },
): Promise<void> {
  const names = createNames(thread.threadId);
  const texts = createTexts();
  for await (const given of thread.events({ tree: true, after, signal, partial: output.live })) {
    const { threadId, event } = given;
    names.note(event);
    if (!('seq' in event)) {
      output.event(given, labelled(names.of(given), texts.add(threadId, event)));
      continue;
    }
    const whole = isShownAbove(given) ? event : await withWholeRequest(thread, event);
    const lines = isShownAbove(given) ? [] : (texts.end(threadId, whole) ?? renderEvent(whole, threadId));
    output.event({ ...given, event: whole }, labelled(names.of(given), lines));
  }
}

/** Puts the name of an agent in front of its lines; empty lines, which set lines of the thread itself apart, are left out. */
export function labelled(name: string, lines: readonly Part[]): readonly Part[] {
  if (name === '') return lines;
  return lines.filter((one) => one !== '').map((one) => line`${paint.cyan(`[${name}]`)} ${one}`);
}

/** Every thread above a request has it, too: it is shown once, by the thread that is followed. */
export function isShownAbove({ path, event }: TreeEvent): boolean {
  return path.length > 0 && ('request' in event || event.type === 'serverRequest/resolved');
}

export interface Names {
  note(event: ThreadEvent | PartialEvent): void;
  name(agent: Pick<SubThread, 'threadId' | 'name'>): void;
  /** The names from the first agent down; empty for the thread that is followed. Numbers for agents that were not named yet. */
  of(place: Pick<TreeEvent, 'path'>): string;
}

export function createNames(rootId: string): Names {
  const names = new Map<string, string>();
  const nameOf = (threadId: string) => names.get(threadId) ?? threadId.slice(rootId.length + 1);
  const name = (agent: Pick<SubThread, 'threadId' | 'name'>): void => void names.set(agent.threadId, agent.name);
  return {
    note(event) {
      if (event.type === 'subThread/updated') name(event.subThread);
    },
    name,
    of: ({ path }) => path.map(nameOf).join(' › '),
  };
}

/** The text of models while it comes, in whole lines, because other threads write between them. */
function createTexts() {
  const shown = new Map<string, { of: string; printed: number; chars: number; rest: string }>();
  return {
    add(threadId: string, event: PartialEvent): Part[] {
      if (event.type !== 'item/agentMessage/delta') return [];
      const { turnId, step, attempt, offset, delta } = event;
      const of = `${turnId} ${step} ${attempt}`;
      const known = shown.get(threadId);
      const { printed, chars, rest } = known?.of === of ? known : { printed: 0, chars: 0, rest: '' };
      const text = `${rest}${offset > chars ? '… ' : ''}${delta}`;
      const end = text.lastIndexOf('\n') + 1;
      const left = text.slice(end);
      const next = offset + delta.length;
      shown.set(threadId, { of, printed: end === 0 ? printed : next - left.length, chars: next, rest: left });
      return end === 0 ? [] : linesOf(text.slice(0, end - 1)).map(quote);
    },
    /** The rest of a message of which lines were printed; what was printed of one that no item keeps. Undefined for others. */
    end(threadId: string, event: ThreadEvent): Part[] | undefined {
      const known = shown.get(threadId);
      if (known === undefined) return undefined;
      if (event.type === 'item/completed' && event.item.type === 'agentMessage') {
        const { text } = event.item;
        // The text of a step may become several messages.
        shown.set(threadId, { ...known, printed: Math.max(0, known.printed - text.length), rest: '' });
        if (known.printed === 0) return undefined;
        return known.printed >= text.length ? [] : linesOf(text.slice(known.printed)).map(quote);
      }
      if (event.type !== 'turn/completed') return undefined;
      shown.delete(threadId);
      const cut = known.rest === '' ? [] : linesOf(known.rest).map(quote);
      return [...cut, ...renderEvent(event, threadId)];
    },
  };
}
