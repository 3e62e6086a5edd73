/** Undoes the newest turn, after a person has seen what that would do to each file. */
import { useState } from 'preact/hooks';
import type { PathOutcome, UndoPreview } from '../../../contract/index.ts';
import { get, newId, post, threadPath, toProblemWords } from '../base/api.ts';
import { Inline } from '../base/text.tsx';

export function Undo({ threadId }: { threadId: string }) {
  const [preview, setPreview] = useState<UndoPreview | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const attempt = async (work: () => Promise<UndoPreview | null>): Promise<void> => {
    try {
      setPreview(await work());
      setProblem(null);
    } catch (error) {
      setProblem(toProblemWords(error));
    }
  };
  const path = threadPath(threadId, '/undo');
  const look = () => attempt(() => get<UndoPreview>(path));
  const undo = () =>
    attempt(async () => {
      await post(path, { turnId: newId() });
      return null;
    });
  return (
    <section class="undo" aria-label="Undo">
      {problem !== null && (
        <p class="note error" role="alert">
          <Inline text={problem} />
        </p>
      )}
      {preview === null ? (
        <button type="button" onClick={() => void look()}>
          Undo the newest turn …
        </button>
      ) : (
        <>
          <Preview preview={preview} />
          <div class="buttons">
            <button type="button" class="decline" onClick={() => void undo()}>
              Undo it
            </button>
            <button type="button" onClick={() => setPreview(null)}>
              Keep it
            </button>
          </div>
        </>
      )}
    </section>
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
