import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ThreadView } from '../../src/contract/index.ts';
import { workersOf } from '../../src/client/workers.ts';
import { png } from '../../src/contract/test-images.ts';
import { git } from '../parts/repositories.ts';
import { type Ran, runCli, startCli } from '../parts/run-cli.ts';
import {
  type TestEnvironment,
  closeThread,
  openEnvironment,
  runTurn,
  turn,
  waitForEvent,
  waitForRequest,
} from '../environment.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment();
});
afterAll(() => environment.close());

/** Runs the command; `meanwhile` may act on its process, for example press Ctrl-C. */
async function bobbin(
  args: string[],
  meanwhile: (kill: () => void) => Promise<void> = () => Promise.resolve(),
): Promise<Ran> {
  const { child, ended } = startCli(args, environment);
  await meanwhile(() => child.kill('SIGINT'));
  return ended;
}

describe('bobbin run', () => {
  it('follows a turn and exits with its status: 0 completed, 3 failed', async () => {
    const good = await bobbin(['run', 'run: echo from the shell']);
    const stdout = expect.stringContaining('$ echo from the shell\n│ from the shell') as string;
    expect(good).toMatchObject({ code: 0, stderr: '', stdout });
    const bad = await bobbin(['run', 'status: 400']);
    expect(bad.code).toBe(3);
    expect(bad.stdout).toContain('[modelBadRequest]');
  });

  it('shows the agent images of this machine', async () => {
    const file = join(environment.workspace(), 'my shot.png');
    writeFileSync(file, png(21, 12));
    const { code, stdout } = await bobbin(['run', 'see:', '--image', file, '--image', file]);
    expect(code).toBe(0);
    expect(stdout).toContain('> [image: my shot.png, 21 × 12, image/png');
    expect(stdout.match(/image\/png 21x12 sha256:[0-9a-f]{64}/g)).toHaveLength(2);
    writeFileSync(file, '<!doctype html>');
    const refused = await bobbin(['run', 'see:', '--image', file]);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('it is an HTML page') as string });
    expect((await bobbin(['run', 'see:', '--image', '/dev/zero'])).stderr).toContain('/dev/zero cannot be read');
  });

  it('prints events as lines of JSON', async () => {
    const { stdout } = await bobbin(['run', 'say: hi', '--json']);
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; seq: number });
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    expect(events.at(-1)?.type).toBe('turn/completed');
  });

  it('interrupts its turn on Ctrl-C and exits with 130; the thread is still there', async () => {
    const thread = await environment.start();
    const ran = await bobbin(['run', '--thread', thread.threadId, 'run: sleep 60'], async (kill) => {
      await waitForEvent(thread, 'item/started', ({ item }) => item.type === 'commandExecution');
      kill();
    });
    expect(ran.code).toBe(130);
    const { turn: ended } = await waitForEvent(thread, 'turn/completed');
    expect(ended).toMatchObject({ status: 'aborted', reason: 'interrupted' });
    expect(await runTurn(thread, 'say: still here')).toMatchObject({ status: 'completed' });
  });
});

describe('bobbin worker', () => {
  it('serves its task queue until it is told to stop, and exits with 0', async () => {
    const env = { ...environment.env, BOBBIN_TASK_QUEUE: 'served-by-the-command' };
    const worker = startCli(['worker'], { env });
    const service = { ...environment.bobbin.service, taskQueue: env.BOBBIN_TASK_QUEUE };
    await expect.poll(() => workersOf(service), { timeout: 60_000 }).toHaveLength(1);
    const ran = await runCli(['run', 'say: hi'], { env });
    worker.child.kill('SIGTERM');
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect((await worker.ended).code).toBe(0);
  });
});

