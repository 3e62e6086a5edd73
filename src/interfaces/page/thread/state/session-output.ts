/** What commands that were left running have written lately. Pure. */
import type { PartialEvent, ThreadEvent } from '../../../../contract/index.ts';
import { grow } from '../../../running-steps.ts';

export interface SessionOutput {
  sessionId: number;
  /** Foreign text; empty if the beginning of the session is not here. */
  command: string;
  /** The end of its output. */
  tail: string;
  /** Characters of all of it. */
  chars: number;
}

type Outputs = readonly SessionOutput[];

export function noteSessions(outputs: Outputs, event: ThreadEvent | PartialEvent): Outputs {
  if (event.type === 'item/commandSession/outputDelta')
    return put(outputs, grow(outputOf(outputs, event.sessionId), event));
  if ((event.type !== 'item/started' && event.type !== 'item/completed') || event.item.type !== 'commandSession')
    return outputs;
  const { sessionId, command, continuesAs } = event.item;
  // One that began before may continue as this item.
  if (event.type === 'item/started') return put(outputs, { ...outputOf(outputs, sessionId), command });
  return continuesAs === undefined ? outputs.filter((one) => one.sessionId !== sessionId) : outputs;
}

function outputOf(outputs: Outputs, sessionId: number): SessionOutput {
  return outputs.find((one) => one.sessionId === sessionId) ?? { sessionId, command: '', tail: '', chars: 0 };
}

function put(outputs: Outputs, output: SessionOutput): Outputs {
  const at = outputs.findIndex(({ sessionId }) => sessionId === output.sessionId);
  return at < 0 ? [...outputs, output] : outputs.with(at, output);
}
