/** The doors that start threads on a host that is named, or in a repository that a host fetches. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@modelcontextprotocol/client';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ThreadView } from '../../src/contract/index.ts';
import { type TestEnvironment, openEnvironment } from '../environment.ts';
import { startMcp } from '../parts/mcp-client.ts';
import { commit, git, makeRepository } from '../parts/repositories.ts';
import { runCli } from '../parts/run-cli.ts';

let environment: TestEnvironment;
let repository: string;
beforeAll(async () => {
  environment = await openEnvironment({ env: { BOBBIN_IDENTITY_MODE: 'off', BOBBIN_HOST: 'host-here' } });
  const folder = makeRepository(join(environment.data, '..', 'source'), { 'inner/file': 'of main\n' });
  git(folder, 'checkout', '-q', '-b', 'develop');
  commit(folder, { 'inner/other': 'of develop\n' }, 'Of develop');
  git(folder, 'checkout', '-q', '-');
  repository = `file://${folder}`;
});
afterAll(() => environment.close());

const clients: Client[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

const viewOf = (threadId: string): Promise<ThreadView> => environment.bobbin.threads.get(threadId).view();
const isAt = (view: ThreadView, subject: string) =>
  expect(git(view.settings.cwd, 'log', '-1', '--format=%s')).toContain(subject);

describe('bobbin chat', () => {
  const chat = (args: string[], input = '') =>
    runCli(['chat', ...args], { cwd: inject('repository'), env: environment.env, input });
  const threadOf = (stdout: string) => /^thread (\S+) stays/m.exec(stdout)?.[1] ?? '';

  it('begins a thread in a folder of a repository', async () => {
    const args = ['--repository', repository, '--ref', 'develop', '--path', 'inner'];
    const { code, stdout, stderr } = await chat(args, 'run: cat file\n/threads\n');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('│ of main');
    const threadId = threadOf(stdout);
    expect(stdout).toMatch(new RegExp(`^● +${threadId} `, 'm'));
    const view = await viewOf(threadId);
    expect(view.settings).toMatchObject({
      host: 'host-here',
      managed: { repository, ref: 'develop', path: 'inner' },
    });
    isAt(view, 'Of develop');
  });

  it('begins a thread in a folder of the host that is named', async () => {
    const { stdout } = await chat(['--host', 'host-here', '--cwd', environment.cwd], 'say: hi\n');
    expect((await viewOf(threadOf(stdout))).settings).toMatchObject({ host: 'host-here', cwd: environment.cwd });
  });

  it('refuses what cannot be a workspace, as bobbin run does', async () => {
    for (const args of [
      ['--host', 'host-here'],
      ['--ref', 'develop'],
      ['--cwd', '/nowhere'],
      ['--continue', '--repository', repository],
    ]) {
      const refused = await chat(args);
      expect(refused).toMatchObject({ code: 2, stdout: '' });
      if (args[0] === '--continue') continue;
      const run = await runCli(['run', ...args, 'say: hi'], { cwd: inject('repository'), env: environment.env });
      const [why] = run.stderr.split('\n');
      expect(refused.stderr).toContain(why?.replace('run:', 'chat:') as string);
    }
  });

  it('says why a repository cannot be fetched', async () => {
    const { code, stdout } = await chat(['--repository', 'file:///nowhere/at-all'], 'say: one\nsay: two\n');
    expect(code).toBe(0);
    expect(stdout.match(/repositoryMissing/g)).toHaveLength(2);
    expect(stdout).toContain('nothing was started');
  });
});

describe('bobbin review', () => {
  it('reviews a branch of a repository that a host fetches', async () => {
    const args = ['--repository', repository, '--ref', 'develop', '--commit', 'HEAD', '--fail-on', 'never', '--json'];
    const ran = await runCli(['review', ...args], { cwd: inject('repository'), env: environment.env });
    expect(ran).toMatchObject({ code: 0 });
    const { threadId } = JSON.parse(ran.stdout) as { threadId: string };
    expect((await viewOf(threadId)).settings).toMatchObject({ managed: { repository, ref: 'develop' } });
  });
});

describe('MCP', () => {
  const open = async (args: string[] = []) => {
    const { client, call } = await startMcp({ env: environment.env, cwd: environment.cwd, args });
    clients.push(client);
    return call;
  };
  const begin = async (call: Awaited<ReturnType<typeof open>>, more: object) => {
    const started = await call('start_thread', { task: 'say: hi', ...more });
    expect(started).toMatchObject({ status: 'completed' });
    return viewOf((started as { threadId: string }).threadId);
  };

  it('starts a thread in a repository, or on a host', async () => {
    const call = await open();
    const fetched = await begin(call, { repository, ref: 'develop', path: 'inner', host: 'host-here' });
    expect(fetched.settings).toMatchObject({ host: 'host-here', managed: { repository, path: 'inner' } });
    isAt(fetched, 'Of develop');
    const { cwd } = environment;
    expect((await begin(call, { cwd, host: 'host-here' })).settings).toMatchObject({ cwd, host: 'host-here' });
    const bad = (more: object) => call('start_thread', { task: 'say: hi', ...more });
    for (const more of [{ cwd, repository }, { cwd, ref: 'develop' }, { host: 'host-here' }])
      expect(await bad(more)).toMatchObject({ error: { code: 'invalid' } });
  });

  it('starts threads in the repository of the command, unless a call names something', async () => {
    const call = await open(['--repository', repository, '--ref', 'develop']);
    expect((await begin(call, {})).settings).toMatchObject({ managed: { repository, ref: 'develop' } });
    const named = await begin(call, { cwd: environment.cwd });
    expect(named.settings.cwd).toBe(environment.cwd);
    expect(readFileSync(join(named.settings.cwd, 'README.md'), 'utf8')).toContain('tests');
  });
});
