/** The real Codex as the client of `bobbin mcp`. `npm run bench` installs it, 400 MB, in bench/peers. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openDialogue, toConfig, toEnvironment } from '../../bench/codex/app-server.ts';
import { installedCodex } from '../../bench/codex/install.ts';
import { type TestEnvironment, openEnvironment } from '../environment.ts';
import { CLI } from '../parts/programs.ts';

const codex = installedCodex();

interface McpItem {
  type: string;
  tool: string;
  status: string;
  result: { structured_content: Record<string, unknown> } | null;
}

describe.skipIf(codex === undefined)('Codex (skipped where it is not installed)', () => {
  let environment: TestEnvironment;
  let home: string;
  let ended: Promise<unknown> = Promise.resolve();
  let stop = () => undefined as unknown;
  beforeAll(async () => {
    environment = await openEnvironment();
    home = mkdtempSync(join(tmpdir(), 'bobbin-codex-'));
    const env = Object.entries(environment.env).map(([name, value]) => `${name} = ${JSON.stringify(value)}\n`);
    const server = [
      '[mcp_servers.bobbin]',
      `command = ${JSON.stringify(process.execPath)}`,
      `args = ${JSON.stringify([CLI, 'mcp', '--cwd', environment.cwd])}`,
      'startup_timeout_sec = 60',
      // Else a turn may begin before the tools are known.
      'required = true',
      '[mcp_servers.bobbin.env]',
      ...env,
    ];
    writeFileSync(join(home, 'config.toml'), `${toConfig(environment.model.url)}\n${server.join('\n')}`);
  });
  afterEach(async () => {
    stop();
    await ended;
  });
  afterAll(async () => {
    await environment.close();
    rmSync(home, { recursive: true, force: true });
  });

  /** Runs one prompt. Gives the calls of tools and their results. */
  async function exec(prompt: string): Promise<McpItem[]> {
    const child = spawn(process.execPath, [codex ?? '', 'exec', '--skip-git-repo-check', '--json', prompt], {
      cwd: environment.cwd,
      env: toEnvironment(home),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    stop = () => child.kill('SIGKILL');
    ended = new Promise((resolve) => child.once('close', resolve));
    const [said, problems] = await Promise.all([text(child.stdout), text(child.stderr)]);
    const events = said
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; item?: McpItem });
    const items = events.filter(({ type }) => type === 'item.completed').flatMap(({ item }) => item ?? []);
    const calls = items.filter(({ type }) => type === 'mcp_tool_call');
    if (calls.length === 0) throw new Error(`${said}\n${problems}`);
    return calls;
  }

  const call = (tool: string, args: object) => `call: mcp__bobbin__${tool} ${JSON.stringify(args)}`;

  it('starts a thread, and reads it; the thread is there after Codex has ended', async () => {
    const threadId = `of-codex-${randomUUID()}`;
    const start = {
      threadId,
      task: 'run: touch made-for-codex',
      sandbox: 'danger-full-access',
      approvalPolicy: 'never',
    };
    const calls = await exec([call('start_thread', start), call('read', { threadId })].join('\n'));
    expect(calls).toMatchObject([
      { tool: 'start_thread', status: 'completed', result: { structured_content: { status: 'completed' } } },
      { tool: 'read', status: 'completed', result: { structured_content: { status: 'idle' } } },
    ]);
    expect(existsSync(join(environment.cwd, 'made-for-codex'))).toBe(true);
    expect(await environment.bobbin.threads.get(threadId).view()).toMatchObject({ turnCount: 1 });
    const again = await exec(call('reply', { threadId, message: 'say: still here' }));
    expect(again[0]?.result?.structured_content['answer']).toContain('still here');
  });

  it('shows its person what a thread asks, and the thread goes on with the answer', async () => {
    const server = spawn(process.execPath, [codex ?? '', 'app-server'], { env: toEnvironment(home), stdio: 'pipe' });
    const dialogue = openDialogue(server);
    stop = () => dialogue.stop();
    const clientInfo = { name: 'bobbin-test', title: 'Bobbin test', version: '0' };
    await dialogue.call('initialize', { clientInfo });
    dialogue.send({ method: 'initialized' });
    const start = { cwd: environment.cwd, approvalPolicy: 'on-request' };
    const { thread } = (await dialogue.call('thread/start', start)) as { thread: { id: string } };
    const threadId = `of-codex-${randomUUID()}`;
    const task = call('start_thread', { threadId, task: 'run: touch asked-in-codex', approvalPolicy: 'untrusted' });
    const asked = dialogue.hear(({ method }) => method === 'mcpServer/elicitation/request');
    const completed = dialogue.hear(({ method }) => method === 'turn/completed');
    await dialogue.call('turn/start', { threadId: thread.id, input: [{ type: 'text', text: task }] });
    const { id, params } = await asked;
    expect(params?.message).toContain('│ touch asked-in-codex\n');
    dialogue.send({ id, result: { action: 'accept', content: { decision: 'accept' } } });
    await completed;
    expect(existsSync(join(environment.cwd, 'asked-in-codex'))).toBe(true);
    expect((await environment.bobbin.threads.get(threadId).view()).openRequests).toEqual([]);
  });
});
