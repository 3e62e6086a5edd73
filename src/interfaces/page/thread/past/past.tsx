/** The past of a thread: undo and redo, removing turns from the conversation, and going on from one in a new thread. */
import { useEffect } from 'preact/hooks';
import type { ThreadView } from '../../../../contract/index.ts';
import { useAllowed } from '../../base/session.tsx';
import type { Entry } from '../state/thread-state.ts';
import { Fork } from './fork.tsx';
import { Redo } from './redo.tsx';
import { Reopen } from './reopen.tsx';
import { RollBack } from './roll-back.tsx';
import { Undo } from './undo.tsx';

/** `turnId`: the turn from which a fork goes on; null for the newest. */
export type Opened = { type: 'undo' } | { type: 'rollBack' } | { type: 'fork'; turnId: string | null };

interface Props {
  view: ThreadView;
  entries: readonly Entry[];
  opened: Opened | null;
  onOpen: (opened: Opened | null) => void;
}

export function Past({ view, entries, opened, onOpen }: Props) {
  const { threadId, status, turnCount, settings } = view;
  const mayApprove = useAllowed('approve');
  const close = (): void => onOpen(null);
  const isIdle = status === 'idle';
  // A click that was meant for the conversation as it was would now undo or remove another turn.
  useEffect(() => {
    if (opened !== null && opened.type !== 'fork') close();
  }, [turnCount, isIdle]);
  if (turnCount === 0 && status !== 'closed') return null;
  // A fork without a sandbox needs more than the right to start threads.
  const mayFork = mayApprove || settings.sandbox !== 'danger-full-access';
  return (
    <section class="past" aria-label="Past">
      <div class="buttons">
        {isIdle && (
          <button type="button" aria-expanded={opened?.type === 'undo'} onClick={() => onOpen({ type: 'undo' })}>
            Undo the newest turn …
          </button>
        )}
        {isIdle && isUndone(entries) && <Redo threadId={threadId} />}
        {isIdle && (
          <button
            type="button"
            aria-expanded={opened?.type === 'rollBack'}
            onClick={() => onOpen({ type: 'rollBack' })}
          >
            Roll back …
          </button>
        )}
        {mayFork && turnCount > 0 && (
          <button
            type="button"
            aria-expanded={opened?.type === 'fork'}
            onClick={() => onOpen({ type: 'fork', turnId: null })}
          >
            Fork …
          </button>
        )}
        {status === 'closed' && <Reopen threadId={threadId} />}
      </div>
      {opened?.type === 'undo' && isIdle && <Undo threadId={threadId} onClose={close} />}
      {opened?.type === 'rollBack' && isIdle && <RollBack threadId={threadId} onClose={close} />}
      {opened?.type === 'fork' && (
        <Fork key={opened.turnId} threadId={threadId} entries={entries} from={opened.turnId} onClose={close} />
      )}
    </section>
  );
}

/** Whether an undo can be reversed: nothing has been said since. */
function isUndone(entries: readonly Entry[]): boolean {
  const last = entries.findLast((entry) => 'item' in entry && DECISIVE.has(entry.item.type));
  return last !== undefined && 'item' in last && last.item.type === 'turnsDropped' && last.item.cause === 'undo';
}

const DECISIVE: ReadonlySet<string> = new Set(['userMessage', 'turnsDropped', 'turnsRestored']);
