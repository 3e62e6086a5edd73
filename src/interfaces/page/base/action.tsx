/** Something that a person sets off: it runs once at a time, and says why it failed. */
import { useRef, useState } from 'preact/hooks';
import { toProblemWords } from './api.ts';
import { Inline } from './text.tsx';

export interface Action {
  /** False if it failed, or if the one before still runs. */
  run: (work: () => Promise<void>) => Promise<boolean>;
  isRunning: boolean;
  problem: string | null;
}

export function useAction(): Action {
  const [isRunning, setRunning] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  // The state would be too late for a second click in the same moment.
  const running = useRef(false);
  const run = async (work: () => Promise<void>): Promise<boolean> => {
    if (running.current) return false;
    running.current = true;
    setRunning(true);
    setProblem(null);
    try {
      await work();
      return true;
    } catch (error) {
      setProblem(toProblemWords(error));
      return false;
    } finally {
      running.current = false;
      setRunning(false);
    }
  };
  return { run, isRunning, problem };
}

export function ProblemNote({ problem }: { problem: string | null }) {
  if (problem === null) return null;
  return (
    <p class="note error" role="alert">
      <Inline text={problem} />
    </p>
  );
}
