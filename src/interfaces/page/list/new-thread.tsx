/** Starts a thread in a folder of the worker's machine. */
import { useRef, useState } from 'preact/hooks';
import { ProblemNote, useAction } from '../base/action.tsx';
import { threadAddress } from '../base/address.ts';
import { newId, post } from '../base/api.ts';

export function NewThread() {
  const [cwd, setCwd] = useState('');
  const [title, setTitle] = useState('');
  const { run, isRunning, problem } = useAction();
  // Sent twice, it is one thread.
  const threadId = useRef(`page-${newId()}`);
  const start = (event: Event): void => {
    event.preventDefault();
    void run(async () => {
      await post('/v1/threads', { threadId: threadId.current, title, workspace: { cwd } });
      location.hash = threadAddress(threadId.current);
    });
  };
  return (
    <form class="card" aria-label="New thread" onSubmit={start}>
      <h2>New thread</h2>
      <label for="folder">Folder on the worker's machine</label>
      <input
        id="folder"
        required
        autocomplete="off"
        spellcheck={false}
        placeholder="/home/me/repository"
        value={cwd}
        onInput={({ currentTarget }) => setCwd(currentTarget.value)}
      />
      <label for="title">Title (optional)</label>
      <input
        id="title"
        autocomplete="off"
        value={title}
        onInput={({ currentTarget }) => setTitle(currentTarget.value)}
      />
      <ProblemNote problem={problem} />
      <button type="submit" class="approve" disabled={isRunning}>
        Start
      </button>
    </form>
  );
}
