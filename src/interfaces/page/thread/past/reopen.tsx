/** Opens a closed thread again. */
import { ProblemNote, useAction } from '../../base/action.tsx';
import { post, threadPath } from '../../base/api.ts';

export function Reopen({ threadId }: { threadId: string }) {
  const { run, isRunning, problem } = useAction();
  const reopen = async (): Promise<void> => {
    await post(threadPath(threadId, '/resume'));
    location.reload();
  };
  return (
    <>
      <button type="button" disabled={isRunning} onClick={() => void run(reopen)}>
        Open it again
      </button>
      <ProblemNote problem={problem} />
    </>
  );
}
