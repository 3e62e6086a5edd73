/** What the model is told about its surroundings, over the life of a thread. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readlinkSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ThreadHandle } from '../../src/client/index.ts';
import { findSkills } from '../../src/adapters/skills/find-skills.ts';
import { createTrustedSkills } from '../../src/adapters/skills/trusted-skills.ts';
import { type TestEnvironment, eventsSoFar, itemsOf, openEnvironment, runTurn } from '../environment.ts';
import { askedFor } from '../parts/model-requests.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment();
});
afterAll(() => environment.close());

/** The texts about the environment in each request of a thread, oldest first. */
function told(thread: ThreadHandle): string[][] {
  return askedFor(environment.model, thread.threadId).map(({ input }) =>
    input
      .flatMap(({ content = [] }) => content.map(({ text }) => text))
      .filter((text) => text.startsWith('<environment_context>')),
  );
}

const newest = (thread: ThreadHandle) => told(thread).at(-1) ?? [];

/** Each request begins as the one before it was. */
function expectStable(thread: ThreadHandle): void {
  const asked = askedFor(environment.model, thread.threadId);
  for (const [index, { instructions, input }] of asked.entries()) {
    const before = asked[index - 1];
    if (before === undefined) continue;
    expect(instructions).toBe(before.instructions);
    expect(input.slice(0, before.input.length)).toEqual(before.input);
  }
}

it('is told once, then what changed, and each request begins as the one before', async () => {
  const cwd = environment.workspace();
  const thread = await environment.start({ workspace: { cwd } });
  await runTurn(thread, 'run: echo one\nsay: done');
  expect(told(thread).map(({ length }) => length)).toEqual([1, 1]);
  expect(newest(thread)[0]).toContain(`- Working directory: ${cwd}\n`);
  expect(newest(thread)[0]).toMatch(/- Repository: branch \S+ at [0-9a-f]{10}, no uncommitted changes/);

  await runTurn(thread, 'say: nothing has changed');
  expect(newest(thread)).toHaveLength(1);

  await runTurn(thread, 'say: read only', { overrides: { sandbox: 'read-only' } });
  expect(newest(thread)[1]).toContain('- Sandbox: read-only');
  expect(newest(thread)[1]).not.toContain('Working directory');

  writeFileSync(join(cwd, 'new.txt'), '');
  execFileSync('git', ['checkout', '-q', '-b', 'topic'], { cwd });
  await runTurn(thread, 'say: on a branch');
  expect(newest(thread)[2]).toMatch(/- Repository: branch topic at \w+, uncommitted:\n {2}\?\? new\.txt\n/);
  expectStable(thread);
});

it('is told anew after a compaction, and after a rollback of the turn that told it', async () => {
  const thread = await environment.start({ workspace: { cwd: environment.workspace() } });
  await runTurn(thread, 'say: one');
  const { turnId } = await thread.compact();
  await thread.completion(turnId);
  await runTurn(thread, 'say: two');
  expect(newest(thread)).toHaveLength(1);
  await runTurn(thread, 'say: three', { overrides: { sandbox: 'read-only' } });
  await thread.rollback({ numTurns: 1 });
  await runTurn(thread, 'say: four');
  expect(newest(thread)).toEqual([
    expect.stringContaining('- Sandbox: workspace-write'),
    expect.stringContaining('- Sandbox: read-only'),
  ]);
});

it('is told to a fork in another work tree as it is there', async () => {
  const cwd = environment.workspace();
  const source = await environment.start({ workspace: { cwd } });
  await runTurn(source, 'run: echo x > x.txt\nsay: one');
  const shared = await environment.bobbin.threads.fork(source.threadId);
  const apart = await environment.bobbin.threads.fork(source.threadId, { files: 'worktree' });
  await runTurn(shared, 'say: two');
  await runTurn(apart, 'say: two');
  expect(newest(shared)[1]).not.toContain('Working directory');
  expect(newest(apart)[1]).toMatch(/- Working directory: \S+[^]*- Repository: no branch, at /);
});

/** Makes a skill, and returns its folder. */
function writeSkill(place: string, name: string, description: string): string {
  const folder = join(place, name);
  mkdirSync(join(folder, 'scripts'), { recursive: true });
  const head = `---\nname: ${name}\ndescription: ${description}\n---\n`;
  writeFileSync(join(folder, 'SKILL.md'), `${head}# How\nRun scripts/fill.sh with the form.\n`);
  writeFileSync(join(folder, 'scripts', 'fill.sh'), '#!/bin/sh\necho "filled $1"\n');
  chmodSync(join(folder, 'scripts', 'fill.sh'), 0o755);
  return folder;
}

const toolsOf = (thread: ThreadHandle) =>
  askedFor(environment.model, thread.threadId).map(({ tools }) => tools.some(({ name }) => name === 'read_skill'));

