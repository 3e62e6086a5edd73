import { describe, expect, it } from 'vitest';
import type { ThreadEvent, ThreadView, TurnCompletion } from '../../contract/index.ts';
import type { ThreadHandle } from './thread-handle.ts';
import { readTurn } from './turn-state.ts';

type Told = Partial<ThreadEvent> & Pick<ThreadEvent, 'type'>;

const STEERED: Told = { type: 'turn/steered', turnId: 'first', steerTurnId: 'mine' };
const completed = (turnId: string): Told => ({
  type: 'turn/completed',
  turn: { turnId, status: 'completed' } as TurnCompletion,
});
const OTHER: Told = { type: 'warning', message: 'nothing' };

/** @param active the turn that is active */
function threadWith(told: Told[], active: string | null = null): ThreadHandle {
  const all = told.map((event, index) => ({ seq: index + 1, at: 0, ...event }) as ThreadEvent);
  const activeTurn = active === null ? null : { turnId: active, phase: { type: 'working' }, startedAt: 7 };
  const view = { activeTurn, queuedTurns: [], openRequests: [], besideTurns: [], lastSeq: all.length };
  return {
    threadId: 'fix-it',
    view: () => Promise.resolve(view as unknown as ThreadView),
    // eslint-disable-next-line @typescript-eslint/require-await
    async *events({ after }: { after: number }) {
      yield* all.slice(after);
    },
  } as unknown as ThreadHandle;
}

describe('the state of a turn that has steered another one', () => {
  it('is that of the other one while it works', async () => {
    expect(await readTurn(threadWith([OTHER, STEERED, OTHER], 'first'), 'mine')).toMatchObject({
      status: 'working',
      turnId: 'first',
      startedAt: 7,
    });
  });

  it.each([0, 1, 250, 2_000])('is the end of the other one, %i events later', async (count) => {
    const between = Array.from({ length: count }, () => OTHER);
    const events = [OTHER, STEERED, ...between, completed('first'), ...between, completed('next')];
    expect(await readTurn(threadWith(events), 'mine')).toMatchObject({
      status: 'ended',
      turn: { turnId: 'first' },
      seq: count + 3,
    });
  });

  it('is not that of a turn which another one steered', async () => {
    const events = [{ ...STEERED, steerTurnId: 'theirs' } as Told, completed('first')];
    expect(await readTurn(threadWith(events), 'mine')).toEqual({ status: 'unknown' });
  });
});
