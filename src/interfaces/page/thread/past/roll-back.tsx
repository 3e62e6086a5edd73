/** Removes the newest turns from the conversation. Files stay as they are. */
import { useState } from 'preact/hooks';
import { plural } from '../../../../contract/plain/plural.ts';
import { ProblemNote, useAction } from '../../base/action.tsx';
import { isLost, post, threadPath } from '../../base/api.ts';

export function RollBack({ threadId, onClose }: { threadId: string; onClose: () => void }) {
  const [numTurns, setNumTurns] = useState(1);
  const { run, isRunning, problem } = useAction();
  // Sent again, it would remove further turns.
  const [isUnknown, setUnknown] = useState(false);
  const rollBack = (event: Event): void => {
    event.preventDefault();
    void run(async () => {
      await post(threadPath(threadId, '/rollback'), { numTurns }).catch((error: unknown) => {
        setUnknown(isLost(error));
        throw error;
      });
      onClose();
    });
  };
  return (
    <form class="card" onSubmit={rollBack}>
      <p>
        Removes the newest turns from the conversation. The files stay as they are, and this cannot be reversed; an undo
        can.
      </p>
      <label for="turns">Turns to remove</label>
      <input
        id="turns"
        type="number"
        min={1}
        max={1_000}
        required
        value={numTurns}
        onInput={({ currentTarget }) => setNumTurns(currentTarget.valueAsNumber)}
      />
      <ProblemNote problem={problem} />
      {isUnknown && <p>The turns may be removed. Look at the conversation before you begin again.</p>}
      <div class="buttons">
        <button type="submit" class="decline" disabled={isRunning || isUnknown || !(numTurns >= 1)}>
          Remove {numTurns >= 1 ? plural(numTurns, 'turn') : 'turns'}
        </button>
        <button type="button" onClick={onClose}>
          Keep them
        </button>
      </div>
    </form>
  );
}
