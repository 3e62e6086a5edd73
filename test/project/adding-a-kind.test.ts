/** What `docs/adding-a-task-kind.md` says, done to a copy of the sources: it serves turns of the kind. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitForEvent } from '../environment.ts';
import { KIND_FILES, KIND_LINES } from './added-kind.ts';
import { type ChangedCopy, openChangedCopy } from './changed-copy.ts';

let copy: ChangedCopy;
beforeAll(async () => (copy = await openChangedCopy(KIND_FILES, KIND_LINES)));
afterAll(() => copy.close());

test('a turn of the kind runs, and one without words is refused', async () => {
  const thread = await copy.environment.start();
  const { workflow } = copy.environment.bobbin.service.client;
  const raw = workflow.getHandle(thread.workflowId);
  const input = [{ type: 'text', text: 'README.md' }];
  await raw.signal('submitTurn', { turnId: 'count', kind: 'count_lines', input });
  expect(await thread.completion('count')).toMatchObject({ status: 'completed', lastAgentMessage: '1 lines' });
  await raw.signal('submitTurn', { turnId: 'wordless', kind: 'count_lines' });
  expect(await waitForEvent(thread, 'message/rejected')).toMatchObject({ code: 'malformed', id: 'wordless' });
});
