/** The programs of `examples/`, run as a reader would. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { Hono } from 'hono';
import { serve } from '@hono/node-server';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findChromium, launchChromium } from '../browser.ts';
import { startHttpStand } from '../parts/http-server.ts';
import { runCli } from '../parts/run-cli.ts';
import { preparePython } from '../parts/python.ts';
import { assertHealthy } from '../parts/raw-client.ts';
import { type TestEnvironment, itemsOf, openEnvironment, runTurn } from '../environment.ts';

const run = promisify(execFile);
const examples = join(import.meta.dirname, '../../examples');

const prepared = await preparePython();
if ('missing' in prepared) console.warn(`The Python example is not run: ${prepared.missing}`);

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment();
});
afterAll(() => environment.close());

/** Runs a program against the stand. Rejects with its output where it fails. */
async function runProgram(
  command: string,
  args: string[],
  onOutput: (said: string) => void = () => undefined,
): Promise<{ lines: string[]; threadId: string }> {
  const running = run(command, args, { env: { ...process.env, ...environment.env }, timeout: 110_000 });
  let said = '';
  running.child.stdout?.on('data', (text: string) => onOutput((said += text)));
  const { stdout } = await running;
  const lines = stdout.trim().split('\n');
  return { lines, threadId: lines[0]?.replace('thread ', '') ?? '' };
}

async function expectClosed(threadId: string): Promise<void> {
  const workflowId = `thread/${threadId}`;
  const result: unknown = await environment.bobbin.service.client.workflow.getHandle(workflowId).result();
  expect(result).toMatchObject({ status: 'closed', threadId, turnCount: 1, reason: 'the example is over' });
  await assertHealthy(environment, workflowId);
}

describe('a client in another language', () => {
  it.skipIf('missing' in prepared)('drives a thread by the names on the wire alone', async () => {
    if ('missing' in prepared) return;
    const script = join(examples, '05-python/drive_thread.py');
    const prompt = 'run: echo "drôle 漢字 😀" > from-python.txt\nrun: cat from-python.txt';
    const { lines, threadId } = await runProgram(prepared.python, [script, environment.cwd, prompt]);
    expect(readFileSync(join(environment.cwd, 'from-python.txt'), 'utf8')).toBe('drôle 漢字 😀\n');
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({
      status: 'completed',
      lastAgentMessage: expect.stringContaining('drôle 漢字 😀') as string,
    });
    const numbers = lines.slice(1, -1).map((line) => Number(line.slice(0, 4)));
    expect(numbers).toEqual(numbers.map((_, i) => i + 1));
    expect(lines.some((line) => line.endsWith('item/commandExecution/requestApproval'))).toBe(true);
    await expectClosed(threadId);
  });
});

describe('a client in TypeScript', () => {
  it('starts a thread, follows it, steers it and closes it', async () => {
    const program = join(examples, '01-thread-in-typescript/drive-thread.ts');
    const args = [program, environment.cwd, 'run: until [ -e was-steered ]; do sleep 0.1; done', 'mention the weather'];
    const { lines, threadId } = await runProgram(process.execPath, args, (said) => {
      if (said.includes('turn/steered')) writeFileSync(join(environment.cwd, 'was-steered'), '');
    });
    expect(lines.join('\n')).toContain('mention the weather');
    expect(lines.at(-1)).toMatch(/thread\/closed$/);
    await expectClosed(threadId);
  });
});

const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill();
    await once(child, 'exit');
  }
});

/** Starts a program that runs until it is ended. */
function startProgram(args: string[], env: Record<string, string>): ChildProcess {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...environment.env, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  return child;
}

