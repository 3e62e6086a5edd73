import { writeFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type TestEnvironment,
  eventsSoFar,
  itemsOf,
  openEnvironment,
  runTurn,
  turn,
  waitForEvent,
  waitForRequest,
} from '../environment.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment({ requireAssertion: true, env: { BOBBIN_MAX_FILE_MB: '1' } });
});
afterAll(() => environment.close());

describe('a regular turn', () => {
  it('runs real commands in the workspace and answers from what they printed', async () => {
    const thread = await environment.start();
    const end = await runTurn(thread, 'run: echo hello > made.txt\nrun: cat made.txt README.md');
    expect(end).toMatchObject({ status: 'completed' });
    expect(end.lastAgentMessage).toContain('hello');
    expect(end.lastAgentMessage).toContain('# A repository of the tests');
    expect(end.usage.totalTokens).toBeGreaterThan(0);
    expect(readFileSync(join(environment.cwd, 'made.txt'), 'utf8')).toBe('hello\n');
  });

  it('says of a command that a limit ended which one it was', async () => {
    const thread = await environment.start();
    const large = 'head -c 4000000 /dev/zero > large';
    await runTurn(thread, `run: ${large}`);
    await runTurn(thread, large, { kind: 'user_shell' });
    await runTurn(thread, 'run: false');
    const commands = await itemsOf(thread, 'commandExecution');
    expect(commands.map(({ status, limit }) => [status, limit])).toEqual([
      ['failed', 'fileMb'],
      ['failed', 'fileMb'],
      ['failed', undefined],
    ]);
  });

  it('applies a patch, and keeps a plan', async () => {
    const thread = await environment.start();
    const patch = '*** Begin Patch\n*** Add File: added.txt\n+one\n+two\n*** End Patch';
    const end = await runTurn(thread, `plan: look; change; check\npatch:\n${patch}`);
    expect(end.status).toBe('completed');
    expect(readFileSync(join(environment.cwd, 'added.txt'), 'utf8')).toBe('one\ntwo\n');
    const events = await eventsSoFar(thread);
    expect(events.find(({ type }) => type === 'turn/plan/updated')).toMatchObject({ plan: [{ step: 'look' }, {}, {}] });
  });

  it('asks the person and continues with the answer', async () => {
    const thread = await environment.start();
    const asked = turn('ask: Which port?');
    await thread.submit(asked);
    const request = await waitForRequest(thread);
    expect(request).toMatchObject({ type: 'userInput' });
    if (request.type !== 'userInput') return;
    await thread.resolve({
      requestId: request.requestId,
      decision: 'accept',
      answers: { [request.questions[0]!.id]: { answers: ['8080'] } },
    });
    const end = await thread.completion(asked.turnId);
    expect(end.lastAgentMessage).toContain('8080');
  });

  it('reads AGENTS.md into the instructions', async () => {
    writeFileSync(join(environment.cwd, 'AGENTS.md'), 'Always greet in Latin.\n');
    const thread = await environment.start();
    await runTurn(thread, 'say: salve');
    const seen = await environment.model.waitForRequest(({ body }) => JSON.stringify(body).includes(thread.threadId));
    expect(JSON.stringify(seen.body)).toContain('Always greet in Latin.');
  });

  it('keeps the conversation over turns', async () => {
    const thread = await environment.start();
    await runTurn(thread, 'say: the word is bobbin');
    await runTurn(thread, 'say: and again');
    const seen = await environment.model.waitForRequest(
      ({ body }) => JSON.stringify(body).includes(thread.threadId) && JSON.stringify(body).includes('and again'),
    );
    expect(JSON.stringify(seen.body)).toContain('the word is bobbin');
  });
});

