import { describe, expect, it } from 'vitest';
import { everyRequest } from '../../test-every-type.ts';
import { toWaitingFor } from './waiting-words.ts';

describe('what a thread waits for', () => {
  it('is the oldest open request that nobody has answered, and how many more there are', () => {
    const [first, ...others] = everyRequest('x').map((request) => ({ ...request, origin: null }));
    if (first === undefined) throw new Error('there is one of each type');
    const command = { ...first, type: 'commandExecution' as const, command: 'make' } as typeof first;
    const openRequests = [command, ...others];
    expect(toWaitingFor({ openRequests, activeTurn: null })).toEqual({
      who: 'person',
      what: `command: make (+${others.length} more)`,
    });
    const origin = { threadId: 'below', path: ['below'], requestId: 'req_1', answered: true };
    expect(toWaitingFor({ openRequests: [{ ...command, origin }], activeTurn: null })).toBeNull();
  });

  it('is Bobbin if the turn cannot go on, and nothing while it works', () => {
    const turn = { turnId: 't', kind: 'regular' as const, startedAt: 0 };
    const waiting = (phase: Parameters<typeof toWaitingFor>[0]['activeTurn'] & object) =>
      toWaitingFor({ openRequests: [], activeTurn: phase });
    expect(waiting({ ...turn, phase: { type: 'waitingForBudget' } })).toEqual({
      who: 'bobbin',
      what: 'budget of a thread above',
    });
    expect(waiting({ ...turn, phase: { type: 'callingModel', step: 1 } })).toBeNull();
  });
});
