import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ThreadHandle } from '../../src/client/index.ts';
import type { PartialEvent, ThreadEvent } from '../../src/contract/index.ts';
import { type TestEnvironment, openEnvironment, turn } from '../environment.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment();
});
afterAll(() => environment.close());

let gates = 0;
/** A file that a command waits for, of one test: the last event may come after the command has ended. */
const newGate = () => join(environment.cwd, `go-${++gates}`);

type AnyEvent = ThreadEvent | PartialEvent;
type Delta = Extract<PartialEvent, { delta: string }>;

/** Runs a turn and returns everything that a reader sees of it. */
async function seen(
  thread: ThreadHandle,
  prompt: string,
  onEvent: (event: AnyEvent, turnId: string) => Promise<void> | void = () => undefined,
): Promise<AnyEvent[]> {
  const submitted = turn(prompt);
  await thread.submit(submitted);
  const events: AnyEvent[] = [];
  for await (const event of thread.events({ partial: true })) {
    events.push(event);
    await onEvent(event, submitted.turnId);
    if (event.type === 'turn/completed' && event.turn.turnId === submitted.turnId) return events;
  }
  throw new Error('the events ended before the turn');
}

function indexOf(events: AnyEvent[], type: AnyEvent['type']): number {
  return events.findIndex((event) => event.type === type);
}

/** The text that a reader puts together, with a mark where a part is missing. */
function textOf(deltas: readonly Delta[]): string {
  let chars = 0;
  return deltas.reduce((text, { offset, delta }) => {
    expect(offset).toBeGreaterThanOrEqual(chars);
    const gap = offset > chars ? '…' : '';
    chars = offset + delta.length;
    return `${text}${gap}${delta}`;
  }, '');
}

function deltasOf<T extends Delta['type']>(events: AnyEvent[], type: T): Extract<PartialEvent, { type: T }>[] {
  return events.filter((event): event is Extract<PartialEvent, { type: T }> => event.type === type);
}

describe('partial text', () => {
  it('of a message comes in parts, each once, before the message', async () => {
    const events = await seen(await environment.start(), 'stream: 400 15');
    const deltas = deltasOf(events, 'item/agentMessage/delta');
    expect(deltas.length).toBeGreaterThan(1);
    const end = events.find((event) => event.type === 'item/completed' && event.item.type === 'agentMessage');
    const { text } = (end as { item: { text: string } }).item;
    const shown = textOf(deltas);
    expect(shown).not.toBe('');
    expect(text.startsWith(shown)).toBe(true);
    expect(events.lastIndexOf(deltas.at(-1)!)).toBeLessThan(events.indexOf(end!));
  });

  it('of the summary of reasoning comes while the model works, and becomes an item ahead of the message', async () => {
    const thread = await environment.start({ summary: 'auto' });
    const events = await seen(thread, 'think: I look first.\nthink: Then I answer.\nstream: 400 15');
    const end = events.findIndex((event) => event.type === 'item/completed' && event.item.type === 'reasoning');
    expect(events[end]).toMatchObject({ item: { summary: ['I look first.', 'Then I answer.'] } });
    const deltas = deltasOf(events, 'item/reasoning/summaryTextDelta');
    expect(textOf(deltas)).toBe('I look first.\n\nThen I answer.');
    expect(events.indexOf(deltas.at(-1)!)).toBeLessThan(end);
  });

  it('of a command comes while it runs, with the id of its item', async () => {
    const thread = await environment.start();
    const go = newGate();
    const events = await seen(thread, `run: echo öne; until [ -e ${go} ]; do sleep 0.02; done; echo two`, (event) => {
      if (event.type === 'item/commandExecution/outputDelta') writeFileSync(go, '');
    });
    const deltas = deltasOf(events, 'item/commandExecution/outputDelta');
    const begun = events.find((event) => event.type === 'item/started' && event.item.type === 'commandExecution');
    expect(new Set(deltas.map(({ itemId }) => itemId))).toEqual(new Set([(begun as { item: { id: string } }).item.id]));
    expect('öne\ntwo\n'.startsWith(textOf(deltas))).toBe(true);
  });

  it('says which part of a long output it begins with', async () => {
    const thread = await environment.start();
    const go = newGate();
    const events = await seen(thread, `run: seq 100000; until [ -e ${go} ]; do sleep 0.02; done`, (event) => {
      if (event.type === 'item/commandExecution/outputDelta' && event.delta.endsWith('100000\n')) writeFileSync(go, '');
    });
    const [last] = deltasOf(events, 'item/commandExecution/outputDelta').slice(-1);
    const all = Array.from({ length: 100_000 }, (_, index) => `${index + 1}\n`).join('');
    expect(all.slice(last!.offset)).toBe(last!.delta);
  });

  it('names a step that is tried again, and the reason', async () => {
    const events = await seen(await environment.start(), 'retry-after: 5\nstatus: 503 1');
    const retrying = events[indexOf(events, 'step/retrying')];
    expect(retrying).toMatchObject({ activity: 'callModel', attempt: 2 });
    expect((retrying as { lastFailure: string }).lastFailure).toContain('503');
  });

  it('ends with its turn', async () => {
    const thread = await environment.start();
    const events = await seen(thread, 'stream: 1000 20', async (event, turnId) => {
      if (event.type === 'item/agentMessage/delta') await thread.requestInterrupt({ turnId });
    });
    expect(events.at(-1)).toMatchObject({ type: 'turn/completed', turn: { status: 'aborted' } });
    expect((await seen(thread, 'say: next')).filter((event) => event.type === 'item/agentMessage/delta')).toEqual([]);
  });

  it('of a command of a person comes beside the text of the turn', async () => {
    const thread = await environment.start();
    const go = newGate();
    let ofCommand = '';
    await seen(thread, `run: until [ -e ${go} ]; do sleep 0.02; done`, async (event) => {
      if (event.type === 'item/started' && event.item.type === 'commandExecution' && event.item.source === 'agent')
        await thread.submit({
          turnId: 'shell',
          kind: 'user_shell',
          input: [{ type: 'text', text: 'echo mine; sleep 60' }],
        });
      if (event.type === 'item/commandExecution/outputDelta') {
        ofCommand += event.delta;
        await thread.requestInterrupt({ turnId: 'shell' });
      }
      if (event.type === 'turn/completed' && event.turn.turnId === 'shell') writeFileSync(go, '');
    });
    expect(ofCommand).toBe('mine\n');
  });
});
