import { describe, expect, it } from 'vitest';
import type { ThreadRequest } from '../../src/contract/index.ts';
import { toCurrentDetails } from './current-details.ts';
import { toSearchValues } from './search-values.ts';
import { newThreadState } from './state.ts';
import { SETTINGS } from './testing.ts';

const STATE = newThreadState('t1', SETTINGS, 1_700_000_000_000);

function asking(more: Partial<ThreadRequest> = {}): ThreadRequest {
  return {
    type: 'userInput',
    requestId: 'req_1',
    turnId: 'turn-1',
    itemId: 'item_1',
    openedAt: 1_700_000_000_000,
    deadlineAt: null,
    default: 'decline',
    reason: 'It asks.\nsecond line',
    origin: null,
    questions: [{ id: "it's a name", header: '', question: 'Which `one`?', options: [] }],
    ...more,
  } as ThreadRequest;
}

describe('the details of a thread', () => {
  it('show a question with the command that answers it, quoted for a shell', () => {
    const details = toCurrentDetails({ ...STATE, requests: [asking()] });
    expect(details).toContain("question `it's a name`: `Which 'one'?`");
    expect(details).toContain(`\`bobbin thread approve t1 req_1 --answer 'it'\\''s a name=TEXT'\``);
    expect(details).toContain(
      '`{"requestId":"req_1","decision":"accept","answers":{"it\'s a name":{"answers":["TEXT"]}}}`',
    );
    expect(details).toContain('since 2023-11-14 22:13:20 UTC: `It asks.`');
  });

  it('are bounded, whatever there is to show', () => {
    const questions = Array.from({ length: 60 }, (_, n) => ({
      ...{ id: `${n}${'i'.repeat(300)}`, header: '', options: [] },
      question: '?'.repeat(5_000),
    }));
    const requests = Array.from({ length: 90 }, (_, n) => asking({ requestId: `req_${n}`, questions }));
    expect(toCurrentDetails({ ...STATE, requests }).length).toBeLessThanOrEqual(20_000);
    const few = Array.from({ length: 12 }, (_, n) => asking({ requestId: `req_${n}` }));
    expect(toCurrentDetails({ ...STATE, requests: few })).toContain('- and 4 more');
  });

  it('do not fail over a request that somebody has made up', () => {
    const madeUp = [{ openedAt: 1e300 }, { reason: 7 }, { questions: null }, { deadlineAt: 'soon' }];
    for (const more of madeUp) {
      const details = toCurrentDetails({ ...STATE, requests: [asking(more as object)] });
      expect(details).toMatch(/^\*\*idle\*\*; the rest cannot be shown: `/);
    }
  });

  it('do not count a request as waiting that has been answered further down', () => {
    const origin = { threadId: 't2', path: ['t2'], requestId: 'req_1', answered: false };
    const waits = (requests: ThreadRequest[]) => toSearchValues({ ...STATE, requests }).BobbinWaitsForPerson;
    expect(waits([])).toBe(false);
    expect(waits([asking({ origin })])).toBe(true);
    expect(waits([asking({ origin: { ...origin, answered: true } })])).toBe(false);
  });
});
