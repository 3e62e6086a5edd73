/** What `bobbin chat` does with odd terminals and odd input, and without a terminal. */
import { spawn } from 'node:child_process';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { ThreadHandle } from '../../src/client/index.ts';
import { CLI } from '../parts/programs.ts';
import { runCli } from '../parts/run-cli.ts';
import { createTerminals, say } from '../parts/terminal.ts';
import { type TestEnvironment, eventsSoFar, openEnvironment, waitForRequest, waitUntilListed } from '../environment.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment();
});
afterAll(() => environment.close());

const terminals = createTerminals();
afterEach(() => terminals.closeAll());

describe('a terminal', () => {
  it('of 20 columns shows everything, and may be resized', async () => {
    const thread = await environment.start({ approvalPolicy: 'untrusted' });
    const small = { cwd: environment.cwd, env: environment.env, columns: 20, rows: 15 };
    const terminal = await terminals.open(['chat', '--thread', thread.threadId], small);
    await terminal.until('ready');
    await terminal.paste('run: touch a-file-with-a-name-that-is-long');
    await terminal.until('-is-long');
    await terminal.press('Enter');
    await terminal.until('y yes, once');
    await terminal.resize(100, 40);
    await terminal.until(/y yes, once · a for the session · t remember/);
    await terminal.resize(30, 10);
    await terminal.press('n');
    await terminal.until(/turn completed in/);
    await terminal.until('ready');
  });

  it('gets a paste of a megabyte, which is refused, and bytes that are no UTF-8, which are shown', async () => {
    const terminal = await terminals.open(['chat'], environment);
    await terminal.until('› ');
    await terminal.paste('x'.repeat(1_048_576));
    await terminal.until('This text has 1,048,576 characters, and a prompt at most 262,144.');
    await terminal.bytes(0x61, 0xff, 0xfe, 0x62);
    await terminal.until('› a\ufffd\ufffdb');
    await terminal.press('C-u');
    await terminal.paste(`say: ${'y'.repeat(200_000)}`);
    await terminal.until(/y{90}/);
    await terminal.press('Enter');
    await terminal.until(/turn completed in/);
  });

  it('is never told anything by a model, a command or a name', async () => {
    const terminal = await terminals.open(['chat'], environment);
    await terminal.until('› ');
    const evil = '\u001b[2J\u001b]0;taken\u0007\u202egnirts\u009b31m';
    await terminal.paste(`say: ${evil}\nrun: printf '\\033[2J\\033]0;taken\\007? req_1 wants'`);
    await terminal.until('req_1 wants');
    await terminal.press('Enter');
    const shown = await terminal.until(/turn completed in/);
    expect(shown).toContain('│ \\x1b[2J\\x1b]0;taken\\x07\\u{202e}gnirts\\x9b31m');
    expect(shown).toContain('│ \\x1b[2J\\x1b]0;taken\\x07? req_1 wants');
    expect(await terminal.title()).not.toContain('taken');
  });

  it('that becomes narrower while output is streamed shows nothing twice', async () => {
    const terminal = await terminals.open(['chat'], environment);
    await terminal.until('› ');
    await say(terminal, '/help');
    await terminal.until((screen) => screen.includes('leaves') && !screen.includes('› /help'));
    await say(terminal, '/help');
    await say(terminal, `run: printf %0300d 7; sleep 600`);
    await terminal.until(/^│ 0{50,}/m);
    for (const columns of [90, 60]) {
      await terminal.resizeStopped(columns, 30);
      await terminal.until((screen) => screen.split('\n').includes(`│ ${'0'.repeat(columns - 3)}`));
    }
    await terminal.until('Esc interrupts');
    await terminal.press('Escape');
    const shown = await terminal.until('ready');
    // The rows that stay, and no part of a frame.
    expect(shown.match(/^\$ printf/gm)).toHaveLength(1);
    expect(shown.match(/^│ 0+$/gm)).toHaveLength(Math.floor(300 / 58));
    expect(shown.match(/^› /gm)).toHaveLength(1);
  });
});

