/** `bobbin dev` in several folders: one stack for the person, a thread for each folder. */
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { makeRepository } from '../parts/repositories.ts';
import { type Running, runCli, startCli } from '../parts/run-cli.ts';

/** Ten times what the longest test takes on a quiet machine. */
const LONG_MS = 240_000;

let root: string;
let env: Record<string, string>;
const [one, other] = ['one', 'other'] as const;
beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'bobbin-one-')));
  env = { XDG_DATA_HOME: root, BOBBIN_TEMPORAL: inject('temporal').binary };
  for (const name of [one, other]) makeRepository(join(root, name), { 'README.md': `# ${name}\n` });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const start = (folder: string, more: string[] = []) => startCli(['dev', ...more], { cwd: join(root, folder), env });
const once = (folder: string, text: string) => start(folder, ['--once', `say: ${text}`]).ended;

function until({ child, said, ended }: Running, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = () => said.stdout.includes(text) && resolve();
    child.stdout.on('data', look);
    void ended.then((ran) => reject(new Error(`It ended without printing ${text}:\n${ran.stdout}${ran.stderr}`)));
    look();
  });
}

describe('the stack of a person', () => {
  it(
    'is joined from another folder, which has its own thread, and is stopped by the process that started it',
    async () => {
      const first = start(one);
      try {
        await until(first, 'Ctrl-C stops it.');
        mkdirSync(join(root, other, '.bobbin'));
        writeFileSync(join(root, other, '.bobbin', 'mcp.json'), '{}');
        const joined = await once(other, 'hello from the other');
        expect(joined).toMatchObject({ code: 0, stderr: '' });
        expect(joined.stdout).toMatch(/^Stack +of process \d+, with the service at .* \(joined\)$/m);
        expect(joined.stdout).toContain('hello from the other');
        expect(joined.stdout).toContain(`${join(root, other, '.bobbin')} is not used`);
        expect((await once(other, 'and again')).stdout).toContain('(continued)');
        const clone = ['--repository', `file://${join(root, one)}`];
        const cloned = async () => (await start(other, [...clone, '--once', 'run: cat README.md; pwd']).ended).stdout;
        expect(await cloned()).toMatch(/# one\n[^]*\/managed\//);
        expect(await cloned()).toContain('(continued)');
        const state = JSON.parse(readFileSync(join(root, 'bobbin', 'dev.json'), 'utf8')) as { threads: object };
        expect(Object.keys(state.threads).sort()).toEqual([join(root, one), join(root, other), clone[1]].sort());
        const listed = await runCli(['thread', 'list', '--open'], { cwd: root, env });
        expect(listed.stdout).toMatch(/^one-/m);
        const { url, secret } = pageOf(first.said.stdout);
        expect(pageOf(joined.stdout)).toEqual({ url, secret });
        expect(await (await fetch(url)).text()).toContain('<title>Bobbin</title>');
        const session = await fetch(`${url}/v1/session`, { headers: { authorization: `Bearer ${secret}` } });
        const { temporalUi } = (await session.json()) as { temporalUi: { url: string } };
        expect(first.said.stdout).toContain(`Temporal UI ${temporalUi.url}/namespaces/default/workflows/thread%2Fone-`);
      } finally {
        first.child.kill('SIGINT');
        await first.ended;
      }
      const { url, secret } = pageOf(first.said.stdout);
      // Another stack may have the port by now, with other tokens.
      const after = await fetch(`${url}/v1/session`, { headers: { authorization: `Bearer ${secret}` } }).catch(String);
      expect(typeof after === 'string' ? after : after.status).toEqual(
        expect.toBeOneOf(['TypeError: fetch failed', 401]),
      );
      expect((await runCli(['thread', 'list'], { cwd: root, env })).stderr).toContain('no stack is running on');
    },
    LONG_MS,
  );

  it(
    'is one, also for two starts at the same moment, and starts without its page if that cannot listen',
    async () => {
      const given = { ...env, BOBBIN_HTTP_LISTEN: 'nowhere' };
      const starts = [one, other].map((folder) => startCli(['dev'], { cwd: join(root, folder), env: given }));
      const both = await Promise.all(starts.map(async (run) => ({ run, said: await seen(run) })));
      expect(both.map(({ said }) => said).sort()).toEqual(['joined', 'started']);
      const { run: starter } = both.find(({ said }) => said === 'started')!;
      expect(starter.said.stdout).toMatch(/^Page +none: .*an address and a port are needed/m);
      for (const { run } of both) run.child.kill('SIGINT');
      await Promise.all(both.map(({ run }) => run.ended));
    },
    LONG_MS,
  );

  it(
    'has its page at another port than the stack of another data folder',
    async () => {
      const own = { ...env, XDG_DATA_HOME: join(root, 'another') };
      const both = [start(one), startCli(['dev', '--no-turn'], { cwd: join(root, other), env: own })];
      try {
        await Promise.all(both.map((run) => until(run, 'Ctrl-C stops it.')));
        const [first, second] = both.map(({ said }) => pageOf(said.stdout).url);
        expect(first).not.toBe(second);
      } finally {
        for (const { child } of both) child.kill('SIGINT');
        await Promise.all(both.map(({ ended }) => ended));
      }
    },
    LONG_MS,
  );

  it(
    'gets one more worker, which runs turns with the model and the identity service of the stack',
    async () => {
      const first = start(one, ['--no-turn']);
      await until(first, 'Ctrl-C stops it.');
      // Only the new worker serves this queue.
      const own = { ...env, BOBBIN_TASK_QUEUE: 'own' };
      const worker = startCli(['worker'], { cwd: root, env: own });
      try {
        const ran = await runCli(['run', 'say: from one more worker'], { cwd: join(root, other), env: own });
        expect(ran).toMatchObject({ code: 0, stdout: expect.stringContaining('from one more worker') as string });
        const [, id] = /^thread (\S+)/m.exec(ran.stdout) ?? [];
        const shown = await runCli(['thread', 'show', id!, '--json'], { cwd: root, env: own });
        expect(JSON.parse(shown.stdout)).toMatchObject({ agentTask: { status: 'registered' } });
      } finally {
        worker.child.kill('SIGTERM');
        await worker.ended;
        first.child.kill('SIGINT');
        await first.ended;
      }
    },
    LONG_MS,
  );

  it('is not opened on a folder that no sandbox would see', async () => {
    const inside = join(root, 'bobbin', 'keys');
    mkdirSync(inside, { recursive: true });
    const ran = await runCli(['dev'], { cwd: inside, env });
    expect(ran).toMatchObject({ code: 2, stderr: expect.stringContaining("is inside Bobbin's data folder") as string });
  });
});

function pageOf(printed: string): { url: string; secret: string } {
  const [, url = '', secret = ''] = /^Page +(http:\/\/127\.0\.0\.1:\d+)\/#token=(\S+)/m.exec(printed) ?? [];
  expect(secret).toMatch(/^bobbin_/);
  return { url, secret };
}

async function seen(run: Running): Promise<'started' | 'joined'> {
  return await Promise.race([
    until(run, 'Ctrl-C stops it.').then(() => 'started' as const),
    until(run, '(joined)').then(() => 'joined' as const),
  ]);
}
