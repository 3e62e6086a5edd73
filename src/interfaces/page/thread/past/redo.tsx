/** Reverses the newest undo. */
import { useRef } from 'preact/hooks';
import { ProblemNote, useAction } from '../../base/action.tsx';
import { newId, post, threadPath } from '../../base/api.ts';

export function Redo({ threadId }: { threadId: string }) {
  const { run, isRunning, problem } = useAction();
  const turnId = useRef(newId());
  const redo = async (): Promise<void> => {
    await post(threadPath(threadId, '/redo'), { turnId: turnId.current });
  };
  return (
    <>
      <button type="button" disabled={isRunning} onClick={() => void run(redo)}>
        Redo
      </button>
      <ProblemNote problem={problem} />
    </>
  );
}
