/** The page: a list of threads, and one of them. */
import { useEffect, useState } from 'preact/hooks';
import { threadOf } from './base/address.ts';
import { SessionContext, useReadSession } from './base/session.tsx';
import { NewThread } from './list/new-thread.tsx';
import { ThreadList } from './list/thread-list.tsx';
import { ThreadPage } from './thread/thread-page.tsx';
import { getToken, onTokenChange, setToken, takeToken } from './base/token.ts';

export function App() {
  const [token, noteToken] = useState(getToken);
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    onTokenChange(() => noteToken(getToken()));
    const follow = (): void => {
      takeToken();
      setHash(location.hash);
    };
    window.addEventListener('hashchange', follow);
    return () => window.removeEventListener('hashchange', follow);
  }, []);
  const threadId = threadOf(hash);
  useEffect(() => {
    if (threadId === null) document.title = 'Bobbin';
  }, [threadId]);
  return (
    <>
      <header>
        <a href="#/">Bobbin</a>
        <a href="/docs">HTTP API</a>
      </header>
      {token === null ? <TokenForm /> : <Inside key={token} threadId={threadId} />}
    </>
  );
}

function Inside({ threadId }: { threadId: string | null }) {
  return (
    <SessionContext.Provider value={useReadSession()}>
      <div class={threadId === null ? 'panes' : 'panes open'}>
        <ThreadList current={threadId} />
        {threadId === null ? <Welcome /> : <ThreadPage key={threadId} threadId={threadId} />}
      </div>
    </SessionContext.Provider>
  );
}

function Welcome() {
  return (
    <main class="welcome">
      <h1>Threads</h1>
      <p>Choose a thread. Those that wait for you come first.</p>
      <NewThread />
    </main>
  );
}

function TokenForm() {
  const [text, setText] = useState('');
  return (
    <main class="token">
      <h1>Your token</h1>
      <p>
        Open the address that <code>bobbin serve</code> has printed, or paste its token. It is also in the file{' '}
        <code>http-token</code> of the data folder. A token that is no longer accepted is forgotten.
      </p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const token = text.trim().replace(/^.*#token=/, '');
          if (token !== '') setToken(token);
        }}
      >
        <label for="token">Token</label>
        <input
          id="token"
          type="password"
          autocomplete="off"
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
        <button type="submit" class="approve">
          Use it
        </button>
      </form>
    </main>
  );
}
