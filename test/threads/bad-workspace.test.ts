/** Folders that are not what they should be: the workspace, its AGENTS.md, the archive. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type RequestListener, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ThreadHandle } from '../../src/client/index.ts';
import { assertHealthy } from '../parts/raw-client.ts';
import {
  type TestEnvironment,
  eventsSoFar,
  itemsOf,
  openEnvironment,
  runTurn,
  turn,
  waitForRequest,
} from '../environment.ts';

let environment: TestEnvironment;
let root: string;
/** Of the user that the worker runs for. */
let home: string;
const threads: ThreadHandle[] = [];
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'bobbin-workspace-'));
  home = join(root, 'home');
  mkdirSync(home);
  environment = await openEnvironment({ env: { BOBBIN_IDENTITY_MODE: 'off', HOME: home } });
});
afterAll(async () => {
  await environment.close();
  rmSync(root, { recursive: true, force: true });
});

async function startIn(cwd: string): Promise<ThreadHandle> {
  const thread = await environment.start({ workspace: { cwd }, sandbox: 'danger-full-access' });
  threads.push(thread);
  return thread;
}

const PATCH = 'patch:\n*** Begin Patch\n*** Add File: added.txt\n+one\n*** End Patch';

describe('a workspace', () => {
  it('that holds settings of the user is refused to commands that may write, before the model is asked', async () => {
    const refused = await environment.start({ workspace: { cwd: home }, sandbox: 'workspace-write' });
    threads.push(refused);
    const asked = environment.model.requests.length;
    const error = { code: 'workspaceHoldsSettings', message: expect.stringContaining('subfolder') as string };
    expect(await runTurn(refused, 'run: pwd')).toMatchObject({ status: 'failed', error });
    expect(environment.model.requests).toHaveLength(asked);
    const reader = await environment.start({ workspace: { cwd: home }, sandbox: 'read-only' });
    threads.push(reader);
    expect(await runTurn(reader, 'say: fine')).toMatchObject({ status: 'completed' });
  });

  it.each([
    ['command', 'run: echo x > added.txt'],
    ['patch', PATCH],
  ])('that holds settings by the time that a %s is accepted is not written', async (kind, text) => {
    const cwd = join(root, `led-to-by-a-${kind}`);
    mkdirSync(cwd);
    const settings = { sandbox: 'workspace-write', approvalPolicy: 'untrusted' } as const;
    const thread = await environment.start({ workspace: { cwd }, ...settings });
    threads.push(thread);
    const submitted = turn(text);
    await thread.submit(submitted);
    const { requestId } = await waitForRequest(thread);
    const asked = environment.model.requests.length;
    symlinkSync(join(cwd, 'added.txt'), join(home, '.gitconfig'));
    try {
      await thread.resolve({ requestId, decision: 'accept' });
      const end = await thread.completion(submitted.turnId);
      expect(end).toMatchObject({ status: 'failed', error: { code: 'workspaceHoldsSettings' } });
    } finally {
      rmSync(join(home, '.gitconfig'));
    }
    expect(readdirSync(cwd)).toEqual([]);
    const item = (await itemsOf(thread)).find((one) => 'callId' in one);
    expect(item).toMatchObject({ status: 'failed', output: expect.stringContaining('.gitconfig') as string });
    expect(environment.model.requests).toHaveLength(asked);
  });

  it('that holds settings by the time of an undo or a redo keeps its files', async () => {
    const cwd = join(root, 'led-to-later');
    mkdirSync(cwd);
    const thread = await environment.start({ workspace: { cwd }, sandbox: 'workspace-write' });
    threads.push(thread);
    expect(await runTurn(thread, PATCH)).toMatchObject({ status: 'completed' });
    const whileHeld = async (kind: 'undo' | 'redo') => {
      symlinkSync(join(cwd, 'added.txt'), join(home, '.gitconfig'));
      try {
        const end = await runTurn(thread, '', { kind, input: [] });
        expect(end).toMatchObject({ status: 'failed', error: { code: 'workspaceHoldsSettings' } });
      } finally {
        rmSync(join(home, '.gitconfig'));
      }
    };
    await whileHeld('undo');
    expect(readdirSync(cwd)).toEqual(['added.txt']);
    expect(await runTurn(thread, '', { kind: 'undo', input: [] })).toMatchObject({ status: 'completed' });
    expect(readdirSync(cwd)).toEqual([]);
    await whileHeld('redo');
    expect(readdirSync(cwd)).toEqual([]);
    expect(await runTurn(thread, '', { kind: 'redo', input: [] })).toMatchObject({ status: 'completed' });
    expect(readdirSync(cwd)).toEqual(['added.txt']);
  });

  it('in the data folder is refused, by whichever name and in whichever mode', async () => {
    const link = join(root, 'innocent');
    symlinkSync(join(environment.data, 'keys'), link);
    mkdirSync(join(environment.data, 'keys'), { recursive: true });
    const asked = environment.model.requests.length;
    for (const cwd of [environment.data, link]) {
      const thread = await environment.start({ workspace: { cwd }, sandbox: 'read-only' });
      threads.push(thread);
      const error = { code: 'workspaceClosed', message: expect.stringContaining(cwd) as string };
      expect(await runTurn(thread, 'run: ls')).toMatchObject({ status: 'failed', error });
    }
    expect(environment.model.requests).toHaveLength(asked);
  });

  it.each([
    ['that does not exist', () => join(root, 'missing'), 'does not exist'],
    ['that is a file', () => join(root, 'file'), 'is not a folder'],
    ['below a file', () => join(root, 'file2', 'below'), 'does not exist'],
  ])('%s is named in the error, and once it is mended the next turn runs', async (_, at, complaint) => {
    const cwd = at();
    writeFileSync(join(root, 'file'), '');
    writeFileSync(join(root, 'file2'), '');
    const thread = await startIn(cwd);
    expect(await runTurn(thread, 'pwd', { kind: 'user_shell' })).toMatchObject({
      status: 'failed',
      error: { code: 'workspaceMissing', message: expect.stringContaining(`${cwd} ${complaint}`) as string },
    });
    const missing = { status: 'failed', error: { code: 'workspaceMissing' } };
    const asked = environment.model.requests.length;
    expect(await runTurn(thread, `run: pwd\n${PATCH}`)).toMatchObject(missing);
    await thread.submit({ turnId: 'snapshot', kind: 'ghost_snapshot' });
    expect(await thread.completion('snapshot')).toMatchObject(missing);
    const review = { target: { type: 'custom' as const, instructions: 'say: fine' } };
    await thread.submit({ turnId: 'review', kind: 'review', review });
    expect(await thread.completion('review')).toMatchObject(missing);
    expect(environment.model.requests).toHaveLength(asked);
    rmSync(join(root, 'file'));
    rmSync(join(root, 'file2'));
    mkdirSync(cwd, { recursive: true });
    expect(await runTurn(thread, `run: pwd\n${PATCH}`)).toMatchObject({
      status: 'completed',
      lastAgentMessage: expect.stringContaining(cwd) as string,
    });
    rmSync(cwd, { recursive: true });
  });

  it('with a path longer than the system takes fails the turns that need it and nothing else', async () => {
    const thread = await startIn(`/tmp/${'x'.repeat(300)}/${'y'.repeat(3_000)}`);
    expect(await runTurn(thread, 'pwd', { kind: 'user_shell' })).toMatchObject({ status: 'failed' });
    expect(await runTurn(thread, `run: pwd\n${PATCH}`)).toMatchObject({ status: 'failed' });
  });

  it.each([
    ['half of a character', '/tmp/half-\ud800-of'],
    ['a null character', '/tmp/null-\u0000-inside'],
  ])('with %s in its path is refused at the start of a thread', async (_, cwd) => {
    await expect(environment.bobbin.threads.start({ workspace: { cwd } })).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('workspace.cwd') as string,
    });
  });
});

