/** Lists of threads and of what waits for a person, and the short ids that every command takes. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BobbinError } from '../../src/client/index.ts';
import type { OpenRequests, ThreadSummary } from '../../src/contract/index.ts';
import { type TestEnvironment, openEnvironment, runTurn, turn, waitForEvent, waitForRequest } from '../environment.ts';
import { runCli } from '../parts/run-cli.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment({ env: { BOBBIN_APPROVAL_POLICY: 'untrusted' } });
});
afterAll(() => environment.close());

const bobbin = (...args: string[]) => runCli(args, environment);

/** The row of a thread, once the service lists it. */
async function listed(threadId: string, done: (row: ThreadSummary) => boolean): Promise<ThreadSummary> {
  let row: ThreadSummary | undefined;
  await expect
    .poll(
      async () => {
        row = (await environment.bobbin.threads.list({ ask: true, ownQueue: true })).find(
          (one) => one.threadId === threadId,
        );
        return row !== undefined && done(row);
      },
      { timeout: 20_000 },
    )
    .toBe(true);
  return row as ThreadSummary;
}

describe('a new thread', () => {
  it('is named after its workspace and five letters, and by its first prompt in lists and in the Temporal UI', async () => {
    const cwd = join(environment.workspace(), 'My Project!');
    mkdirSync(cwd);
    const with_ = await environment.bobbin.threads.startWith({ workspace: { cwd } }, turn('say: one\nand more'));
    expect(with_.threadId).toMatch(/^My-Project-[a-z]{5}$/);
    const { staticSummary } = await environment.bobbin.service.client.workflow
      .getHandle(with_.workflowId)
      .describe()
      .then(({ staticSummary }) => ({ staticSummary: staticSummary() }));
    expect(await staticSummary).toBe('say: one (+1 line)');
    const later = await environment.bobbin.threads.start({ workspace: { cwd } });
    await runTurn(later, 'say: two');
    await waitForEvent(with_, 'turn/completed');
    for (const [thread, title] of [
      [with_, 'say: one (+1 line)'],
      [later, 'say: two'],
    ] as const)
      expect(await listed(thread.threadId, (row) => row.title !== '')).toMatchObject({ title, cwd, status: 'idle' });
  });
});

