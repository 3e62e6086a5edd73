/** The entries of a thread, as far as they are here. Drawn again only if one of them has changed. */
import { Component } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Item } from '../../../contract/index.ts';
import { ProblemNote, useAction } from '../base/action.tsx';
import { get, threadPath } from '../base/api.ts';
import { EntryView } from './items.tsx';
import { type Entry, type Input, type ThreadState, firstShown } from './state/thread-state.ts';

interface Props {
  entries: readonly Entry[];
  /** Null if this token may not start threads. */
  onFork: ((turnId: string) => void) | null;
}

export class Conversation extends Component<Props> {
  override shouldComponentUpdate({ entries, onFork }: Props): boolean {
    return entries !== this.props.entries || (onFork === null) !== (this.props.onFork === null);
  }

  override render() {
    return (
      <div class="conversation" role="log" aria-label="Conversation">
        {this.props.entries.map((entry) => (
          <EntryView key={entry.key} entry={entry} onFork={this.props.onFork} />
        ))}
      </div>
    );
  }
}

const EARLIER_ITEMS = 100;

interface EarlierProps {
  threadId: string;
  state: ThreadState;
  take: (input: Input) => void;
}

export function Earlier({ threadId, state: { view, seq, entries }, take }: EarlierProps) {
  const { run, isRunning, problem } = useAction();
  const shown = firstShown(entries);
  const first = shown ?? view?.itemCount ?? 0;
  // The items of a fork have no events.
  const isUnread = view !== null && seq >= view.lastSeq && shown === null && first > 0;
  useEffect(() => {
    if (isUnread) void run(read);
  }, [isUnread]);
  if (first === 0) return null;
  async function read(): Promise<void> {
    const after = Math.max(0, first - EARLIER_ITEMS);
    const { items } = await get<{ items: Item[] }>(
      threadPath(threadId, `/items?after=${after}&limit=${first - after}`),
    );
    const before = document.documentElement.scrollHeight;
    take({ type: 'earlier', items });
    // What was read stays where it was.
    requestAnimationFrame(() => window.scrollBy(0, document.documentElement.scrollHeight - before));
  }
  return (
    <div class="earlier">
      <button type="button" disabled={isRunning} onClick={() => void run(read)}>
        Show earlier items
      </button>
      <ProblemNote problem={problem} />
    </div>
  );
}