describe('onBusy and steering', () => {
  it('steers the active turn: the input is in the next model request', async () => {
    const thread = await environment.start();
    const first = turn('run: until [ -e steered ]; do sleep 0.05; done\nsay: done');
    await thread.submit(first);
    await waitForEvent(thread, 'item/started', ({ item }) => item.type === 'commandExecution');
    await thread.steer({ expectedTurnId: first.turnId, input: [{ type: 'text', text: 'mention the weather' }] });
    writeFileSync(join(environment.cwd, 'steered'), '');
    const end = await thread.completion(first.turnId);
    expect(end.lastAgentMessage).toContain('mention the weather');
  });

  it('refuses to steer a turn that is not active, with the code and the ids', async () => {
    const thread = await environment.start();
    await runTurn(thread, 'say: hi');
    await expect(thread.steer({ expectedTurnId: 'gone', input: [{ type: 'text', text: 'x' }] })).rejects.toMatchObject({
      code: 'turnNotActive',
      message: expect.stringContaining('gone') as string,
    });
  });

  it('replaces, queues and rejects as asked', async () => {
    const thread = await environment.start();
    const slow = turn('run: sleep 600');
    await thread.submit(slow);
    await waitForEvent(thread, 'item/started', ({ item }) => item.type === 'commandExecution');
    const rejected = turn('say: no', { onBusy: 'reject' });
    await expect(thread.startTurn(rejected)).rejects.toMatchObject({ code: 'threadBusy' });
    const queued = turn('say: queued', { onBusy: 'queue' });
    await thread.submit(queued);
    const replacing = turn('say: replacing');
    await thread.submit(replacing);
    expect(await thread.completion(slow.turnId)).toMatchObject({
      status: 'aborted',
      reason: 'replaced',
      quiescent: true,
    });
    expect(await thread.completion(replacing.turnId)).toMatchObject({ status: 'completed' });
    expect(await thread.completion(queued.turnId)).toMatchObject({ status: 'completed' });
  });
});

describe('the queue', () => {
  it('is edited, reordered and shortened while it waits, and then worked off as it is', async () => {
    const thread = await environment.start();
    const slow = turn('run: sleep 600');
    await thread.submit(slow);
    await waitForEvent(thread, 'item/started', ({ item }) => item.type === 'commandExecution');
    const [first, second, third] = ['one', 'two', 'three'].map((word) => turn(`say: ${word}`, { onBusy: 'queue' }));
    for (const queued of [first!, second!, third!]) await thread.startTurn(queued);
    await thread.editQueue({ op: 'move', turnId: third!.turnId, before: first!.turnId });
    await thread.editQueue({ op: 'edit', turnId: first!.turnId, input: [{ type: 'text', text: 'say: uno' }] });
    await thread.requestQueueEdit({ op: 'drop', turnId: second!.turnId, reason: 'not needed' });
    expect(await thread.completion(second!.turnId)).toMatchObject({ status: 'aborted', detail: 'not needed' });
    const { queuedTurns } = await thread.view();
    expect(queuedTurns.map(({ text }) => text)).toEqual(['say: three', 'say: uno']);
    await expect(thread.editQueue({ op: 'drop', turnId: slow.turnId })).rejects.toMatchObject({
      code: 'turnNotQueued',
    });
    await thread.interrupt({ turnId: slow.turnId });
    expect((await thread.completion(first!.turnId)).lastAgentMessage).toContain('uno');
    const ends = (await eventsSoFar(thread)).flatMap((event) =>
      event.type === 'turn/completed' ? [event.turn.turnId] : [],
    );
    expect(ends).toEqual([second!.turnId, slow.turnId, third!.turnId, first!.turnId]);
  });
});

describe('user_shell', () => {
  it('runs beside an active turn, is recorded, and is told to the model later', async () => {
    const thread = await environment.start();
    const slow = turn('run: until [ -e beside ]; do sleep 0.05; done');
    await thread.submit(slow);
    await waitForEvent(thread, 'item/started', ({ item }) => item.type === 'commandExecution');
    const shell = await runTurn(thread, 'touch beside; echo from the person', { kind: 'user_shell' });
    expect(shell).toMatchObject({ status: 'completed', kind: 'user_shell' });
    expect(await thread.completion(slow.turnId)).toMatchObject({ status: 'completed' });
    await runTurn(thread, 'say: now');
    const seen = await environment.model.waitForRequest(
      ({ body }) => JSON.stringify(body).includes(thread.threadId) && JSON.stringify(body).includes('say: now'),
    );
    expect(JSON.stringify(seen.body)).toContain('<user_shell_command>');
    expect(JSON.stringify(seen.body)).toContain('from the person');
  });
});