it('has the skills of the person, which the model reads and whose scripts its commands run', async () => {
  const without = await environment.start({ workspace: { cwd: environment.workspace() } });
  await runTurn(without, 'say: one');
  expect([toolsOf(without), newest(without).join('').includes('kill')]).toEqual([[false], false]);

  const folder = writeSkill(join(environment.data, 'skills'), 'pdf-forms', 'Fills PDF forms.');
  try {
    const thread = await environment.start({ workspace: { cwd: environment.workspace() } });
    const end = await runTurn(
      thread,
      `call: read_skill {"name": "pdf-forms"}\nrun: ${folder}/scripts/fill.sh A1\nsay: done`,
    );
    expect(end).toMatchObject({ status: 'completed' });
    expect(newest(thread)).toEqual([expect.stringMatching(/- Skills: [^]*\n {2}pdf-forms: "Fills PDF forms\."\n/)]);
    expect(await itemsOf(thread, 'dynamicToolCall')).toMatchObject([
      {
        status: 'completed',
        output: expect.stringMatching(/^Skill pdf-forms\. Its folder is "\S+pdf-forms"[^]*# How\nRun/) as string,
      },
    ]);
    expect(await itemsOf(thread, 'commandExecution')).toMatchObject([
      { exitCode: 0, output: expect.stringMatching(/\nfilled A1\n$/) as string },
    ]);
    await runTurn(thread, 'call: read_skill {"name": "pdf-forms", "path": "scripts/fill.sh"}\nsay: done');
    expect(newest(thread)).toHaveLength(1);
    expect(toolsOf(thread)).toEqual(Array(toolsOf(thread).length).fill(true));

    rmSync(folder, { recursive: true });
    await runTurn(thread, 'call: read_skill {"name": "pdf-forms"}\nsay: gone');
    expect(newest(thread)[1]).toContain('- Skills: none any more');
    expect((await itemsOf(thread, 'dynamicToolCall')).at(-1)).toMatchObject({ status: 'failed' });
    expect(toolsOf(thread)).toEqual(Array(toolsOf(thread).length).fill(true));
    expectStable(thread);
  } finally {
    rmSync(join(environment.data, 'skills'), { recursive: true, force: true });
  }
});

it('has the skills of a workspace once the person has trusted them, until they change, and again after a compaction', async () => {
  const cwd = realpathSync(environment.workspace());
  const folder = writeSkill(join(cwd, '.agents/skills'), 'deploy', 'MARKER');
  const thread = await environment.start({ workspace: { cwd } });
  const read = 'call: read_skill {"name": "deploy"}\nsay: done';
  const asked = () => JSON.stringify(askedFor(environment.model, thread.threadId));
  const warnings = async () =>
    (await eventsSoFar(thread)).flatMap((event) => (event.type === 'warning' ? [event.message] : []));
  await runTurn(thread, read);
  expect([toolsOf(thread).includes(true), asked().includes('MARKER')]).toEqual([false, false]);
  expect(await warnings()).toEqual([expect.stringMatching(/^The workspace has 1 skill that you have not trusted/)]);

  const trusted = createTrustedSkills(join(environment.data, 'trusted-skills'));
  const { skills } = await findSkills({ own: '/none', trusted, closed: [] }, cwd, { reads: 'all' });
  await trusted.trust(cwd, 'deploy', skills[0]?.content?.sha256 ?? '');
  await runTurn(thread, read);
  expect(newest(thread).at(-1)).toContain('\n  deploy (of the workspace): "MARKER"\n');
  const { turnId } = await thread.compact();
  await thread.completion(turnId);
  await runTurn(thread, read);
  expect(newest(thread)).toEqual([expect.stringContaining('deploy (of the workspace)')]);

  await runTurn(thread, `run: echo more >> ${folder}/scripts/fill.sh\n${read}`);
  await runTurn(thread, read);
  expect(newest(thread).at(-1)).toContain('- Skills: none any more');
  expect((await warnings()).at(-1)).toMatch(/have changed since you trusted them[^]*: deploy\./);
  const outputs = (await itemsOf(thread, 'dynamicToolCall')).map(({ status, output }) => [status, output.slice(0, 30)]);
  expect(outputs).toEqual([
    ['failed', 'There is no skill deploy. The '],
    ['completed', 'Skill deploy. Its folder is "/'],
    ['completed', 'Skill deploy. Its folder is "/'],
    ['failed', 'Skill deploy has changed since'],
    ['failed', 'Skill deploy has changed since'],
  ]);
});

it('says of the network what commands get: none, although a later worker has one', async () => {
  const own = await openEnvironment({ worker: false });
  try {
    const first = await own.worker();
    const thread = await own.start();
    await runTurn(thread, 'say: begun');
    await first.stop();
    await own.worker({ BOBBIN_NETWORK: 'on' });
    await runTurn(thread, 'run: readlink /proc/self/ns/net');
    const [told] = (await itemsOf(thread, 'commandExecution')).map(({ output }) => output);
    expect(told).toContain('net:[');
    expect(told).not.toContain(readlinkSync('/proc/self/ns/net'));
    const other = await own.start();
    await runTurn(other, 'run: readlink /proc/self/ns/net');
    const [usual] = (await itemsOf(other, 'commandExecution')).map(({ output }) => output);
    expect(usual).toContain(readlinkSync('/proc/self/ns/net'));
  } finally {
    await own.close();
  }
});