describe('a web service', () => {
  async function startService(): Promise<string> {
    const child = startProgram([join(examples, '02-service/service.ts'), environment.cwd], { PORT: '0' });
    const lines = createInterface({ input: child.stdout! });
    for await (const line of lines) return line;
    throw new Error('the service has ended');
  }

  it('runs a turn for each task, once for each key, and streams its events', async () => {
    const url = await startService();
    const start = () =>
      fetch(new URL('tasks', url), {
        method: 'POST',
        body: 'say: done',
        headers: { 'idempotency-key': `k-${environment.account}` },
      });
    const [first, second] = [await (await start()).json(), await (await start()).json()] as {
      taskId: string;
      events: string;
    }[];
    expect(second).toEqual(first);
    const end = await (await fetch(new URL(`tasks/${first!.taskId}`, url))).json();
    expect(end).toMatchObject({ status: 'completed', lastAgentMessage: expect.stringContaining('done') as string });
    const events = await (await fetch(new URL(first!.events, url))).text();
    const ids = [...events.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
    expect(ids).toEqual(ids.map((_, index) => index + 1));
    const rest = await fetch(new URL(first!.events, url), { headers: { 'last-event-id': '3' } });
    expect(await rest.text()).toMatch(/^id: 4$/m);
  });

  it('refuses a page of another origin', async () => {
    const url = await startService();
    const post = fetch(new URL('tasks', url), {
      method: 'POST',
      body: 'say: x',
      headers: { origin: 'http://evil.example' },
    });
    expect((await post).status).toBe(403);
  });

  const chromium = findChromium();
  it.skipIf(chromium === undefined)('shows a turn live in a browser', async () => {
    const url = await startService();
    const browser = await launchChromium(chromium!);
    try {
      const page = await browser.newPage();
      await page.goto(url);
      await page.getByLabel('What to do').fill('run: echo "<b>from</b> a command"');
      await page.getByRole('button', { name: 'Start' }).click();
      await page.getByText('completed', { exact: false }).waitFor();
      expect(await page.locator('pre').textContent()).toContain('$ echo "<b>from</b> a command"');
      expect(await page.locator('pre b').count()).toBe(0);
    } finally {
      await browser.close();
    }
  });
});

describe('a bridge to a chat', () => {
  it('posts the requests of a thread with all that will run, and passes the answer on', async () => {
    const thread = await environment.start({ approvalPolicy: 'untrusted' });
    const posted: string[] = [];
    const chat = new Hono().post('/', async (context) => {
      posted.push((await context.req.json<{ text: string }>()).text);
      return context.body(null, 204);
    });
    const server = serve({ fetch: chat.fetch, hostname: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const bridge = startProgram([join(examples, '03-approvals-in-a-chat/bridge.ts'), thread.threadId], {
      CHAT_WEBHOOK: `http://127.0.0.1:${port}/`,
    });
    const command = `touch from-the-chat # ${'x'.repeat(5_000)} \`\`\` end`;
    await thread.submit({ turnId: 'asking', kind: 'regular', input: [{ type: 'text', text: `run: ${command}` }] });
    const isRequest = (text: string) => text.includes('Reply "yes');
    await expect.poll(() => posted.some(isRequest), { timeout: 20_000 }).toBe(true);
    const message = posted.find(isRequest)!;
    expect(message).toContain('x'.repeat(5_000));
    expect(message.split('```')).toHaveLength(3);
    const [, requestId] = /"yes (\S+)"/.exec(message) ?? [];
    bridge.stdin!.write(`yes ${requestId}\nyes ${requestId}\n`);
    expect(await thread.completion('asking')).toMatchObject({ status: 'completed' });
    await expect.poll(() => posted, { timeout: 20_000 }).toContain(`${requestId}: accept, by person`);
    expect(existsSync(join(environment.cwd, 'from-the-chat'))).toBe(true);
    server.close();
  });
});

describe('a worker of your own', () => {
  /** On a queue where no other worker is. */
  async function startOwnWorker(...args: string[]) {
    const own = await openEnvironment({ worker: false });
    const child = spawn(process.execPath, args, {
      env: { ...process.env, ...own.env },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    children.push(child);
    for await (const line of createInterface({ input: child.stdout })) if (line === 'the worker is ready') break;
    return own;
  }

  it('offers its tool to the model', async () => {
    const orders = join(environment.cwd, 'orders.json');
    writeFileSync(orders, '{ "A-17": { "state": "paid" } }');
    const own = await startOwnWorker(join(examples, '07-custom-tool/worker.ts'), orders);
    const thread = await own.start();
    const text = 'call: look_up_order {"number": "A-17"}\ncall: look_up_order {"number": "B-1"}';
    expect(await runTurn(thread, text)).toMatchObject({ status: 'completed' });
    expect(await itemsOf(thread, 'mcpToolCall')).toMatchObject([
      { status: 'completed', output: '{"number":"A-17","state":"paid"}' },
      { status: 'failed', output: 'The tool failed: There is no order B-1.' },
    ]);
    await own.close();
  });

  it('runs its task in the turns that name it', async () => {
    const own = await startOwnWorker(join(examples, '08-custom-kind/worker.ts'));
    for (let file = 0; file < 24; file++) writeFileSync(join(own.cwd, `file-${file}.txt`), `${file}`);
    const thread = await own.start();
    const end = await runTurn(thread, '', { kind: 'custom', task: 'checksums', input: [] });
    expect(end).toMatchObject({ status: 'completed', lastAgentMessage: 'SHA256SUMS has 25 files.' });
    await run('sha256sum', ['--check', '--quiet', 'SHA256SUMS'], { cwd: own.cwd });
    expect((await itemsOf(thread, 'agentMessage')).map((item) => item.text)).toContain('20 done');
    await own.close();
  });
});

describe('a nightly review', () => {
  it('is a Schedule that can be updated by the same command', async () => {
    const file = join(examples, '04-nightly-review/nightly.json');
    const id = `example-${environment.account}`;
    const create = [
      'schedule',
      'create',
      id,
      '--targets',
      file,
      '--cron',
      '0 3 * * MON-FRI',
      '--timezone',
      'Europe/Berlin',
    ];
    const options = ['--jitter', '10m', '--pause-on-failure', '--if-exists', 'update'];
    for (const _ of [1, 2])
      expect(await runCli([...create, ...options], environment)).toMatchObject({ code: 0, stderr: '' });
    await environment.bobbin.schedules.get(id).delete();
  });
});

describe('curl', () => {
  it('runs a turn against the HTTP API', async () => {
    const stand = await startHttpStand(environment.bobbin);
    try {
      const env = { ...process.env, BOBBIN_URL: stand.url, BOBBIN_TOKEN: stand.secret };
      const args = [environment.cwd, 'say: "quoted" \\ and\tmore'];
      const { stdout } = await run(join(examples, '06-curl/turn.sh'), args, { env, timeout: 110_000 });
      const last = JSON.parse(stdout.trim().split('\n').at(-1)!) as object;
      const message = expect.stringContaining('"quoted" \\ and\tmore') as string;
      expect(last).toMatchObject({ type: 'turn/completed', turn: { status: 'completed', lastAgentMessage: message } });
    } finally {
      await stand.close();
    }
  });
});