describe('a command', () => {
  it('that cannot be run as it stands is told to the model, and the turn continues', async () => {
    const thread = await startIn(environment.cwd);
    const call = (args: unknown) => `call: exec_command ${JSON.stringify(args)}`;
    const end = await runTurn(
      thread,
      [
        call({ cmd: 'echo a\u0000b' }),
        call({ cmd: 'pwd', workdir: '/no/such/folder' }),
        call({ cmd: 'pwd', workdir: 'README.md' }),
        call({ cmd: 7 }),
        call([]),
        'call: exec_command {"cmd": ',
        `call: exec_command ${'['.repeat(5_000)}`,
        'call: no_such_tool {}',
        'call: apply_patch {"input": "no patch"}',
        'call: request_user_input {"questions": []}',
        'call: update_plan {"plan": [{"step": 1}]}',
        'say: all told',
      ].join('\n'),
    );
    expect(end).toMatchObject({ status: 'completed', lastAgentMessage: expect.stringContaining('all told') as string });
    const called = (await itemsOf(thread)).flatMap((item) => ('callId' in item ? [item] : []));
    expect(called.map(({ status }) => status)).toEqual(Array.from({ length: 11 }, () => 'failed'));
    for (const item of called) expect(item.output).not.toBe('');
  });
});

describe('AGENTS.md', () => {
  it.each<[string, (path: string) => void, RegExp | null]>([
    ['that is a folder', (path) => mkdirSync(path), null],
    ['that is a pipe nobody writes to', (path) => execFileSync('mkfifo', [path]), null],
    ['of 10 MB', (path) => writeFileSync(path, 'Be brief. '.repeat(1_000_000)), /Be brief\. .*cut here/s],
    ['that is no text', (path) => writeFileSync(path, Buffer.from([0xff, 0xfe, 0x00, 0xc3])), null],
  ])('%s does not stop a turn', async (what, make, told) => {
    const cwd = join(root, what.replaceAll(' ', '-'));
    mkdirSync(cwd);
    make(join(cwd, 'AGENTS.md'));
    const thread = await startIn(cwd);
    expect(await runTurn(thread, 'say: hi')).toMatchObject({ status: 'completed' });
    const { body } = await environment.model.waitForRequest(({ body }) =>
      JSON.stringify(body).includes(thread.threadId),
    );
    const { instructions } = body as { instructions: string };
    expect(Buffer.byteLength(instructions)).toBeLessThan(40_000);
    if (told !== null) expect(instructions).toMatch(told);
  });
});

