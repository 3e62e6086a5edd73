/** The prompt. A text that was not sent stays in it, and is the same turn when it is sent again. */
import { useRef, useState } from 'preact/hooks';
import type { OnBusy, Overrides, ThreadView } from '../../../contract/index.ts';
import { CONVERSATION } from '../../../contract/plain/turn-kinds.ts';
import { toInputText } from '../../../contract/plain/images/image-types.ts';
import { ProblemNote, useAction } from '../base/action.tsx';
import { newId, post, threadPath } from '../base/api.ts';
import { AttachedImages, useAttached } from './attached.tsx';
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
  const sending = useAction();
  const interrupting = useAction();
  const turnId = useRef(newId());
  const attached = useAttached(() => {
    turnId.current = newId();
  });
  const isEmpty = draft.trim() === '' && attached.images.length === 0;

  const send = async (): Promise<void> => {
    if (isEmpty || attached.isRunning) return;
    const input = [...(draft.trim() === '' ? [] : [{ type: 'text', text: draft }]), ...attached.images];
    const overrides = Object.keys(changed).length === 0 ? {} : { overrides: changed };
    // A person may go on while it is sent, which is another turn then.
    const id = turnId.current;
    await post(threadPath(threadId, '/turns'), { turnId: id, kind: CONVERSATION, input, onBusy, ...overrides });
    setChanged((now) => (now === changed ? {} : now));
    const text = draft.trim() === '' ? toInputText(attached.images) : draft;
    take({ type: 'sent', prompt: { turnId: id, text }, draft });
    attached.remove(attached.images);
    turnId.current = newId();
  };
  /** Files that a person pastes or drops; text stays what it is. */
  const takeFiles = (event: Event, transfer: DataTransfer | null): void => {
    const files = [...(transfer?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    attached.add(files);
  };
  const interrupt = async (): Promise<void> => {
    await post(threadPath(threadId, '/interrupt'), activeTurnId === null ? {} : { turnId: activeTurnId });
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        void sending.run(send);
      }}
    >
      <ProblemNote
        problem={sending.problem === null ? null : `Not sent: ${sending.problem} Your text is kept; send it again.`}
      />
      <ProblemNote problem={interrupting.problem === null ? null : `Not interrupted: ${interrupting.problem}`} />
      <div class="line">
        <label for="prompt">Prompt</label>
        <span id="prompt-keys" class="facts">
          Enter sends, Shift+Enter begins a new line
        </span>
      </div>
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
        onPaste={(event) => takeFiles(event, event.clipboardData)}
        onDragOver={(event) => {
          if (event.dataTransfer?.types.includes('Files') === true) event.preventDefault();
        }}
        onDrop={(event) => takeFiles(event, event.dataTransfer)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          void sending.run(send);
        }}
      />
      <AttachedImages attached={attached} />
      <div class="buttons">
        <OverridesForm
          settings={settings}
          changed={changed}
          onChange={(next) => {
            turnId.current = newId();
            setChanged(next);
          }}
        />
        {activeTurnId !== null && (
          <>
            <label>
              While the agent works{' '}
              <select value={onBusy} onChange={({ currentTarget }) => setOnBusy(currentTarget.value as OnBusy)}>
                <option value="steer">add it to the turn</option>
                <option value="queue">queue it</option>
              </select>
            </label>
            <button
              type="button"
              class="decline"
              disabled={interrupting.isRunning}
              onClick={() => void interrupting.run(interrupt)}
            >
              Interrupt
            </button>
          </>
        )}
        {activeTurnId === null && view.sessions !== undefined && (
          <button
            type="button"
            class="decline"
            disabled={interrupting.isRunning}
            onClick={() => void interrupting.run(interrupt)}
          >
            End what was left running
          </button>
        )}
        <button type="submit" class="approve" disabled={sending.isRunning || attached.isRunning || isEmpty}>
          Send
        </button>
      </div>
    </form>
  );
}
