/** Undoes the newest turn, after a person has seen what that would do to each file. */
import { useRef } from 'preact/hooks';
import type { PathOutcome, UndoPreview } from '../../../../contract/index.ts';
import { ProblemNote, useAction } from '../../base/action.tsx';
import { newId, post, threadPath } from '../../base/api.ts';
import { usePolled } from '../../base/polled.ts';
import { Inline } from '../../base/text.tsx';

/** Files may change while somebody looks. */
const REFRESH_MS = 30_000;

export function Undo({ threadId, onClose }: { threadId: string; onClose: () => void }) {
  const { run, isRunning, problem } = useAction();
  // Sent twice, it is one undo.
  const turnId = useRef(newId());
  const path = threadPath(threadId, '/undo');
  const { value: preview, trouble } = usePolled<UndoPreview>(path, REFRESH_MS);
  const undo = (): void =>
    void run(async () => {
      await post(path, { turnId: turnId.current });
      onClose();
    });
  return (
    <div class="card">
      <ProblemNote problem={problem ?? trouble} />
      {preview === null && trouble === null && <p>Looking at the files …</p>}
      {preview !== null && <Preview preview={preview} />}
      <div class="buttons">
        {preview !== null && (
          <button type="button" class="decline" disabled={isRunning} onClick={undo}>
            Undo it
          </button>
        )}
        <button type="button" onClick={onClose}>
          Keep it
        </button>
      </div>
    </div>
  );
}

function Preview({ preview: { paths, morePaths, notUndone } }: { preview: UndoPreview }) {
  return (
    <div role="status">
      <p>The turn and its part of the conversation are undone, and of its files:</p>
      <ul>
        {paths.map((one) => (
          <li key={one.path}>
            <Inline text={one.path} />: {toOutcome(one)}
          </li>
        ))}
        {paths.length === 0 && <li>none changes</li>}
        {morePaths > 0 && <li>{morePaths} more</li>}
        {notUndone.map((words, index) => (
          <li key={index}>
            <Inline text={words} />
          </li>
        ))}
      </ul>
    </div>
  );
}

function toOutcome(one: PathOutcome) {
  if (one.outcome !== 'kept') return one.outcome;
  return (
    <>
      kept: <Inline text={one.reason} />
    </>
  );
}
