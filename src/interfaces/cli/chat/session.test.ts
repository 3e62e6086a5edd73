import { describe, expect, it, vi } from 'vitest';
import { BobbinError } from '../../../client/bobbin-error.ts';
import type { Bobbin, ThreadHandle } from '../../../client/index.ts';
import type { ThreadEvent, TreeEvent } from '../../../contract/index.ts';
import { toTerminal } from '../text/terminal-text.ts';
import { openSession } from './session.ts';
import { plain, viewOf } from './test-state.ts';

/** Far above what a busy machine takes. */
const SOON = { timeout: 20_000 };

const warning = (seq: number, message: string): ThreadEvent => ({ seq, at: 0, type: 'warning', message });

/** A chat with a thread whose tree has these events and then fails, and whose own log has these. */
function chatWith(tree: TreeEvent[], error: BobbinError, own: ThreadEvent[]) {
  const asked: unknown[] = [];
  async function* events(options: { tree?: true; after: unknown }) {
    asked.push(options.after);
    await Promise.resolve();
    if (options.tree === true) {
      yield* tree;
      throw error;
    }
    yield* own;
  }
  const thread = { threadId: 't-1', events, view: () => Promise.resolve(viewOf()) } as unknown as ThreadHandle;
  const bobbin = { workers: () => Promise.resolve([]) } as unknown as Bobbin;
  const start = { workspace: { cwd: '/' } };
  const session = openSession({ bobbin, thread, start, prompts: [], remember: () => undefined });
  const out: string[] = [];
  session.store.printWith((lines) => out.push(...lines.map((line) => plain(toTerminal(line)))));
  return { session, out, asked };
}

describe('a chat whose agents cannot be followed', () => {
  it('says so, and goes on with its thread where it was', async () => {
    const tree: TreeEvent[] = [
      { threadId: 't-1', path: [], event: warning(1, 'of the thread') },
      { threadId: 't-1/1', path: ['t-1/1'], event: warning(1, 'of an agent') },
    ];
    const broken = new BobbinError('internal', 'read events: broken');
    const { session, out, asked } = chatWith(tree, broken, [warning(2, 'later')]);
    await vi.waitFor(() => expect(out).toContain('warning: later'), SOON);
    expect(out.filter((line) => line !== '')).toEqual([
      'warning: of the thread',
      '[1] warning: of an agent',
      'read events: broken',
      'warning: later',
    ]);
    expect(asked).toEqual([{ 't-1': 0 }, 1]);
    await session.close();
  });

  it('is not followed further if the thread itself has ended', async () => {
    const { session, out, asked } = chatWith([], new BobbinError('threadClosed', 'ended'), []);
    await vi.waitFor(() => expect(out).toEqual(['ended']), SOON);
    expect(asked).toHaveLength(1);
    await session.close();
  });
});
