/** Starts a thread that goes on from a turn of this one, which stays as it is. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { toInputText } from '../../../../contract/plain/images/image-types.ts';
import { shorten, toVisibleLine } from '../../../../contract/plain/foreign-text.ts';
import { ProblemNote, useAction } from '../../base/action.tsx';
import { threadAddress } from '../../base/address.ts';
import { hasCode, post, threadPath } from '../../base/api.ts';
import { useFormId } from '../../base/form-id.ts';
import type { Entry } from '../state/thread-state.ts';

interface Props {
  threadId: string;
  entries: readonly Entry[];
  /** The turn after which it goes on; null for the newest. */
  from: string | null;
  onClose: () => void;
}

export function Fork({ threadId, entries, from, onClose }: Props) {
  const [turnId, setTurnId] = useState(from ?? '');
  const [title, setTitle] = useState('');
  const [files, setFiles] = useState<'shared' | 'worktree'>('shared');
  const { run, isRunning, problem } = useAction();
  const first = useRef<HTMLSelectElement>(null);
  useEffect(() => first.current?.focus(), []);
  const forkId = useFormId([turnId, files, title]);
  const fork = (event: Event): void => {
    event.preventDefault();
    void run(async () => {
      // A person may change the form while it is sent.
      const id = forkId.current();
      const body = { threadId: id, title, files, ...(turnId === '' ? {} : { turnId }) };
      await post(threadPath(threadId, '/fork'), body).catch((error: unknown) => {
        if (hasCode(error, 'threadRefused')) forkId.renew();
        throw error;
      });
      location.hash = threadAddress(id);
    });
  };
  return (
    <form class="card" aria-label="Fork" onSubmit={fork}>
      <label for="fork-from">Go on after</label>
      <select
        id="fork-from"
        ref={first}
        value={turnId}
        onChange={({ currentTarget }) => setTurnId(currentTarget.value)}
      >
        <option value="">everything</option>
        {turnsOf(entries, from).map(({ id, words }) => (
          <option key={id} value={id}>
            {words}
          </option>
        ))}
      </select>
      <fieldset>
        <legend>Files</legend>
        <label>
          <input type="radio" name="files" checked={files === 'shared'} onChange={() => setFiles('shared')} />
          the same folder, with the files as they are
        </label>
        <label>
          <input type="radio" name="files" checked={files === 'worktree'} onChange={() => setFiles('worktree')} />
          its own folder, with the files as they were then
        </label>
      </fieldset>
      <label for="fork-title">Title (optional)</label>
      <input id="fork-title" value={title} onInput={({ currentTarget }) => setTitle(currentTarget.value)} />
      <ProblemNote problem={problem} />
      <div class="buttons">
        <button type="submit" class="approve" disabled={isRunning}>
          Fork
        </button>
        <button type="button" onClick={onClose}>
          Not now
        </button>
      </div>
    </form>
  );
}

const WORDS_CHARS = 80;

/** The turns that are shown, the newest first, each by what was said in it. */
function turnsOf(entries: readonly Entry[], from: string | null): { id: string; words: string }[] {
  const found = new Map<string, string>();
  for (const entry of entries) {
    if (!('item' in entry) || entry.item.type !== 'userMessage' || found.has(entry.item.turnId)) continue;
    const { text, left } = shorten(toInputText(entry.item.content), WORDS_CHARS);
    found.set(entry.item.turnId, `${toVisibleLine(text)}${left > 0 ? ' …' : ''}`);
  }
  if (from !== null && !found.has(from)) found.set(from, from);
  return [...found].map(([id, words]) => ({ id, words })).reverse();
}