describe('bobbin thread', () => {
  it('lists and shows threads, for people and for programs', async () => {
    const thread = await environment.start({ title: 'a title' });
    await runTurn(thread, 'say: hi');
    const shown = await bobbin(['thread', 'show', thread.threadId, '--json']);
    expect(JSON.parse(shown.stdout) as ThreadView).toMatchObject({
      threadId: thread.threadId,
      status: 'idle',
      turnCount: 1,
    });
    expect((await bobbin(['thread', 'show', thread.threadId])).stdout).toContain(`${thread.threadId}: idle`);
    await expect
      .poll(async () => (await bobbin(['thread', 'list', '--open', '--limit', '300', '--json'])).stdout, {
        timeout: 60_000,
      })
      .toContain(thread.threadId);
  });

  it('sends, steers, interrupts, watches and closes', async () => {
    const thread = await environment.start();
    const sent = await bobbin(['thread', 'send', thread.threadId, 'run: sleep 60', '--turn-id', 'slow']);
    expect(sent).toMatchObject({ code: 0, stdout: `turn slow submitted to thread ${thread.threadId}\n` });
    await waitForEvent(thread, 'item/started', ({ item }) => item.type === 'commandExecution');
    expect((await bobbin(['thread', 'steer', thread.threadId, 'more'])).code).toBe(0);
    expect((await bobbin(['thread', 'interrupt', thread.threadId, '--turn', 'slow', '--reason', 'enough'])).code).toBe(
      0,
    );
    expect(await thread.completion('slow')).toMatchObject({ status: 'aborted', detail: 'enough' });
    expect((await bobbin(['thread', 'send', thread.threadId, 'pwd', '--kind', 'user_shell', '--wait'])).code).toBe(0);
    const watched = bobbin(['thread', 'watch', thread.threadId, '--after', '1', '--json']);
    expect((await bobbin(['thread', 'close', thread.threadId, '--reason', 'done'])).code).toBe(0);
    expect((await watched).stdout).toContain('"thread/closed"');
    expect((await watched).code).toBe(0);
    const late = await bobbin(['thread', 'send', thread.threadId, 'say: too late']);
    expect(late).toMatchObject({ code: 6, stderr: expect.stringContaining('is closed') as string });
  });

  it('waits for what became of a turn: refused, steered another one, ended before', async () => {
    const thread = await environment.start();
    const { threadId } = thread;
    const running = turn('run: sleep 600\nsay: seen');
    await thread.submit(running);
    await waitForEvent(thread, 'item/started', ({ item }) => item.type === 'commandExecution');
    const send = (...more: string[]) => bobbin(['thread', 'send', threadId, 'say: hi', '--wait', ...more]);
    const refused = await send('--on-busy', 'reject', '--turn-id', 'refused');
    expect(refused.code).toBe(6);
    expect(`${refused.stdout}${refused.stderr}`.match(/refused turn refused/g)).toHaveLength(1);
    const steering = send('--on-busy', 'steer');
    await waitForEvent(thread, 'turn/steered');
    await thread.interrupt({ turnId: running.turnId });
    expect((await steering).code).toBe(4);
    expect((await send('--turn-id', 'refused')).code).toBe(0);
    const { lastSeq } = await thread.view();
    const again = await send('--turn-id', 'refused');
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('completed') as string });
    expect((await bobbin(['thread', 'compact', threadId, '--turn-id', 'refused'])).code).toBe(0);
    expect((await thread.view()).lastSeq).toBe(lastSeq);
  });

  it('shows what was left running, spares it on request, and ends it otherwise', async () => {
    const thread = await environment.start();
    const left = JSON.stringify({ cmd: 'sleep 300 # \u001b[31m', yield_time_ms: 250 });
    await runTurn(thread, `call: exec_command ${left}`);
    const show = async () => (await bobbin(['thread', 'show', thread.threadId])).stdout;
    expect(await show()).toMatch(/^session {5}\d+, running since [^\n]*: sleep 300 # /m);
    expect(await show()).not.toContain('\u001b[31m');
    const interrupted = async (...more: string[]) => {
      const hanging = turn('hang:');
      await thread.submit(hanging);
      expect((await bobbin(['thread', 'interrupt', thread.threadId, ...more])).code).toBe(0);
      expect(await thread.completion(hanging.turnId)).toMatchObject({ status: 'aborted' });
    };
    await interrupted('--keep-sessions');
    expect(await show()).toMatch(/^session {5}\d+, running/m);
    await interrupted();
    expect(await show()).not.toMatch(/^session/m);
  });

  it('lists, edits, moves and drops queued turns', async () => {
    const thread = await environment.start();
    await thread.submit(turn('run: sleep 60'));
    for (const turnId of ['one', 'two', 'three'])
      await thread.submit(turn(`say: ${turnId}`, { turnId, onBusy: 'queue' }));
    const queue = (...more: string[]) => bobbin(['thread', 'queue', thread.threadId, ...more]);
    expect(await queue()).toMatchObject({
      code: 0,
      stdout: 'one  regular  say: one\ntwo  regular  say: two\nthree  regular  say: three\n',
    });
    expect((await queue('--move', 'three', '--before', 'one')).code).toBe(0);
    expect((await queue('--move', 'one', '--before', 'end')).code).toBe(0);
    expect((await queue('--edit', 'two', 'say: deux')).code).toBe(0);
    const left = await queue('--drop', 'three', '--reason', 'changed my mind', '--json');
    expect(JSON.parse(left.stdout)).toEqual([
      { turnId: 'two', kind: 'regular', text: 'say: deux', chars: 9, overrides: {} },
      { turnId: 'one', kind: 'regular', text: 'say: one', chars: 8, overrides: {} },
    ]);
    expect(await thread.completion('three')).toMatchObject({ status: 'aborted', detail: 'changed my mind' });
    expect(await queue('--drop', 'three')).toMatchObject({
      code: 6,
      stderr: expect.stringContaining('does not wait') as string,
    });
    expect((await queue('--move', 'one')).code).toBe(2);
    await thread.close();
  });

  it('compacts, follows that, and shows the size of the context', async () => {
    const thread = await environment.start();
    await runTurn(thread, 'say: one\ntokens: 1234');
    const before = await bobbin(['thread', 'show', thread.threadId]);
    expect(before.stdout).toMatch(/^context {5}1,2\d\d tokens, compacted from [\d,]+ tokens on$/m);
    const compacted = await bobbin(['thread', 'compact', thread.threadId]);
    expect(compacted).toMatchObject({ code: 0, stderr: '' });
    expect(compacted.stdout).toMatch(/^context compacted \(manual\); it had 1,2\d\d tokens$/m);
    const submitted = await bobbin(['thread', 'compact', thread.threadId, '--no-wait', '--turn-id', 'c2', '--json']);
    expect(JSON.parse(submitted.stdout)).toEqual({ threadId: thread.threadId, turnId: 'c2' });
    expect(await thread.completion('c2')).toMatchObject({ kind: 'compact', status: 'completed' });
    const after = await bobbin(['thread', 'show', thread.threadId]);
    expect(after.stdout).toMatch(/^context {5}size unknown yet, compacted from [\d,]+ tokens on, once so far$/m);
    await runTurn(thread, 'say: two\nsummary: status: 400');
    environment.model.offerCompaction(false);
    expect((await bobbin(['thread', 'compact', thread.threadId])).code).toBe(3);
  });

  it('forks a thread from a turn', async () => {
    const thread = await environment.start();
    await runTurn(thread, 'say: one', { turnId: 'first' });
    await runTurn(thread, 'say: two');
    const id = `fork-of-${thread.threadId}`;
    const forked = await bobbin(['thread', 'fork', thread.threadId, '--turn', 'first', '--id', id, '--json']);
    expect(forked).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(forked.stdout)).toMatchObject({
      threadId: id,
      forkedFrom: { threadId: thread.threadId, turnId: 'first' },
      cwd: environment.cwd,
    });
    expect(await bobbin(['thread', 'fork', thread.threadId, '--turn', 'nonsense'])).toMatchObject({
      code: 6,
      stderr: expect.stringContaining('has no turn nonsense') as string,
    });
  });

  it('resumes a closed thread, and rejoins one that runs', async () => {
    const thread = await environment.start();
    await runTurn(thread, 'say: hi');
    await closeThread(thread);
    const resumed = await bobbin(['thread', 'resume', thread.threadId]);
    expect(resumed).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`thread ${thread.threadId} is open again: 1 turn, `) as string,
    });
    const again = await bobbin(['thread', 'resume', thread.threadId, '--model', 'other', '--json']);
    expect(JSON.parse(again.stdout)).toMatchObject({
      rejoined: true,
      warnings: [expect.stringContaining('model') as string],
    });
    expect(await bobbin(['thread', 'resume', 'no-such-thread'])).toMatchObject({
      code: 6,
      stderr: expect.stringContaining('no longer keeps') as string,
    });
  });

  it('undoes a turn and says what it did not undo, and rolls turns back', async () => {
    const thread = await environment.start();
    const first = await runTurn(thread, 'say: one');
    await runTurn(thread, 'run: echo undone > undone.txt');
    const undone = await bobbin(['thread', 'undo', thread.threadId]);
    expect(undone).toMatchObject({ code: 0, stderr: '' });
    expect(undone.stdout).toMatch(/^undone: turn turn-\S+, 0 files restored, 1 deleted$/m);
    expect(undone.stdout).toContain('  not undone: Effects elsewhere, if it had any, of: echo undone > undone.txt\n');
    expect(existsSync(join(environment.cwd, 'undone.txt'))).toBe(false);
    const tooMany = await bobbin(['thread', 'rollback', thread.threadId, '--turns', '2', '--json']);
    expect(tooMany.code).toBe(6);
    expect(JSON.parse(tooMany.stdout)).toMatchObject({ error: { code: 'notEnoughTurns' } });
    const rolledBack = await bobbin(['thread', 'rollback', thread.threadId, '--turns', '1', '--json']);
    expect(rolledBack.code).toBe(0);
    expect(JSON.parse(rolledBack.stdout)).toMatchObject({
      threadId: thread.threadId,
      dropped: [first.turnId, expect.stringMatching(/^undo-/)],
    });
    expect((await bobbin(['thread', 'rollback', thread.threadId, '--turns', 'all'])).code).toBe(2);
    const none = await bobbin(['thread', 'undo', thread.threadId, '--json']);
    expect(none.code).toBe(3);
    expect(JSON.parse(none.stdout)).toMatchObject({ completion: { error: { code: 'nothingToUndo' } }, dropped: null });
  });

  it('answers approvals and questions', async () => {
    const thread = await environment.start({ approvalPolicy: 'untrusted' });
    const asked = turn('run: touch made-by-approval\nask: Which port?');
    await thread.submit(asked);
    const approval = await waitForRequest(thread);
    expect((await bobbin(['thread', 'approve', thread.threadId, approval.requestId])).code).toBe(0);
    const { request } = await waitForEvent(thread, 'item/tool/requestUserInput');
    const questionId = request.type === 'userInput' ? request.questions[0]?.id : '';
    const answered = await bobbin([
      'thread',
      'approve',
      thread.threadId,
      request.requestId,
      '--answer',
      `${questionId ?? ''}=8080`,
    ]);
    expect(answered.code).toBe(0);
    expect((await thread.completion(asked.turnId)).lastAgentMessage).toContain('8080');
    const again = await bobbin(['thread', 'approve', thread.threadId, approval.requestId, '--json']);
    expect(again.code).toBe(6);
    expect(JSON.parse(again.stdout)).toMatchObject({ error: { code: 'requestNotOpen' } });
  });

  it('shows all that will run, also of a patch that no event holds, and foreign text as text', async () => {
    const thread = await environment.start({ approvalPolicy: 'untrusted' });
    const lines = Array.from({ length: 4_000 }, (_, n) => `+line ${n}`).join('\n');
    const patch = `*** Begin Patch\n*** Add File: long.txt\n${lines}\n+\u001b[2J\u202e the end\n*** End Patch`;
    const asked = turn(`patch:\n${patch}`);
    await thread.submit(asked);
    const request = await waitForRequest(thread);
    if (request.type !== 'fileChange') throw new Error('no patch is asked for');
    expect(request.patch).toEqual({ text: patch.slice(0, 16_000), chars: patch.length });
    expect(await thread.wholeRequest(request)).toMatchObject({ patch: { text: patch, chars: patch.length } });
    const shown = await bobbin(['thread', 'requests', thread.threadId, request.requestId]);
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(shown.stdout).toContain(
      ' | +line 3999\n       4003 | +\\x1b[2J\\u{202e} the end\n       4004 | *** End Patch\n',
    );
    expect(shown.stdout).not.toContain('CUT');
    const json = await bobbin(['thread', 'requests', thread.threadId, '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject([{ patch: { text: patch } }]);
    expect(`${shown.stdout}${json.stdout}`).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
    expect((await bobbin(['thread', 'show', thread.threadId])).stdout).toContain('? req_');
    const watched = bobbin(['thread', 'watch', thread.threadId]);
    await thread.resolve({ requestId: request.requestId, decision: 'accept' });
    expect(await thread.completion(asked.turnId)).toMatchObject({ status: 'completed' });
    await thread.close();
    expect((await watched).stdout).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
    expect((await watched).stdout).toContain('the end');
    expect(readFileSync(join(environment.cwd, 'long.txt'), 'utf8')).toContain('line 3999\n\u001b[2J\u202e the end\n');
    const none = await bobbin(['thread', 'requests', thread.threadId, request.requestId, '--json']);
    expect(none.code).toBe(6);
  });

  it('says what is wrong with a thread that is not there, and with a command line that cannot be used', async () => {
    expect(await bobbin(['thread', 'show', 'no-such-thread'])).toMatchObject({
      code: 6,
      stderr: expect.stringContaining('no thread no-such-thread') as string,
    });
  });
});

