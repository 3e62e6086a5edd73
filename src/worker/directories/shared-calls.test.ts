import { describe, expect, it } from 'vitest';
import { createSharedCalls } from './shared-calls.ts';

const never = new AbortController().signal;

/** A call that is answered by hand. */
function byHand() {
  const calls: { signal: AbortSignal; answer: (value: string) => void; fail: (error: Error) => void }[] = [];
  const call = (signal: AbortSignal) =>
    new Promise<string>((answer, fail) => {
      calls.push({ signal, answer, fail });
      signal.addEventListener('abort', () => fail(new Error('the call was ended')));
    });
  return { calls, call };
}

describe('calls that several want at the same time', () => {
  it('are made once per key, and once more when they are over', async () => {
    const share = createSharedCalls<string>();
    const { calls, call } = byHand();
    const both = Promise.all([share('a', call, never), share('a', call, never)]);
    const other = share('b', call, never);
    expect(calls).toHaveLength(2);
    calls[0]!.answer('one');
    calls[1]!.answer('two');
    expect([await both, await other]).toEqual([['one', 'one'], 'two']);
    const again = share('a', call, never);
    calls[2]!.answer('three');
    expect(await again).toBe('three');
  });

  it('fail for all who wait, and the next one calls anew', async () => {
    const share = createSharedCalls<string>();
    const { calls, call } = byHand();
    const both = Promise.allSettled([share('a', call, never), share('a', call, never)]);
    calls[0]!.fail(new Error('no'));
    expect((await both).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    void share('a', call, never);
    expect(calls).toHaveLength(2);
  });

  it('go on without a caller that leaves, and end with the last one', async () => {
    const share = createSharedCalls<string>();
    const { calls, call } = byHand();
    const [first, second] = [new AbortController(), new AbortController()];
    const waiting = [share('a', call, first.signal), share('a', call, second.signal)] as const;
    first.abort(new Error('first left'));
    await expect(waiting[0]).rejects.toThrow('first left');
    expect(calls[0]!.signal.aborted).toBe(false);
    second.abort(new Error('second left'));
    await expect(waiting[1]).rejects.toThrow('second left');
    expect(calls[0]!.signal.aborted).toBe(true);
    void share('a', call, never);
    expect(calls).toHaveLength(2);
  });

  it('are not made for one who has left already', async () => {
    const share = createSharedCalls<string>();
    const { calls, call } = byHand();
    await expect(share('a', call, AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
    expect(calls).toEqual([]);
  });
});
