import { expect, it } from 'vitest';
import type { PartialEvent, ThreadEvent } from '../../contract/index.ts';
import { createPartialText } from './partial-text.ts';
import type { StepProgress } from './progress.ts';

const step = { id: 'run/1', activity: 'callModel', attempt: 1, lastFailure: null };

function model(text: string, more: Partial<StepProgress & { chars: number }> = {}): StepProgress {
  return { ...step, type: 'model', turnId: 'turn', step: 1, text, chars: text.length, ...more } as StepProgress;
}

function command(output: string): StepProgress {
  return { ...step, id: 'run/2', type: 'command', itemId: 'item_2', output, chars: output.length };
}

function sessions(...tails: [id: number, output: string, before?: number][]): StepProgress {
  const all = tails.map(([sessionId, output, before = 0]) => ({ sessionId, output, chars: before + output.length }));
  return { ...step, id: `run/${tails.length}`, activity: 'awaitSessions', type: 'sessions', sessions: all };
}

/** Follows until no step is listed. A reading that is null fails. */
async function follow(readings: (StepProgress[] | null)[], ended: string[] = []): Promise<PartialEvent[]> {
  const partial = createPartialText(() => {
    const reading = readings.shift();
    return reading === null ? Promise.reject(new Error('unavailable')) : Promise.resolve(reading ?? []);
  });
  for (const itemId of ended) {
    partial.note({ seq: 1, at: 0, type: 'item/completed', turnId: 'turn', item: { id: itemId } as never });
  }
  const events: PartialEvent[] = [];
  for await (const event of partial.follow(new AbortController().signal)) events.push(event);
  return events;
}

const delta = { type: 'item/agentMessage/delta', turnId: 'turn', step: 1, attempt: 1 };

it('yields each part of a text once, also where a reading fails or brings nothing new', async () => {
  const events = await follow([[model('one')], [model('one')], null, [model('one two')], [model('one')]]);
  expect(events).toEqual([
    { ...delta, offset: 0, delta: 'one' },
    { ...delta, offset: 3, delta: ' two' },
  ]);
});

it('says where a part begins after one that was not shown', async () => {
  const events = await follow([[model('end', { chars: 5_000 })], [model('more', { chars: 9_000 })]]);
  expect(events).toEqual([
    { ...delta, offset: 4_997, delta: 'end' },
    { ...delta, offset: 8_996, delta: 'more' },
  ]);
});

it('yields the summary of the reasoning ahead of the text, each part once', async () => {
  const reasoning = (text: string) => ({ reasoning: { text, chars: text.length } });
  const events = await follow([[model('', reasoning('I'))], [model('so', reasoning('I think'))]]);
  const thought = { ...delta, type: 'item/reasoning/summaryTextDelta' };
  expect(events).toEqual([
    { ...thought, offset: 0, delta: 'I' },
    { ...thought, offset: 1, delta: ' think' },
    { ...delta, offset: 0, delta: 'so' },
  ]);
});

it('begins the text of another attempt anew', async () => {
  const second = { attempt: 2, lastFailure: 'HTTP 503' };
  const events = await follow([[model('first')], [model('', second)], [model('the second', second)]]);
  expect(events).toEqual([
    { ...delta, offset: 0, delta: 'first' },
    { type: 'step/retrying', activity: 'callModel', attempt: 2, lastFailure: 'HTTP 503' },
    { ...delta, attempt: 2, offset: 0, delta: 'the second' },
  ]);
});

it('keeps steps apart that run in parallel', async () => {
  const events = await follow([
    [model('text'), command('out')],
    [command('output'), model('text')],
  ]);
  expect(events).toEqual([
    { ...delta, offset: 0, delta: 'text' },
    { type: 'item/commandExecution/outputDelta', itemId: 'item_2', offset: 0, delta: 'out' },
    { type: 'item/commandExecution/outputDelta', itemId: 'item_2', offset: 3, delta: 'put' },
  ]);
});

it('yields the patch that the model is writing, the next one and that of another attempt anew', async () => {
  const patch = (call: number, text: string) => model('', { patch: { call, text, chars: text.length } });
  const second = { ...patch(1, 'again'), attempt: 2 };
  const events = await follow([[patch(1, 'on')], [patch(1, 'one')], [patch(2, 'two')], [second]]);
  const { type: _, ...of } = delta;
  const part = { type: 'item/fileChange/patchDelta', ...of };
  expect(events).toEqual([
    { ...part, call: 1, offset: 0, delta: 'on' },
    { ...part, call: 1, offset: 2, delta: 'e' },
    { ...part, call: 2, offset: 0, delta: 'two' },
    { type: 'step/retrying', activity: 'callModel', attempt: 2, lastFailure: null },
    { ...part, attempt: 2, call: 1, offset: 0, delta: 'again' },
  ]);
});

it('yields each part of what a session writes once, whichever step waits for it, and nothing after its end', async () => {
  const readings = [
    [sessions([4, 'one'])],
    [sessions([4, 'one two'], [9, 'end', 5_000])],
    [sessions([4, ' three', 7])],
  ];
  const ended = (sessionId: number, more: object): ThreadEvent => {
    const item = { id: 'item_10', type: 'commandSession', sessionId, ...more } as never;
    return { seq: 1, at: 0, type: 'item/completed', turnId: '', item };
  };
  const partial = createPartialText(() => Promise.resolve(readings.shift() ?? []));
  partial.note(ended(4, { continuesAs: 'item_11' }));
  const part = { type: 'item/commandSession/outputDelta' };
  const events: PartialEvent[] = [];
  for await (const event of partial.follow(new AbortController().signal)) events.push(event);
  expect(events).toEqual([
    { ...part, sessionId: 4, offset: 0, delta: 'one' },
    { ...part, sessionId: 4, offset: 3, delta: ' two' },
    { ...part, sessionId: 9, offset: 5_000, delta: 'end' },
    { ...part, sessionId: 4, offset: 7, delta: ' three' },
  ]);
  partial.note(ended(4, {}));
  readings.push([sessions([4, 'one two three four'])]);
  expect(await partial.follow(new AbortController().signal).next()).toMatchObject({ done: true });
});

it('shows nothing more of what has ended, while its step is still listed', async () => {
  expect(await follow([[command('late')], [command('later')]], ['item_2'])).toEqual([]);
});

it('stops as soon as the signal fires', async () => {
  const stop = new AbortController();
  const partial = createPartialText(() => {
    stop.abort();
    return new Promise(() => undefined);
  });
  expect(await partial.follow(stop.signal).next()).toEqual({ done: true, value: undefined });
});
