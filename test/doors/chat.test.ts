/** `bobbin chat` in a real terminal. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createTerminals, pressInterruptTwice, say } from '../parts/terminal.ts';
import { startOddEndpoint } from '../parts/odd-endpoint.ts';
import { WORKER } from '../parts/programs.ts';
import { type TestEnvironment, openEnvironment, runTurn, turn } from '../environment.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment();
});
afterAll(() => environment.close());

const terminals = createTerminals();
afterEach(() => terminals.closeAll());

const chat = (args: string[] = []) => terminals.open(['chat', ...args], environment);

describe('bobbin chat', () => {
  it('starts a thread with the first prompt, streams text and output, and is left with Ctrl-C twice', async () => {
    const terminal = await chat();
    await terminal.until('› ');
    await say(terminal, 'run: echo one; while [ ! -e go ]; do sleep 0.1; done; echo two');
    // The command still runs.
    await terminal.until(/^│ one$/m);
    writeFileSync(join(environment.cwd, 'go'), '');
    await terminal.until(/turn completed in/);
    const shown = await terminal.until(/ready · [\d,]+ tokens/);
    expect(shown).toMatch(/^│ two$/m);
    await pressInterruptTwice(terminal);
    const left = await terminal.until('exit code 0');
    expect(left).toMatch(/thread repo-[a-z]{5} stays; to continue it:\n +node .*chat --thread repo-[a-z]{5}$/m);
    expect(left).toContain('what runs goes on at the Temporal service ');
  });

  it('shows the diff of a patch, and applies it after y', async () => {
    const thread = await environment.start({ approvalPolicy: 'untrusted' });
    const terminal = await chat(['--thread', thread.threadId]);
    await terminal.until('ready');
    await terminal.paste(PATCH);
    await terminal.until('+hello from the patch');
    await terminal.press('Enter');
    const asked = await terminal.until(/y yes, once · a for the session/);
    expect(asked).toMatch(/^ +\d+ \| \+hello from the patch$/m);
    expect(asked).toContain(join(environment.cwd, 'greeting.txt'));
    expect(existsSync(join(environment.cwd, 'greeting.txt'))).toBe(false);
    await terminal.press('y');
    await terminal.until(/turn completed in/);
    expect(readFileSync(join(environment.cwd, 'greeting.txt'), 'utf8')).toBe('hello from the patch\n');
  });

  it('does not take what is typed ahead for an answer', async () => {
    const thread = await environment.start({ approvalPolicy: 'untrusted' });
    const terminal = await chat(['--thread', thread.threadId]);
    await terminal.type('yes');
    await terminal.until('› yes');
    await thread.submit(turn('run: touch made-by-mistake'));
    await terminal.until('empty the prompt (Ctrl-U) to answer');
    await terminal.press('C-u');
    await terminal.until('y yes, once');
    await terminal.press('n');
    await terminal.until(/decline \(by person\)/);
    await terminal.until(/turn completed in/);
    expect(existsSync(join(environment.cwd, 'made-by-mistake'))).toBe(false);
  });

  it('interrupts the turn with Esc, and the session stays', async () => {
    const terminal = await chat();
    await terminal.until('› ');
    await say(terminal, 'run: echo begun; sleep 600');
    await terminal.until(/^│ begun$/m);
    await terminal.until('Esc interrupts');
    await terminal.press('Escape');
    await terminal.until(/turn aborted \(interrupted\)/);
    await terminal.until('ready');
    await say(terminal, 'say: still here');
    await terminal.until(/^│ still here/m);
  });

  it('says that the worker was killed, goes on with the next one, and shows nothing twice', async () => {
    const endpoint = await startOddEndpoint();
    const alone = await openEnvironment({ worker: false, env: { BOBBIN_OFFLINE_MODEL_URL: endpoint.url } });
    endpoint.target = alone.model.url;
    const workers: WorkerProcess[] = [];
    const startWorker = () => {
      const worker = startWorkerProcess(alone.env);
      workers.push(worker);
      return worker;
    };
    try {
      const first = startWorker();
      const terminal = await terminals.open(['chat'], alone);
      await terminal.until('› ');
      await terminal.paste('run: echo once\nsay: after');
      await terminal.until(/^ {2}say: after$/m);
      await terminal.press('Enter');
      await terminal.until(/turn completed in/);
      // Only the next worker gets an answer.
      const held = endpoint.answer('say: held', () => undefined);
      await say(terminal, 'say: held');
      await terminal.until(/the model answers/);
      await expect.poll(() => endpoint.times('say: held').length).toBeGreaterThan(0);
      first.child.kill('SIGKILL');
      await first.ended;
      held.end();
      await terminal.until('The worker does not answer');
      await say(terminal, 'say: meanwhile');
      await terminal.until('sent    say: meanwhile');
      startWorker();
      await terminal.until('A worker answers again');
      const shown = await terminal.until((screen) => (screen.match(/turn completed in/g) ?? []).length === 2);
      expect(shown.match(/^│ once$/gm)).toHaveLength(1);
      expect(shown.match(/^> say: meanwhile$/gm)).toHaveLength(1);
      await terminal.close();
      const again = await terminals.open(['chat', '--continue'], alone);
      const same = await again.until((screen) => (screen.match(/turn completed in/g) ?? []).length === 2);
      // The time at which a replay sees a turn end may be another (docs/traps.md).
      const stays = (screen: string) =>
        screen.split('\n').flatMap((line) => (/^(> |│ |\$ |turn )/.test(line) ? line.replace(/ in [\d.]+ s/, '') : []));
      expect(stays(same)).toEqual(stays(shown));
    } finally {
      for (const { child, ended } of workers) {
        child.kill('SIGKILL');
        await ended;
      }
      await alone.close();
      await endpoint.close();
    }
  });
});

describe('the commands of a chat', () => {
  it('undo with a preview, roll back, fork, choose a thread, and queue and edit turns', async () => {
    const terminal = await chat();
    await terminal.until('› ');
    await say(terminal, 'run: echo made > made-by-the-turn');
    await terminal.until(/turn completed in/);
    await say(terminal, '/undo');
    await terminal.until(/would be undone: turn .*0 files restored, 1 deleted/);
    expect(existsSync(join(environment.cwd, 'made-by-the-turn'))).toBe(true);
    await say(terminal, '/undo yes');
    await terminal.until(/^undone: turn .*1 deleted/m);
    expect(existsSync(join(environment.cwd, 'made-by-the-turn'))).toBe(false);
    await say(terminal, '!echo by the person');
    await terminal.until(/^│ by the person$[^]*turn completed in/m);
    await say(terminal, '/fork');
    await terminal.until(/a fork of repo-[a-z]{5}\nit begins with the past of thread repo-[a-z]{5}/);
    await terminal.until('ready');
    await say(terminal, 'say: in the fork');
    await terminal.until(/^│ in the fork$[^]*turn completed in/m);
    await say(terminal, '/rollback');
    await terminal.until('no longer part of the conversation: 1 turn');
    await say(terminal, '/resume');
    await terminal.until('Enter chooses');
    await terminal.press('Escape');
    await terminal.until((screen) => !screen.includes('Enter chooses'));
    await terminal.until('ready');
    await say(terminal, 'run: while [ ! -e free ]; do sleep 0.1; done');
    await terminal.until('running tools');
    await terminal.type('say: quoued');
    await terminal.until('› say: quoued');
    await terminal.press('Tab');
    await terminal.until('queued 1 say: quoued');
    await say(terminal, '/queue edit 1 say: queued');
    await terminal.until(/^queued 1 say: queued/m);
    writeFileSync(join(environment.cwd, 'free'), '');
    await terminal.until(/^│ queued$/m);
  });

  it('stream text, review, compact, and show rules, agents, budget, threads, and use another model', async () => {
    const terminal = await chat();
    await terminal.until('› ');
    await say(terminal, 'stream: 3 600000');
    // The next word comes in ten minutes.
    await terminal.until(/^│ word1$/m);
    await terminal.until('Esc interrupts');
    await terminal.press('Escape');
    const cut = await terminal.until(/turn aborted \(interrupted\)/);
    expect(cut).toMatch(/^│ word1\n {2}cut off here; the thread keeps nothing of this answer\n+turn aborted/m);
    writeFileSync(join(environment.cwd, 'to-review.txt'), 'new\n');
    const answers: [string, string | RegExp][] = [
      ['/rules', 'no answers are remembered'],
      ['/agents', 'no agents'],
      ['/budget', /by the thread: /],
      ['/threads', /● +repo-[a-z]{5} .*stream: 3 600000/],
      ['/show', 'no request is open'],
      ['/help', 'Ctrl-C twice, or Ctrl-D, leaves'],
      ['/model', 'model offline/bobbin-offline'],
      ['/compact', 'context compacted (manual)'],
      ['/review', /reviewing: /],
    ];
    for (const [command, answer] of answers) {
      await say(terminal, command);
      await terminal.until(answer);
    }
    await terminal.until((screen) => (screen.match(/turn completed in/g) ?? []).length === 2);
    await say(terminal, '/model offline/another');
    await terminal.until('model offline/another from the next prompt on');
    await say(terminal, 'say: by another');
    await terminal.until(/ready · .* · offline\/another/);
  });

  it('run a command of the person, which Esc ends', async () => {
    const terminal = await chat();
    await terminal.until('› ');
    await say(terminal, '!echo begun; sleep 600');
    await terminal.until(/^│ begun$/m);
    await terminal.until('Esc interrupts');
    await terminal.press('Escape');
    await terminal.until(/turn aborted \(interrupted\)/);
    await say(terminal, 'run: echo of the agent; while [ ! -e agent-may-end ]; do sleep 0.1; done');
    await terminal.until(/^│ of the agent$/m);
    await say(terminal, '!echo beside; sleep 600');
    await terminal.until('1 command of yours');
    await terminal.until(/^│ beside$/m);
    await terminal.press('Escape');
    const shown = await terminal.until((screen) => (screen.match(/turn aborted \(interrupted\)/g) ?? []).length === 3);
    expect(shown.match(/^\$ echo begun/gm)).toHaveLength(1);
  });

  it('remember prompts for the next chat, and complete the names of files', async () => {
    const first = await chat();
    await first.until('› ');
    await say(first, '/budget');
    await first.until('There is no thread yet');
    await first.press('C-d');
    await first.until(/nothing was started[^]*exit code 0/);
    const second = await chat();
    await second.until('› ');
    await second.press('Up');
    await second.until('› /budget');
    await second.press('C-u');
    await second.type('read @READ');
    await second.until('Tab: README.md');
    await second.press('Tab');
    await second.until('› read @README.md');
  });
});

describe('the threads of a folder', () => {
  it('are chosen with the arrow keys, or by the beginning of an id; of a long one the newest turns are shown, and the number of those before', async () => {
    const cwd = environment.workspace();
    const options = { cwd, env: environment.env };
    const long = await environment.start({ workspace: { cwd }, title: 'the long one' });
    await runTurn(long, 'say: the first answer');
    // An event each, since they are refused.
    await Promise.all(Array.from({ length: 1_000 }, () => long.requestInterrupt({ turnId: 'another' })));
    await runTurn(long, 'say: the second answer');
    await runTurn(long, 'say: the third answer');
    const other = await environment.start({ workspace: { cwd }, title: 'the other one' });
    await runTurn(other, 'say: of the other');
    const listed = async () => (await environment.bobbin.threads.list({ cwd })).length;
    await expect.poll(listed, { timeout: 20_000 }).toBe(2);
    const terminal = await terminals.open(['chat', '--pick'], options);
    await terminal.until(/❯ the other one[^]* {2}the long one/);
    await terminal.press('Down');
    await terminal.until('❯ the long one');
    await terminal.press('Enter');
    await terminal.until('ready');
    const shown = await terminal.until(/^│ the third answer$/m);
    expect(shown).toMatch(/^1 earlier turn is not shown$/m);
    expect(shown).toMatch(/^> say: the second answer$/m);
    expect(shown).not.toContain('the first answer');
    await say(terminal, `/resume ${other.threadId.slice(0, -5)}`);
    await terminal.until(/^│ of the other$/m);
    await terminal.until('ready');
  }, 240_000);
});

describe('a thread that was closed', () => {
  it('says how to open it again, and keeps the prompt', async () => {
    const thread = await environment.start({ threadId: `closed-${Date.now()}` });
    const terminal = await chat(['--thread', thread.threadId]);
    await terminal.until('ready');
    await thread.close({ reason: 'enough' });
    await terminal.until('thread closed: enough');
    await say(terminal, 'say: again');
    await terminal.until(`/resume ${thread.threadId} opens it again`);
    await terminal.until('› say: again');
    await terminal.press('C-u');
    await say(terminal, `/resume ${thread.threadId}`);
    await terminal.until('open again');
    await terminal.until('ready');
    await say(terminal, 'say: again');
    await terminal.until(/^│ again$/m);
  });
});

describe('agents below', () => {
  it('are shown while they work, at any depth, and stay with their names', async () => {
    const thread = await environment.start();
    const terminal = await terminals.open(['chat', '--thread', thread.threadId], { ...environment, columns: 120 });
    await terminal.until('ready');
    const held = (word: string) => `run: echo ${word}; while [ ! -e agents-may-end ]; do sleep 0.1; done`;
    const message = `spawn: ${held('deep')}\n${held('near')}\ncall: wait_agent {}`;
    await terminal.paste(
      `call: spawn_agent ${JSON.stringify({ task_name: 'helper', message })}\ncall: wait_agent {"timeout_ms": 120000}`,
    );
    await terminal.until('wait_agent {"timeout_ms": 120000}');
    await terminal.press('Enter');
    await terminal.until(/^\[helper\] \$ echo near.*\n(?:.*\n)*?│ near$/m);
    await terminal.until(/^\[helper › spawned_by_rule\] \$ echo deep.*\n(?:.*\n)*?│ deep$/m);
    await say(terminal, '/agents');
    await terminal.until(/agent helper {2}running[^]*agent spawned_by_rule {2}running/);
    writeFileSync(join(environment.cwd, 'agents-may-end'), '');
    await terminal.until(/^turn completed in/m);
    const shown = await terminal.until('ready');
    for (const one of ['[helper] $ echo near', '[helper › spawned_by_rule] $ echo deep'])
      expect(shown.split('\n').filter((row) => row.startsWith(one))).toHaveLength(1);
    expect(shown).toMatch(/^\[helper › spawned_by_rule\] │ deep$/m);
  });
});

describe('an agent below', () => {
  it('asks here, with its path, and gets the answer', async () => {
    const thread = await environment.start({ threadId: `tree-${Date.now()}`, approvalPolicy: 'untrusted' });
    const terminal = await chat(['--thread', thread.threadId]);
    await terminal.until('ready');
    await terminal.paste('spawn: run: echo x > by-the-agent\ncall: wait_agent {}');
    await terminal.until('wait_agent {}');
    await terminal.press('Enter');
    const asked = await terminal.until('y yes, once');
    expect(asked).toContain(`agent ${thread.threadId}/1 wants to run a command`);
    await terminal.press('y');
    await terminal.until(/turn completed in/);
    expect(existsSync(join(environment.cwd, 'by-the-agent'))).toBe(true);
  });
});

const PATCH = `patch:
*** Begin Patch
*** Add File: greeting.txt
+hello from the patch
*** End Patch`;

interface WorkerProcess {
  child: ChildProcess;
  ended: Promise<unknown>;
}

function startWorkerProcess(env: Record<string, string>): WorkerProcess {
  const child = spawn('node', [WORKER], { env: { ...process.env, ...env }, stdio: 'ignore' });
  return { child, ended: once(child, 'exit') };
}
