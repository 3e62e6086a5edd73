/** Dismisses a finding with a reason, and takes that back. */
import { useState } from 'preact/hooks';
import type { LedgerFinding } from '../../../contract/index.ts';
import { ProblemNote, useAction } from '../base/action.tsx';
import { post } from '../base/api.ts';
import { useAllowed } from '../base/session.tsx';

interface Props {
  finding: LedgerFinding;
  targetId: string;
  onChange: () => void;
}

const WHY_CHARS = 2_000;

export function Decide({ finding: { findingId, state }, targetId, onChange }: Props) {
  const [why, setWhy] = useState<string | null>(null);
  const { run, isRunning, problem } = useAction();
  const path = `/v1/ledgers/${encodeURIComponent(targetId)}/findings/${encodeURIComponent(findingId)}`;
  const mayDrive = useAllowed('drive');
  if (!mayDrive || state === 'fixed') return null;
  // Somebody else may have decided meanwhile, so the newest state is read in any case.
  const send = (verb: string, body: object): void =>
    void run(async () => {
      await post(`${path}/${verb}`, body).finally(onChange);
      setWhy(null);
    });
  if (state === 'dismissed')
    return (
      <div class="buttons">
        <ProblemNote problem={problem} />
        <button type="button" disabled={isRunning} onClick={() => send('reopen', {})}>
          Reopen
        </button>
      </div>
    );
  if (why === null)
    return (
      <div class="buttons">
        <button type="button" onClick={() => setWhy('')}>
          Dismiss …
        </button>
      </div>
    );
  return (
    <form
      class="decide"
      onSubmit={(event) => {
        event.preventDefault();
        if (why.trim() !== '') send('dismiss', { why });
      }}
    >
      <label for={`why-${findingId}`}>Why it does not count</label>
      <input
        id={`why-${findingId}`}
        ref={(input) => {
          if (why === '') input?.focus();
        }}
        maxLength={WHY_CHARS}
        autocomplete="off"
        placeholder="only reachable in tests"
        value={why}
        onInput={({ currentTarget }) => setWhy(currentTarget.value)}
      />
      <ProblemNote problem={problem} />
      <div class="buttons">
        <button type="submit" class="decline" disabled={isRunning || why.trim() === ''}>
          Dismiss
        </button>
        <button type="button" onClick={() => setWhy(null)}>
          Keep it
        </button>
      </div>
    </form>
  );
}
