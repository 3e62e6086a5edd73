/** Starts a thread in a folder of the worker's machine. */
import { useRef, useState } from 'preact/hooks';
import { threadAddress } from '../base/address.ts';
import { newId, post, toProblemWords } from '../base/api.ts';
import { Inline } from '../base/text.tsx';

export function NewThread() {
  const [cwd, setCwd] = useState('');
  const [title, setTitle] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  // Sent twice, it is one thread.
  const threadId = useRef(`page-${newId()}`);
  const start = async (event: Event): Promise<void> => {
    event.preventDefault();
    try {
      await post('/v1/threads', { threadId: threadId.current, title, workspace: { cwd } });
      location.hash = threadAddress(threadId.current);
    } catch (error) {
      setProblem(toProblemWords(error));
    }
  };
  return (
    <details>
      <summary>New thread</summary>
      <form onSubmit={(event) => void start(event)}>
        <label for="folder">Folder</label>
        <input
          id="folder"
          required
          placeholder="/home/me/repository"
          value={cwd}
          onInput={({ currentTarget }) => setCwd(currentTarget.value)}
        />
        <label for="title">Title</label>
        <input id="title" value={title} onInput={({ currentTarget }) => setTitle(currentTarget.value)} />
        {problem !== null && (
          <p class="note error" role="alert">
            <Inline text={problem} />
          </p>
        )}
        <button type="submit" class="approve">
          Start
        </button>
      </form>
    </details>
  );
}
