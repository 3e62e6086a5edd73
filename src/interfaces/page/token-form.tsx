/** Asks for the token. */
import { useState } from 'preact/hooks';
import { setToken } from './base/token.ts';

export function TokenForm() {
  const [text, setText] = useState('');
  return (
    <main class="welcome">
      <h1>Your token</h1>
      <p>
        Open the address that <code>npm start</code> or <code>bobbin serve</code> has printed, or paste its token. It is
        also in the file <code>http-token</code> of the data folder. A token that is no longer accepted is forgotten.
      </p>
      <form
        class="card"
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
