import { afterEach, expect, it, vi } from 'vitest';
import type { Bobbin, ThreadHandle } from '../../../client/index.ts';
import type { ThreadEvent } from '../../../contract/index.ts';
import { followTurn } from '../../mcp/follow-turn.ts';
import { EXIT } from '../exit-codes.ts';
import { createOutput } from '../text/output.ts';
import { submitAndWait } from './submit-and-wait.ts';

const PAST = [
  { seq: 1, at: 0, type: 'turn/started', turnId: 'first', kind: 'regular', besideTurnId: null },
  { seq: 2, at: 0, type: 'turn/steered', turnId: 'first', steerTurnId: 'mine' },
] as ThreadEvent[];
const END = {
  ...{ seq: 3, at: 0, type: 'turn/completed' },
  turn: { turnId: 'first', status: 'completed', durationMs: 0, usage: { totalTokens: 0, costMicroUsd: 0 } },
} as ThreadEvent;

afterEach(() => vi.restoreAllMocks());

/** Its turn `first`, which `mine` has steered, ends once its events after those are read. */
function threadAtWork(): ThreadHandle {
  let ended = false;
  const view = () => ({
    ...{ activeTurn: ended ? null : { turnId: 'first', phase: { type: 'working' }, startedAt: 1 } },
    ...{ queuedTurns: [], openRequests: [], besideTurns: [], lastSeq: ended ? 3 : 2 },
  });
  return {
    threadId: 'fix-it',
    view: () => Promise.resolve(view()),
    submit: () => Promise.resolve(),
    // eslint-disable-next-line @typescript-eslint/require-await
    async *events({ after }: { after: number }) {
      if (after === 2) ended = true;
      yield* [...PAST, END].slice(after);
    },
  } as unknown as ThreadHandle;
}

it('waits for the end of the turn that was steered, if it is sent again', async () => {
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const turn = { turnId: 'mine', kind: 'regular' as const, onBusy: 'steer' as const, input: [] };
  const sent = submitAndWait({} as Bobbin, createOutput({ json: true }), threadAtWork(), 'mine', turn);
  expect(await sent).toBe(EXIT.ok);
});

it('and so does the tool of an agent', async () => {
  const patience = { signal: new AbortController().signal, waitMs: 60_000, onProgress: () => undefined };
  expect(await followTurn(threadAtWork(), 'mine', patience)).toMatchObject({
    status: 'ended',
    turn: { turnId: 'first' },
  });
});
