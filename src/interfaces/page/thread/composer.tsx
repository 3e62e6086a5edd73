/** The prompt. A text that was not sent stays in it, and is the same turn when it is sent again. */
import { useRef, useState } from 'preact/hooks';
import type { OnBusy, Overrides, ThreadView } from '../../../contract/index.ts';
import { CONVERSATION } from '../../../contract/plain/turn-kinds.ts';
import { newId, post, threadPath, toProblemWords } from '../base/api.ts';
import { Inline } from '../base/text.tsx';
import { OverridesForm } from './overrides.tsx';
import type { Input } from './state/thread-state.ts';

interface Props {
  view: ThreadView;
  draft: string;
  take: (input: Input) => void;
}

export function Composer({ view, draft, take }: Props) {
  const { threadId, settings } = view;
  const activeTurnId = view.activeTurn?.turnId ?? null;
  const [changed, setChanged] = useState<Overrides>({});
  const [onBusy, setOnBusy] = useState<OnBusy>('steer');
  const [problem, setProblem] = useState<string | null>(null);
  const [isSending, setSending] = useState(false);
  const turnId = useRef(newId());

  const send = async (): Promise<void> => {
    if (draft.trim() === '' || isSending) return;
    setSending(true);
    try {
      const input = [{ type: 'text', text: draft }];
      const overrides = Object.keys(changed).length === 0 ? {} : { overrides: changed };
      const submitted = { turnId: turnId.current, kind: CONVERSATION, input, onBusy, ...overrides };
      await post(threadPath(threadId, '/turns'), submitted);
      setChanged({});
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
        rows={2}
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
      <OverridesForm
        settings={settings}
        changed={changed}
        onChange={(next) => {
          turnId.current = newId();
          setChanged(next);
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
