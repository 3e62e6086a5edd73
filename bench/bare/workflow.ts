/** What a turn costs on Temporal at least: one signal and one activity, with no agent around them. */
import { condition, continueAsNew, proxyActivities, setHandler, workflowInfo } from '@temporalio/workflow';
import type { SubmitTurn } from '../../src/contract/index.ts';
import type { BareActivities } from './activities.ts';
import { endedQuery, turnSignal } from './messages.ts';

const { runTurn } = proxyActivities<BareActivities>({ startToCloseTimeout: '30m', heartbeatTimeout: '5s' });

/** The length at which a Bobbin thread continues as new, too. */
const EVENTS_PER_RUN = 2_000;

/** @param ended turns that ended in earlier runs. */
export async function bare(ended = 0): Promise<void> {
  const waiting: SubmitTurn[] = [];
  setHandler(turnSignal, (turn) => {
    waiting.push(turn);
  });
  setHandler(endedQuery, () => ended);
  for (;;) {
    await condition(() => waiting.length > 0);
    const turn = waiting.shift();
    if (turn !== undefined) await runTurn(turn.turnId);
    ended += 1;
    if (workflowInfo().historyLength > EVENTS_PER_RUN && waiting.length === 0) await continueAsNew<typeof bare>(ended);
  }
}