describe('a list', () => {
  it('of a folder has its threads although newer ones work elsewhere', async () => {
    const [cwd, other] = [environment.workspace(), environment.workspace()];
    const here = await environment.start({ workspace: { cwd } });
    const newer = [];
    for (let number = 0; number < 3; number++) newer.push(await environment.start({ workspace: { cwd: other } }));
    for (const { threadId } of newer) await listed(threadId, () => true);
    const found = await environment.bobbin.threads.list({ cwd, limit: 2 });
    expect(found.map(({ threadId }) => threadId)).toEqual([here.threadId]);
    const first = await environment.bobbin.threads.list({ cwd: other, limit: 2 });
    expect(first.map((one) => one.cwd)).toEqual([other, other]);
  });

  it('shows who waits for what, and answers with the very command that it prints', async () => {
    const thread = await environment.start({ title: 'A title' });
    await thread.submit(turn('run: touch asked-for'));
    await waitForRequest(thread);
    const row = await listed(thread.threadId, ({ waitsForPerson }) => waitsForPerson === true);
    expect(row).toMatchObject({ waitsFor: { who: 'person', what: 'command: touch asked-for' }, status: 'active' });
    const waiting = await bobbin('thread', 'list', '--waiting');
    expect(waiting.stdout).toMatch(/active +\d+ s +\$0\.00 +you: command: touch asked-for +A title\n/);
    const shown = await bobbin('requests');
    const command = new RegExp(`^ {2}accept: +(.* thread approve ${thread.threadId} req_\\d+)$`, 'm').exec(
      shown.stdout,
    );
    expect(shown.stdout).toContain(`thread ${thread.threadId}: A title\n? req_`);
    const { stdout } = await promisify(execFile)('sh', ['-c', command?.[1] ?? 'false'], {
      env: { ...process.env, ...environment.env },
    });
    expect(stdout).toMatch(/^req_\d+: accept\n$/);
    await waitForEvent(thread, 'turn/completed');
    await listed(thread.threadId, ({ waitsForPerson }) => waitsForPerson === false);
  });

  it('names the questions of a model with their options, and takes the command that it prints', async () => {
    const thread = await environment.start();
    await thread.submit(turn('ask: Which colour? | deep red | blue'));
    await waitForRequest(thread);
    const { stdout } = await bobbin('thread', 'requests', thread.threadId);
    expect(stdout).toMatch(
      /question \| question: Which colour\?\n +option \| deep red: deep red\n +option \| blue: blue\n/,
    );
    const command = /^ {2}answer: +(.*)$/m.exec(stdout)?.[1] ?? 'false';
    expect(command).toMatch(/--answer 'question=deep red'$/);
    const env = { ...process.env, ...environment.env };
    await promisify(execFile)('sh', ['-c', command.replace("'question=", "'1=")], { env });
    const { item } = await waitForEvent(thread, 'item/completed', ({ item }) => item.type === 'userInput');
    expect(item).toMatchObject({ answers: { question: { answers: ['deep red'] } } });
  });

  it('has one row for a request of an agent below, answered to the thread above', async () => {
    const parent = await environment.start();
    await parent.submit(turn('spawn: run: touch from-below'));
    const request = await waitForRequest(parent);
    expect(request.origin).not.toBeNull();
    await expect
      .poll(
        async () => {
          const { open } = await environment.bobbin.threads.requests();
          return open
            .filter((one) => one.thread.threadId.startsWith(parent.threadId))
            .map((one) => one.request.requestId);
        },
        { timeout: 20_000 },
      )
      .toEqual([request.requestId]);
    const json = JSON.parse((await bobbin('requests', '--json')).stdout) as OpenRequests;
    expect(json.open.map(({ thread }) => thread.threadId)).toContain(parent.threadId);
    await parent.close();
  });
});

describe('the beginning of an id', () => {
  it('is enough in every command if it is that of one thread, whatever is below it', async () => {
    const name = randomUUID();
    const [one, two] = [`${name}-one`, `${name}-two`];
    const thread = await environment.start({ threadId: one });
    await runTurn(thread, 'spawn: say: hi');
    await environment.start({ threadId: two });
    const find = async (beginning: string) =>
      environment.bobbin.threads.find(beginning).catch((error: unknown) => (error as BobbinError).code);
    await expect.poll(() => find(`${name}-o`), { timeout: 20_000 }).toBe(one);
    await expect.poll(() => find(name), { timeout: 20_000 }).toBe('threadAmbiguous');
    expect(await find(`${name}-three`)).toBe('threadNotFound');
    expect(await find(`" OR WorkflowId STARTS_WITH "`)).toBe('threadNotFound');
    expect((await bobbin('thread', 'show', `${name}-o`)).stdout).toContain(`${one}: idle`);
    expect((await bobbin('run', '--thread', `${name}-o`, 'say: again')).stdout).toContain(`thread ${one}\n`);
    expect(await bobbin('thread', 'show', name)).toMatchObject({
      code: 6,
      stderr: expect.stringContaining(`begin with ${name}: ${one}, ${two}`) as string,
    });
  });

  it('of a fork is new: an id that a thread has is refused', async () => {
    const thread = await environment.start();
    await runTurn(thread, 'say: one');
    const other = await environment.start();
    expect(await bobbin('thread', 'fork', thread.threadId, '--id', other.threadId)).toMatchObject({ code: 6 });
    const forked = await bobbin('thread', 'fork', thread.threadId, '--json');
    expect(JSON.parse(forked.stdout)).toMatchObject({ threadId: expect.stringMatching(/^repo-[a-z]{5}$/) as string });
  });
});
