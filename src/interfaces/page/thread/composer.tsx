/** The prompt. A text that was not sent stays in it, and is the same turn when it is sent again. */
import { useRef, useState } from 'preact/hooks';
import type { OnBusy } from '../../../contract/index.ts';
import { CONVERSATION } from '../../../contract/plain/turn-kinds.ts';
import { newId, post, threadPath, toProblemWords } from '../base/api.ts';
import { Inline } from '../base/text.tsx';
import type { Input } from './thread-state.ts';

interface Props {
  threadId: string;
  draft: string;
  /** The turn that is active. */
  activeTurnId: string | null;
  take: (input: Input) => void;
}

export function Composer({ threadId, draft, activeTurnId, take }: Props) {
  const [onBusy, setOnBusy] = useState<OnBusy>('steer');
  const [problem, setProblem] = useState<string | null>(null);
  const [isSending, setSending] = useState(false);
  const turnId = useRef(newId());

  const send = async (): Promise<void> => {
    if (draft.trim() === '' || isSending) return;
    setSending(true);
    try {
      const input = [{ type: 'text', text: draft }];
      await post(threadPath(threadId, '/turns'), { turnId: turnId.current, kind: CONVERSATION, input, onBusy });
      take({ type: 'sent', prompt: { turnId: turnId.current, text: draft } });
      turnId.current = newId();
      setProblem(null);
    } catch (error) {
      setProblem(`Not sent: ${toProblemWords(error)} Your text is kept; send it again.`);
    }
    setSending(false);
  };
  const interrupt = async (): Promise<void> => {
    try {
      await post(threadPath(threadId, '/interrupt'), activeTurnId === null ? {} : { turnId: activeTurnId });
      setProblem(null);
    } catch (error) {
      setProblem(`Not interrupted: ${toProblemWords(error)}`);
    }
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      {problem !== null && (
        <p class="note error" role="alert">
          <Inline text={problem} />
        </p>
      )}
      <label for="prompt">Prompt</label>
      <textarea
        id="prompt"
        rows={3}
        dir="auto"
        value={draft}
        aria-describedby="prompt-keys"
        onInput={({ currentTarget }) => {
          turnId.current = newId();
          take({ type: 'draft', text: currentTarget.value });
        }}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          void send();
        }}
      />
      <div class="buttons">
        <span id="prompt-keys" class="facts">
          Enter sends, Shift+Enter begins a new line
        </span>
        {activeTurnId !== null && (
          <>
            <label>
              While the agent works{' '}
              <select value={onBusy} onChange={({ currentTarget }) => setOnBusy(currentTarget.value as OnBusy)}>
                <option value="steer">add it to the turn</option>
                <option value="queue">queue it</option>
              </select>
            </label>
            <button type="button" class="decline" onClick={() => void interrupt()}>
              Interrupt
            </button>
          </>
        )}
        <button type="submit" class="approve" disabled={isSending || draft.trim() === ''}>
          Send
        </button>
      </div>
    </form>
  );
}