describe('an archive that cannot be written', () => {
  it('is told in a warning, the thread continues, and its past is archived later once that is mended', async () => {
    const blocked = join(root, 'archive-blocked');
    writeFileSync(blocked, 'in the way');
    const directory = join(blocked, 'archive');
    const env = { BOBBIN_IDENTITY_MODE: 'off', BOBBIN_ARCHIVE_DIR: directory, BOBBIN_CONTINUE_AFTER_EVENTS: '60' };
    const own = await openEnvironment({ env });
    try {
      const thread = await own.start();
      const warnings = async () =>
        (await eventsSoFar(thread)).flatMap((event) => (event.type === 'warning' ? [event.message] : []));
      let turns = 0;
      const runUntil = async (done: () => Promise<boolean>) => {
        for (; !(await done()); turns++) {
          expect(turns).toBeLessThan(80);
          expect(await runTurn(thread, `say: ${turns}`)).toMatchObject({ status: 'completed' });
        }
      };
      await runUntil(async () => (await warnings()).length > 0);
      expect((await warnings())[0]).toMatch(new RegExp(`could not be archived and is carried along.*${directory}`));
      const before = await eventsSoFar(thread);
      rmSync(blocked);
      await runUntil(() => Promise.resolve(readdirSync(root).includes('archive-blocked')));
      await runUntil(() => Promise.resolve(readdirSync(directory).length > 0));
      const after = await eventsSoFar(thread);
      expect(after.slice(0, before.length)).toEqual(before);
      expect(after.map(({ seq }) => seq)).toEqual(after.map((_, i) => i + 1));
      expect((await thread.view()).runCount).toBeGreaterThan(2);
      await assertHealthy(own, thread.workflowId);
    } finally {
      await own.close();
    }
  });
});

describe.concurrent('an identity service', () => {
  /** A turn of a thread whose identity service answers so, or is not there at all. */
  async function failedTurn(answer: RequestListener | null) {
    const server = createServer(answer ?? undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    if (answer === null) server.close();
    const own = await openEnvironment({ env: { BOBBIN_IDENTITY_URL: url, BOBBIN_IDENTITY_MODE: 'strict' } });
    try {
      const thread = await own.start();
      const end = await runTurn(thread, 'say: hi');
      await assertHealthy(own, thread.workflowId);
      return { url, error: end.status === 'failed' ? end.error : null };
    } finally {
      server.close();
      await own.close();
    }
  }

  it.each<[string, RequestListener | null, string]>([
    ['is down', null, 'agentIdentityUnavailable'],
    ['answers nonsense', (_, response) => void response.end('<html>hello</html>'), 'agentIdentityAnswerMalformed'],
  ])('that %s is named in the error of the turn, with what to do', async (_, answer, code) => {
    const { url, error } = await failedTurn(answer);
    expect(error).toMatchObject({ code, message: expect.stringMatching(new RegExp(`${url}.*check`, 'is')) as string });
  });
});

describe('after all of this', () => {
  it('no workflow has failed, and no workflow task of any', async () => {
    expect(threads.length).toBeGreaterThan(8);
    for (const { workflowId } of threads) await assertHealthy(environment, workflowId);
  });
});