describe('bobbin review', () => {
  const makeChanges = (name: string, lines: string): string => {
    const cwd = join(environment.data, '..', name);
    mkdirSync(cwd, { recursive: true });
    git(cwd, 'init', '-q', '-b', 'main');
    writeFileSync(join(cwd, 'new.ts'), lines);
    return cwd;
  };

  it('prints what it found, and exits with 7 where a finding counts', async () => {
    const cwd = makeChanges('review-findings', 'one\n// TODO two\n');
    const all = await bobbin(['review', '--cwd', cwd]);
    expect(all).toMatchObject({ code: 7, stderr: '' });
    expect(all.stdout).toContain('\n│ - [P2] Do what is marked TODO — new.ts:2-2\n│   The change adds this line');
    expect(await bobbin(['review', '--uncommitted', '--cwd', cwd, '--fail-on', 'P1'])).toMatchObject({ code: 0 });
    const json = await bobbin(['review', '--cwd', cwd, '--fail-on', 'never', '--json']);
    expect(json.code).toBe(0);
    expect(JSON.parse(json.stdout)).toMatchObject({
      completion: { kind: 'review', status: 'completed' },
      range: { head: null },
      reviewOutput: { findings: [{ priority: 2, codeLocation: { path: 'new.ts', inDiff: true } }] },
    });
  });

  it('exits with 0 where it found nothing, and with 7 where its answer holds no verdict', async () => {
    const thread = await environment.start({ workspace: { cwd: makeChanges('review-clean', 'one\n') } });
    const review = (...args: string[]) => bobbin(['review', '--thread', thread.threadId, ...args]);
    expect(await review()).toMatchObject({ code: 0, stdout: expect.stringContaining('0 lines') as string });
    expect(await review('--instructions', 'say: I would not know')).toMatchObject({ code: 7 });
    expect((await thread.view()).turnCount).toBe(2);
  });

  it('exits with the status of a turn that comes to no result, and says why', async () => {
    const cwd = makeChanges('review-failing', 'one\n');
    const failed = await bobbin(['review', '--base', 'nowhere', '--cwd', cwd]);
    expect(failed).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringContaining('[reviewBaseMissing]') as string,
    });
    const json = await bobbin(['review', '--commit', 'deadbeef', '--cwd', cwd, '--json']);
    expect(json.code).toBe(3);
    expect(JSON.parse(json.stdout)).toMatchObject({
      ...{ reviewOutput: null, completion: { status: 'failed', error: { code: 'reviewTargetUnknown' } } },
    });
    expect(await bobbin(['review', '--base', 'a', '--commit', 'b'])).toMatchObject({ code: 2 });
    expect(await bobbin(['review', '--fail-on', 'P9'])).toMatchObject({ code: 2 });
    expect(await bobbin(['review', '--instructions', ' '])).toMatchObject({ code: 2 });
  });

  it('interrupts the review on Ctrl-C and exits with 130', async () => {
    const thread = await environment.start({ workspace: { cwd: makeChanges('review-slow', 'one\n') } });
    const ran = await bobbin(
      ['review', '--thread', thread.threadId, '--instructions', 'stream: 10000 20'],
      async (kill) => {
        await waitForEvent(thread, 'subThread/updated', ({ subThread }) => subThread.status === 'running');
        kill();
      },
    );
    expect(ran.code).toBe(130);
    const { turn: ended } = await waitForEvent(thread, 'turn/completed');
    expect(ended).toMatchObject({ kind: 'review', status: 'aborted', reason: 'interrupted' });
  });
});

it('prints help and exits with 0', async () => {
  const { code, stdout } = await bobbin(['thread', 'send', '--help']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/Examples?:\n {2}/);
});