describe('two chats on one thread', () => {
  it('show a request to both; the first answer counts, and the other is told', async () => {
    const own = await openEnvironment({ worker: false });
    onTestFinished(() => own.close());
    const worker = await own.worker();
    const thread = await own.start({ approvalPolicy: 'untrusted' });
    const open = () => terminals.open(['chat', '--thread', thread.threadId], own);
    const [one, other] = [await open(), await open()];
    await one.until('ready');
    await other.until('ready');
    await say(one, 'run: echo asked >> asked-once');
    await one.until('y yes, once');
    await other.until('y yes, once');
    // Neither sees the answer of the other before it gives its own.
    await worker.stop();
    await Promise.all([one.press('y'), other.press('n')]);
    await expect.poll(() => answersTo(own, thread)).toBe(2);
    await own.worker();
    const screens = await Promise.all([one, other].map((terminal) => terminal.until(/turn completed in/)));
    const answers = screens.map((screen) => screen.match(/req_\d+: (?:accept|decline) \(by person\)/g));
    expect(answers[0]).toHaveLength(1);
    expect(answers[1]).toEqual(answers[0]);
    for (const terminal of [one, other]) {
      await terminal.until(/resolveRequest rejected \[requestNotOpen\]/);
      await terminal.until('ready');
      await say(terminal, `say: by ${terminal === one ? 'one' : 'the other'}`);
      for (const each of [one, other]) await each.until(`│ by ${terminal === one ? 'one' : 'the other'}`);
    }
  });
});

/** How many answers to requests the thread was sent. */
async function answersTo({ bobbin }: TestEnvironment, { workflowId }: ThreadHandle): Promise<number> {
  const { events } = await bobbin.service.client.workflow.getHandle(workflowId).fetchHistory();
  const names = (events ?? []).map((event) => event.workflowExecutionSignaledEventAttributes?.signalName);
  return names.filter((name) => name === 'resolveRequest').length;
}

describe('without a terminal', () => {
  it('a reader that leaves ends the chat, also while nothing is printed', async () => {
    // The input stays open.
    const child = spawn('bash', ['-c', `{ node ${CLI} chat; echo $? >&2; } | true`], {
      cwd: environment.cwd,
      env: { ...process.env, ...environment.env },
    });
    let said = '';
    child.stderr.on('data', (data: Buffer) => (said += data.toString()));
    await expect.poll(() => said, { timeout: 30_000 }).toBe('141\n');
    child.stdin.end();
  });

  it('each line is a turn, in order, and the end of the input is the end', async () => {
    const { code, stdout, stderr } = await runCli(['chat'], {
      ...environment,
      input: 'say: first\nsay: second\n/nonsense\n',
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/│ first[^]*turn completed[^]*│ second[^]*turn completed[^]*thread repo-[a-z]{5} stays/);
    expect(stdout).toContain('There is no command /nonsense');
  });

  it('a line answers a request; without one, the chat leaves and the request stays', async () => {
    const folder = { cwd: environment.workspace(), env: environment.env };
    const thread = await environment.start({ approvalPolicy: 'untrusted', workspace: { cwd: folder.cwd } });
    const given = { ...folder, input: 'run: touch asked-for\n' };
    const left = await runCli(['chat', '--thread', thread.threadId], given);
    expect(left).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('with a line: y (yes, once)') as string,
    });
    const { requestId } = await waitForRequest(thread);
    await waitUntilListed(environment, thread);
    await runCli(['chat', '--continue'], { ...folder, input: 'n\n' });
    const resolved = (await eventsSoFar(thread)).find(({ type }) => type === 'serverRequest/resolved');
    expect(resolved).toMatchObject({ requestId, decision: 'decline' });
  });

  it('an input that is closed at once starts nothing', async () => {
    expect(await runCli(['chat'], environment)).toMatchObject({ code: 0, stdout: 'nothing was started\n' });
  });

  it('a thread that does not exist is named', async () => {
    const { code, stderr } = await runCli(['chat', '--thread', 'no-such-thread'], environment);
    expect(code).toBe(6);
    expect(stderr).toContain('no-such-thread');
  });
});

describe('a terminal that goes away', () => {
  it('leaves no process behind', async () => {
    const terminal = await terminals.open(['chat'], environment);
    await terminal.until('› ');
    const pid = await terminal.pid();
    await say(terminal, 'run: sleep 600');
    await terminal.until('running tools');
    await terminal.close();
    await expect.poll(() => isAlive(pid), { timeout: 20_000 }).toBe(false);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
