import { describe, expect, it } from 'vitest';
import { createTurns, firstAnswer } from './repeated-queries.ts';

const never = new Promise<string>(() => undefined);

describe('a query', () => {
  it('that nobody answers is asked again, and the first answer counts', async () => {
    const answers = [never, never, Promise.resolve('third')];
    expect(await firstAnswer(() => answers.shift() ?? never, 1)).toBe('third');
  });

  it('that is answered in time is asked once', async () => {
    let asked = 0;
    const ask = () => Promise.resolve((asked += 1));
    expect([await firstAnswer(ask, 60_000), asked]).toEqual([1, 1]);
  });

  it('that fails is over, and a late failure of another try is not thrown', async () => {
    await expect(firstAnswer(() => Promise.reject(new Error('no such workflow')), 60_000)).rejects.toThrow('no such');
    let reject: (error: Error) => void = () => undefined;
    const first = new Promise<string>((_, fail) => (reject = fail));
    const answers = [first, Promise.resolve('second')];
    expect(await firstAnswer(() => answers.shift() ?? never, 1)).toBe('second');
    reject(new Error('late'));
    await new Promise(setImmediate);
  });
});

describe('the queries of one workflow', () => {
  it('come one after the other, in their order, also after one that fails', async () => {
    const inTurn = createTurns(60_000);
    const log: string[] = [];
    const run = (name: string, fails = false) =>
      inTurn('thread', async () => {
        log.push(`${name} begins`);
        await new Promise(setImmediate);
        log.push(`${name} ends`);
        if (fails) throw new Error(name);
      });
    await Promise.allSettled([run('a'), run('b', true), run('c')]);
    expect(log).toEqual(['a', 'b', 'c'].flatMap((name) => [`${name} begins`, `${name} ends`]));
  });

  it('wait neither for those of another one, nor for long', async () => {
    const inTurn = createTurns(1);
    void inTurn('thread', () => never);
    expect(await inTurn('another', () => Promise.resolve('at once'))).toBe('at once');
    expect(await inTurn('thread', () => Promise.resolve('soon'))).toBe('soon');
  });
});
