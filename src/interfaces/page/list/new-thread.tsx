/** Starts a thread in a folder that a host has, or in a repository that a host fetches. */
import type { InputHTMLAttributes } from 'preact';
import { useState } from 'preact/hooks';
import { ProblemNote, useAction } from '../base/action.tsx';
import { threadAddress } from '../base/address.ts';
import { post } from '../base/api.ts';
import { useFormId } from '../base/form-id.ts';

type Name = 'cwd' | 'repository' | 'ref' | 'path' | 'host' | 'title';

const OF = {
  folder: ['cwd', 'host'],
  repository: ['repository', 'ref', 'path', 'host'],
} as const satisfies Record<string, readonly Name[]>;

export function NewThread() {
  const [kind, setKind] = useState<keyof typeof OF>('folder');
  const [words, setWords] = useState<Partial<Record<Name, string>>>({});
  const { run, isRunning, problem } = useAction();
  const threadId = useFormId([kind, words]);
  const start = (event: Event): void => {
    event.preventDefault();
    const named = OF[kind].flatMap((name) => (words[name] ? [[name, words[name]]] : []));
    const workspace = Object.fromEntries(named) as object;
    void run(async () => {
      // A person may change the form while it is sent.
      const id = threadId.current();
      await post('/v1/threads', { threadId: id, title: words.title ?? '', workspace });
      location.hash = threadAddress(id);
    });
  };
  const field = (name: Name, label: string, more: InputHTMLAttributes = {}) => (
    <>
      <label for={name}>{label}</label>
      <input
        id={name}
        autocomplete="off"
        spellcheck={false}
        value={words[name] ?? ''}
        onInput={({ currentTarget: { value } }) => setWords((before) => ({ ...before, [name]: value }))}
        {...more}
      />
    </>
  );
  return (
    <form class="card" aria-label="New thread" onSubmit={start}>
      <h2>New thread</h2>
      <label for="kind">Works in</label>
      <select
        id="kind"
        value={kind}
        onChange={({ currentTarget }) => setKind(currentTarget.value === 'folder' ? 'folder' : 'repository')}
      >
        <option value="folder">a folder of a host</option>
        <option value="repository">a repository that a host fetches</option>
      </select>
      {kind === 'folder' ? (
        field('cwd', "Folder on the worker's machine", { required: true, placeholder: '/home/me/repository' })
      ) : (
        <>
          {field('repository', 'Repository', { required: true, placeholder: 'https://git.example.com/team/shop.git' })}
          {field('ref', 'Branch, tag or commit (optional)')}
          {field('path', 'Path in it (optional)')}
        </>
      )}
      {field('host', 'Host (optional)')}
      {field('title', 'Title (optional)', { spellcheck: true })}
      <ProblemNote problem={problem} />
      <button type="submit" class="approve" disabled={isRunning}>
        Start
      </button>
    </form>
  );
}
