import { expect, it } from 'vitest';
import type { Bobbin, ThreadHandle } from '../../../client/index.ts';
import type { ThreadView } from '../../../contract/index.ts';
import { toTerminal } from '../text/terminal-text.ts';
import { runSlash } from './commands.ts';
import { begin, plain, viewOf } from './test-state.ts';

/** What `/threads` prints in thread t-1 when the service lists these. */
async function threadsIn(listed: string[]): Promise<string[]> {
  const found = listed.map((threadId) => ({ threadId, status: 'running', title: `of ${threadId}` }));
  const lines = await runSlash(
    { name: 'threads', argument: '' },
    {
      bobbin: { threads: { list: () => Promise.resolve(found) } } as unknown as Bobbin,
      thread: { threadId: 't-1' } as ThreadHandle,
      start: { workspace: { cwd: '/' } },
      state: () => ({ ...begin(), view: viewOf({ settings: { title: 'of here' } as ThreadView['settings'] }) }),
      submit: () => Promise.resolve(),
      open: () => Promise.resolve(),
      pick: () => undefined,
      leave: () => undefined,
    },
  );
  return lines.map((line) => plain(toTerminal(line)).trim().replace(/ +/g, ' '));
}

it('/threads shows the thread of the chat first, also if the service does not list it yet', async () => {
  expect(await threadsIn(['t-2', 't-1'])).toEqual([
    '● t-1 running of t-1',
    't-2 running of t-2',
    '/resume chooses one',
  ]);
  expect(await threadsIn(['t-2'])).toEqual(['● t-1 idle of here', 't-2 running of t-2', '/resume chooses one']);
});
