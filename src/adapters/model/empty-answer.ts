/** An answer that came to its end and has nothing that a turn can go on with or end with. It is asked for again. */
import type { ModelOutput } from '../../../activities/ports.ts';

export const NOTHING_IN_IT = 'answered without a message or a call';

export function isEmpty(output: readonly ModelOutput[]): boolean {
  return output.every(({ type }) => type === 'reasoning');
}
