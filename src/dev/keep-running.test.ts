import { describe, expect, it } from 'vitest';
import { keepRunning } from './keep-running.ts';

class Fake {
  stops = 0;
  end!: (how: string) => void;
  readonly exited = new Promise<string>((resolve) => (this.end = resolve));
  stop(): Promise<void> {
    this.stops += 1;
    this.end('stopped');
    return Promise.resolve();
  }
}

interface Start {
  resolve(started: Fake): void;
  reject(error: Error): void;
}

/** Each start waits until the test decides how it ends. */
class Starts {
  readonly lines: string[] = [];
  private readonly begun: Start[] = [];
  private waiting: (() => void) | undefined;
  readonly options = {
    what: 'the worker',
    pauses: { first: 1, most: 1 },
    onProgress: (line: string) => void this.lines.push(line),
    start: (): Promise<Fake> =>
      new Promise((resolve, reject) => {
        this.begun.push({ resolve, reject });
        this.waiting?.();
      }),
  };

  async next(): Promise<Start> {
    if (this.begun.length === 0) await new Promise<void>((resolve) => (this.waiting = resolve));
    return this.begun.shift()!;
  }
}

async function keepOne() {
  const starts = new Starts();
  const first = new Fake();
  const keeping = keepRunning(starts.options);
  (await starts.next()).resolve(first);
  return { starts, first, kept: await keeping };
}

describe('a process that is kept running', () => {
  it('is started again when it ends, and again after a start that failed', async () => {
    const { starts, first, kept } = await keepOne();
    first.end('SIGKILL');
    (await starts.next()).reject(new Error('no port'));
    (await starts.next()).reject(new Error('no space'));
    const second = new Fake();
    (await starts.next()).resolve(second);
    second.end('exit code 1');
    const third = await starts.next();
    expect(kept.current()).toBe(second);
    expect(starts.lines).toEqual([
      'The worker ended (SIGKILL); restarting it.',
      'The worker could not be restarted, which is tried again: no port',
      'The worker could not be restarted, which is tried again: no space',
      'The worker runs again.',
      'The worker ended (exit code 1); restarting it.',
    ]);
    const stopped = kept.stop();
    third.reject(new Error('stopped'));
    await stopped;
    expect(starts.lines).toHaveLength(5);
  });

  it('is ended by a stop, and not started again', async () => {
    const { starts, first, kept } = await keepOne();
    await kept.stop();
    expect(first.stops).toBe(1);
    expect(starts.lines).toEqual([]);
  });

  it('is ended by a stop during its start: the stop waits for that', async () => {
    const { starts, first, kept } = await keepOne();
    first.end('SIGKILL');
    const start = await starts.next();
    const stopped = kept.stop();
    const second = new Fake();
    start.resolve(second);
    await stopped;
    expect(second.stops).toBe(1);
  });
});
