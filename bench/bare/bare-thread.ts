/** Drives one bare workflow; waits for the end of a turn as Bobbin's client does, by long poll and then a query. */
import { randomUUID } from 'node:crypto';
import { toBobbinError } from '../../src/client/errors.ts';
import { type HistoryChanges, watchHistory } from '../../src/client/threads/history-changes.ts';
import type { Service } from '../../src/client/service.ts';
import type { SubmitTurn } from '../../src/contract/index.ts';
import { type Span, now } from '../clock.ts';
import { endedQuery, turnSignal } from './messages.ts';
import type { bare } from './workflow.ts';

export interface BareThread {
  workflowId: string;
  /** From before the signal until the client has seen the end. */
  turn(turn: SubmitTurn): Promise<Span>;
  close(): Promise<void>;
}

export async function startBareThread(service: Service): Promise<BareThread> {
  const { client, taskQueue } = service;
  const workflowId = `bare/${randomUUID()}`;
  const handle = await client.workflow.start<typeof bare>('bare', { workflowId, taskQueue, args: [0] });
  const stop = new AbortController();
  const changes: HistoryChanges = watchHistory(service, workflowId, stop.signal);
  let wanted = 0;

  const ended = async (): Promise<void> => {
    for (;;) {
      await changes.next();
      if ((await askUntilAnswered()) >= wanted) return;
    }
  };
  // As Bobbin's client: what may pass by itself is asked again.
  const askUntilAnswered = async (): Promise<number> => {
    for (;;) {
      try {
        return await service.within(() => handle.query(endedQuery));
      } catch (error) {
        const { code } = toBobbinError(error, { threadId: workflowId, action: 'query' });
        if (code !== 'workerUnavailable' && code !== 'serviceUnavailable') throw error;
      }
    }
  };
  return {
    workflowId,
    async turn(turn) {
      wanted += 1;
      const seen = ended();
      const start = now();
      await service.within(() => handle.signal(turnSignal, turn));
      await seen;
      return { start, end: now() };
    },
    async close() {
      stop.abort();
      await handle.terminate('the bench is done with it');
    },
  };
}
