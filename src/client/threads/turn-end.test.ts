import { expect, it } from 'vitest';
import type { ThreadEvent, TurnCompletion } from '../../contract/index.ts';
import { createTurnFollower } from './turn-end.ts';

type Told = Partial<ThreadEvent> & Pick<ThreadEvent, 'type'>;

const rejected = (id: string): Told => ({
  type: 'message/rejected',
  message: 'submitTurn',
  code: 'threadBusy',
  reason: 'it is busy',
  id,
});
const started = (turnId: string): Told => ({ type: 'turn/started', turnId, kind: 'regular', besideTurnId: null });
const completed = (turnId: string): Told => ({ type: 'turn/completed', turn: { turnId } as TurnCompletion });

/** The id of the turn whose end is found, or the reason; null if there is neither. */
async function follow(events: Told[], lastSeq = events.length): Promise<string | null> {
  const endOf = createTurnFollower({ threadId: 't', view: () => Promise.resolve({ lastSeq }) }, 'mine');
  try {
    for (const [index, event] of events.entries()) {
      const end = await endOf({ seq: index + 1, at: 0, ...event } as ThreadEvent);
      if (end !== null) return end.turnId;
    }
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

const REFUSED = 'Thread t refused turn mine: it is busy';

it('is the terminal event of the turn', async () => {
  expect(await follow([started('mine'), completed('other'), completed('mine')])).toBe('mine');
});

it('is that of the turn which it steered', async () => {
  const steered: Told = { type: 'turn/steered', turnId: 'active', steerTurnId: 'mine' };
  expect(await follow([completed('other'), steered, completed('active')])).toBe('active');
});

it('is the reason for which the thread has refused it', async () => {
  expect(await follow([rejected('other'), rejected('mine')])).toBe(REFUSED);
  expect(await follow([{ ...rejected('mine'), message: 'steerTurn' } as Told])).toBeNull();
});

it('is not a refusal after which the same id was submitted again', async () => {
  expect(await follow([rejected('mine'), started('mine'), completed('mine')])).toBe('mine');
  expect(await follow([rejected('mine'), completed('other'), started('other')])).toBe(REFUSED);
});
