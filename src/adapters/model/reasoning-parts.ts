/** Passes on the parts of a summary of reasoning as one text. */
import type { AnswerListeners } from '../../../activities/ports.ts';

/** Takes the name of a part, and a piece of it. */
export function createReasoningListener({ onReasoning }: AnswerListeners): (part: string, delta: string) => void {
  let last: string | undefined;
  return (part, delta) => {
    if (delta === '') return;
    const gap = last === undefined || last === part ? '' : '\n\n';
    last = part;
    onReasoning?.(`${gap}${delta}`);
  };
}
