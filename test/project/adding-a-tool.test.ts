/** What `docs/adding-a-tool.md` says, done to a copy of the sources: a model uses the tool. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { itemsOf } from '../environment.ts';
import { TOOL_FILES, TOOL_LINES } from './added-tool.ts';
import { type ChangedCopy, openChangedCopy } from './changed-copy.ts';

let copy: ChangedCopy;
beforeAll(async () => (copy = await openChangedCopy(TOOL_FILES, TOOL_LINES)));
afterAll(() => copy.close());

test('a tool is three files, and lines in two others', () => {
  expect(Object.keys(TOOL_FILES)).toHaveLength(3);
  expect(new Set(TOOL_LINES.map(([file]) => file)).size).toBe(2);
});

test('a model calls the tool and is told the result, or what is wrong with its arguments', async () => {
  const thread = await copy.environment.start();
  const input = [{ type: 'text' as const, text: 'call: roll_dice {"sides": 6}\ncall: roll_dice {"sides": 1}' }];
  await thread.submit({ turnId: 'roll', kind: 'regular', input });
  expect(await thread.completion('roll')).toMatchObject({
    status: 'completed',
    lastAgentMessage: expect.stringMatching(/[1-6] is on top\.[^]*must be a whole number from 2 to 1000/) as string,
  });
  expect(await itemsOf(thread, 'dynamicToolCall')).toMatchObject([
    {
      status: 'completed',
      call: { name: 'roll_dice' },
      output: expect.stringMatching(/^[1-6] is on top\.$/) as string,
    },
    { status: 'failed', output: 'roll_dice: `sides` must be a whole number from 2 to 1000.' },
  ]);
});
