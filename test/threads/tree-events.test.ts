/** The events of a thread and of all threads below it in one stream, on the real service. */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ThreadHandle, advanceCursor } from '../../src/client/index.ts';
import type { TreeCursor, TreeEvent } from '../../src/contract/index.ts';
import { type TestEnvironment, openEnvironment, runTurn, turn } from '../environment.ts';
import { startCli } from '../parts/run-cli.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment();
});
afterAll(() => environment.close());

const call = (tool: string, given: object) => `call: ${tool} ${JSON.stringify(given)}`;

/** Commands that print a word and run until they are let go. */
function heldCommands() {
  const go = join(environment.cwd, `go-${randomUUID()}`);
  return {
    run: (word: string) => `run: echo ${word}; while [ ! -e ${go} ]; do sleep 0.05; done`,
    letGo: () => writeFileSync(go, ''),
  };
}

/** A turn whose agent runs a command, and so does the agent of the agent. */
function agentWithin(run: (word: string) => string): string {
  const message = `spawn: ${run('deep')}\n${run('near')}\ncall: wait_agent {"timeout_ms": 120000}`;
  return `${call('spawn_agent', { task_name: 'helper', message })}\ncall: wait_agent {"timeout_ms": 120000}`;
}

type Seqs = Record<string, number[]>;

function seqsOf(events: readonly TreeEvent[]): Seqs {
  const seqs: Seqs = {};
  for (const { threadId, event } of events) if ('seq' in event) (seqs[threadId] ??= []).push(event.seq);
  return seqs;
}

/** What the logs of these threads have, which are closed. */
async function logged(ids: readonly string[]): Promise<Seqs> {
  const seqs: Seqs = {};
  for (const id of ids) {
    seqs[id] = [];
    for await (const { seq } of environment.bobbin.threads.get(id).events()) seqs[id].push(seq);
  }
  return seqs;
}

/** Reads until that is seen, or to the end. */
async function read(
  thread: ThreadHandle,
  after: TreeCursor,
  until: (events: readonly TreeEvent[]) => boolean = () => false,
): Promise<TreeEvent[]> {
  const events: TreeEvent[] = [];
  for await (const event of thread.events({ tree: true, partial: true, after })) {
    events.push(event);
    if (until(events)) break;
  }
  return events;
}

/** Whether a command of that thread has shown that word while it ran. */
const streams = (events: readonly TreeEvent[], threadId: string, word: string) =>
  events.some(
    (one) =>
      one.threadId === threadId &&
      one.event.type === 'item/commandExecution/outputDelta' &&
      one.event.delta.includes(word),
  );

describe('the events of a tree', () => {
  it('have those of agents of agents while they work; a reader continues without gap or repetition', async () => {
    const thread = await environment.start();
    const root = thread.threadId;
    const ids = [root, `${root}/1`, `${root}/1/1`, `${root}/2`];
    const held = heldCommands();
    await thread.submit(turn(agentWithin(held.run)));
    const first = await read(
      thread,
      {},
      (events) => streams(events, `${root}/1`, 'near') && streams(events, `${root}/1/1`, 'deep'),
    );
    expect(first.find(({ threadId }) => threadId === `${root}/1/1`)?.path).toEqual([`${root}/1`, `${root}/1/1`]);
    held.letGo();
    const { activeTurn } = await thread.view();
    if (activeTurn !== null) await thread.completion(activeTurn.turnId);
    // An agent that starts later, and is closed before anybody reads it.
    const late = call('spawn_agent', { task_name: 'late', message: 'say: late' });
    await runTurn(thread, `${late}\ncall: wait_agent {}\n${call('close_agent', { target: 'late' })}`);
    await thread.close();
    const rest = await read(thread, first.reduce<TreeCursor>(advanceCursor, {}));
    const whole = await logged(ids);
    expect(seqsOf([...first, ...rest])).toEqual(whole);
    expect(seqsOf(await read(thread, {}))).toEqual(whole);
    // The parent's log has none of it.
    const ofRoot = [...first, ...rest].filter(({ threadId }) => threadId === root);
    expect(JSON.stringify(ofRoot.filter(({ event }) => event.type.startsWith('item/commandExecution')))).toBe('[]');
  });

  it('continue for a reader that has all events of the closed root, and none of its agents', async () => {
    const thread = await environment.start();
    const root = thread.threadId;
    await runTurn(thread, `spawn: say: short\ncall: wait_agent {"timeout_ms": 60000}`);
    await thread.close();
    const whole = await logged([root, `${root}/1`]);
    const after = { [root]: whole[root]?.at(-1) ?? 0 };
    expect(seqsOf(await read(thread, { ...after, [`${root}/1`]: 0 }))).toEqual({ [`${root}/1`]: whole[`${root}/1`] });
    const none: unknown[] = [];
    for await (const event of thread.events({ after: after[root]! })) none.push(event);
    expect(none).toEqual([]);
  });

  it('are printed by a command that may be killed, and that continues at a cursor', async () => {
    const thread = await environment.start();
    const root = thread.threadId;
    const held = heldCommands();
    await thread.submit(turn(agentWithin(held.run)));
    const watch = (...args: string[]) =>
      startCli(['thread', 'watch', root, '--tree', '--json', ...args], { env: environment.env });
    const linesOf = ({ stdout }: { stdout: string }) =>
      stdout
        .split('\n')
        .slice(0, -1)
        .map((one) => JSON.parse(one) as TreeEvent);
    const killed = watch();
    const ofDeep = () => linesOf(killed.said).filter(({ threadId }) => threadId === `${root}/1/1`).length;
    await expect.poll(ofDeep, { timeout: 60_000 }).toBeGreaterThan(3);
    killed.child.kill('SIGKILL');
    await killed.ended;
    const before = linesOf(killed.said);
    held.letGo();
    const { activeTurn } = await thread.view();
    if (activeTurn !== null) await thread.completion(activeTurn.turnId);
    await thread.close();
    const cursor = before.reduce<TreeCursor>(advanceCursor, {});
    const next = watch('--cursor', JSON.stringify(cursor));
    expect(await next.ended).toMatchObject({ code: 0 });
    expect(seqsOf([...before, ...linesOf(next.said)])).toEqual(await logged([root, `${root}/1`, `${root}/1/1`]));
    const words = await startCli(['thread', 'watch', root, '--tree'], { env: environment.env }).ended;
    expect(words.stdout).toMatch(/^\[helper\] \$ echo near/m);
    expect(words.stdout).toMatch(/^\[helper › spawned_by_rule\] │ deep$/m);
  });

  it('end for an agent that was terminated, and go on for the others', async () => {
    const thread = await environment.start();
    const held = heldCommands();
    await thread.submit(turn(agentWithin(held.run)));
    const first = await read(thread, {}, (events) => streams(events, `${thread.threadId}/1/1`, 'deep'));
    const { workflow } = environment.bobbin.service.client;
    await workflow.getHandle(`thread/${thread.threadId}/1/1`).terminate('by a test');
    held.letGo();
    await thread.close();
    const rest = await read(thread, first.reduce<TreeCursor>(advanceCursor, {}));
    expect(rest.at(-1)?.event.type).toBe('thread/closed');
    expect(seqsOf([...first, ...rest])[`${thread.threadId}/1`]).toEqual(
      (await logged([`${thread.threadId}/1`]))[`${thread.threadId}/1`],
    );
  });
});
