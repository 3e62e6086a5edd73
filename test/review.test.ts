/** Reviews, on the real service. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Stand, eventsSoFar, openStand } from './stand.ts';

let stand: Stand;
beforeAll(async () => {
  stand = await openStand({ requireAssertion: true });
});
afterAll(() => stand.close());

describe('a review of uncommitted changes', () => {
  it('finds what was added, and is entered and left in the thread that asked for it', async () => {
    const thread = await stand.start();
    writeFileSync(join(stand.cwd, 'new.ts'), 'a\n// TODO this\nconsole.log(1)\n');
    await thread.submit({ turnId: 'r', kind: 'review', review: { target: { type: 'uncommittedChanges' } } });
    expect(await thread.completion('r')).toMatchObject({ status: 'completed', kind: 'review' });
    const items = (await eventsSoFar(thread)).flatMap((event) => (event.type === 'item/completed' ? [event.item] : []));
    expect(items).toMatchObject([
      { type: 'enteredReviewMode', review: 'current changes' },
      {
        type: 'exitedReviewMode',
        reviewOutput: {
          findings: [
            { priority: 2, codeLocation: { path: 'new.ts', lineRange: { start: 2, end: 2 }, inDiff: true } },
            { priority: 3, codeLocation: { path: 'new.ts', lineRange: { start: 3, end: 3 }, inDiff: true } },
          ],
        },
      },
    ]);
  });
});
