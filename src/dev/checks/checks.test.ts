import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Check } from './check.ts';
import { runChecks } from './checks.ts';
import { judgeRoom, lookAtDirectory, lookForFormerData } from './data.ts';
import { toFinding } from './limits.ts';
import { lookAtNode } from './machine.ts';
import { lookAtModel } from './settings.ts';
import { lookAtPort } from './temporal.ts';

let folder: string;
let bin: string;
let env: Record<string, string>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bobbin-checks-'));
  bin = join(folder, 'bin');
  await mkdir(bin);
  env = { PATH: bin, HOME: folder, XDG_CONFIG_HOME: folder };
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function writeProgram(name: string, script: string): Promise<void> {
  await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`);
  await chmod(join(bin, name), 0o755);
}

async function check(more: Record<string, string> = {}, timeoutMs = 30_000): Promise<Map<string, Check>> {
  const checks = await runChecks({ dataDirectory: join(folder, 'data'), env: { ...env, ...more }, timeoutMs });
  return new Map(checks.map((each) => [each.name, each]));
}

test('on a bare machine each check says what is missing and what to do, and nothing is written', async () => {
  const found = await check();
  expect([...found.values()].map(({ name, status }) => [name, status])).toEqual([
    ['Node.js', 'ok'],
    ['git', 'missing'],
    ['bash', 'missing'],
    ['data directory', expect.stringMatching(/ok|warning/)],
    ['former data', expect.stringMatching(/ok|warning/)],
    ['host', 'ok'],
    ['Temporal binary', 'warning'],
    ['Temporal service', 'ok'],
    ['search attributes', 'ok'],
    ['Temporal port', expect.stringMatching(/ok|warning/)],
    ['Temporal UI port', expect.stringMatching(/ok|warning/)],
    ['Go toolchain', 'warning'],
    ['waiting workflows', 'ok'],
    ['sandbox', 'missing'],
    ['limits', 'warning'],
    ['model', 'ok'],
    ['identity service', 'ok'],
    ['identity accounts', 'ok'],
    ['mcp servers', 'ok'],
    ['skills', 'ok'],
  ]);
  for (const each of found.values()) expect(each.howTo === '').toBe(each.status === 'ok');
  expect(await readdir(folder)).toEqual(['bin']);
});

test('what is there is named with its path and version', async () => {
  await writeProgram('git', 'echo "git version 2.99"');
  await writeProgram('bash', 'echo "GNU bash, version 9"; echo more');
  await writeProgram('go', '[ "$1" = version ] && echo "go version go1.99"');
  await writeProgram('bwrap', 'exit 0');
  await writeProgram('temporal', 'echo "temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)"');
  const found = await check();
  expect(found.get('git')).toMatchObject({ status: 'ok', found: `${bin}/git: git version 2.99` });
  expect(found.get('bash')).toMatchObject({ status: 'ok', found: `${bin}/bash: GNU bash, version 9` });
  expect(found.get('Go toolchain')).toMatchObject({ status: 'ok', found: `${bin}/go: go version go1.99` });
  expect(found.get('sandbox')).toMatchObject({ status: 'ok' });
  expect(found.get('Temporal binary')).toMatchObject({
    status: 'ok',
    found: `${bin}/temporal (PATH), CLI 1.9.1, server 1.32.0`,
  });
});

test('a sandbox that is installed and may not work is missing, with what it said', async () => {
  await writeProgram('bwrap', 'echo "bwrap: No permissions to create new namespace" >&2; exit 1');
  const found = (await check()).get('sandbox');
  expect(found).toMatchObject({ status: 'missing', found: expect.stringContaining('No permissions') as string });
});

test('the limits that hold here are found by trying them, and what does not hold is named', async () => {
  const found = (await check({ PATH: process.env['PATH'] ?? '' })).get('limits');
  const isRoot = process.getuid?.() === 0;
  const who = isRoot ? 'root' : 'an ordinary user';
  expect(found?.found).toMatch(new RegExp(`^as ${who}: size of a file`));
  // The kernel counts no processes of root.
  if (isRoot) expect(found?.found).toContain('; processes, memory');
  await writeProgram('bash', 'echo "GNU bash, version 9"');
  expect((await check()).get('limits')).toMatchObject({
    status: 'warning',
    found: expect.stringContaining('nothing by the kernel') as string,
    howTo: expect.stringContaining('Not enforced: size of a file, processor time of a process.') as string,
  });
});

test('a limit that nobody holds is a warning', () => {
  const all = { size: true, time: true, processes: true, watch: true, cgroup: 'no cgroups', isRoot: false };
  expect(toFinding(all)).toEqual({
    status: 'ok',
    found:
      'as an ordinary user: size of a file, processor time of a process, processes by the kernel; ' +
      'memory, total processor time by a check every 250 ms; output and free space by the worker; no cgroups',
  });
  expect(toFinding({ ...all, processes: false, watch: false })).toMatchObject({
    status: 'warning',
    howTo: expect.stringContaining('Not enforced: processes, memory, total processor time.') as string,
  });
});

test('a program that never answers does not hold the others up', async () => {
  await writeProgram('git', 'while :; do :; done');
  const startedAt = Date.now();
  const found = (await check({}, 500)).get('git');
  expect(found).toMatchObject({ status: 'missing', found: 'no answer within 0.5 s' });
  expect(Date.now() - startedAt).toBeLessThan(30_000);
});

describe('a Temporal service that is named', () => {
  test('and does not answer is missing, with the setting that names it', async () => {
    const found = (await check({ TEMPORAL_ADDRESS: '127.0.0.1:1' })).get('Temporal service');
    expect(found).toMatchObject({
      status: 'missing',
      found: expect.stringMatching(/^127\.0\.0\.1:1, namespace default \(TEMPORAL_ADDRESS\) does not work/) as string,
    });
  });

  test('in a way that cannot be read is missing', async () => {
    const found = (await check({ TEMPORAL_PROFILE: 'nobody' })).get('Temporal service');
    expect(found).toMatchObject({ status: 'missing', found: expect.stringContaining('nobody') as string });
  });
});

test('a port that is in use is named with its holder', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const port = (server.address() as AddressInfo).port;
  const taken = await lookAtPort(port, folder);
  await new Promise((resolve) => server.close(resolve));
  expect(taken).toMatchObject({
    status: 'warning',
    found: expect.stringMatching(`${port}.*\\(pid ${process.pid}\\)`) as string,
  });
  expect(await lookAtPort(port, folder)).toEqual({ status: 'ok', found: `${port} is free` });
});

test('a key is asked for where the chosen model needs one, and is never shown', () => {
  expect(lookAtModel({})).toMatchObject({ status: 'ok', found: expect.stringContaining('offline') as string });
  const key = 'sk-secret';
  const findings = [
    lookAtModel({ OPENAI_API_KEY: key }),
    lookAtModel({ BOBBIN_MODEL: 'anthropic/some-model', ANTHROPIC_API_KEY: key }),
    lookAtModel({ BOBBIN_MODEL: 'google/some-model', OPENAI_API_KEY: key }),
  ];
  expect(findings.map(({ status }) => status)).toEqual(['ok', 'ok', 'missing']);
  expect(JSON.stringify(findings)).not.toContain(key);
});

test('an identity service is asked whether it listens', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/identity`;
  const answered = (await check({ BOBBIN_IDENTITY_URL: url })).get('identity service');
  const withPassword = url.replace('//', '//somebody:secret@');
  const hidden = (await check({ BOBBIN_IDENTITY_URL: withPassword })).get('identity service');
  await new Promise((resolve) => server.close(resolve));
  expect(answered).toMatchObject({ status: 'ok', found: `${url} answers` });
  expect(hidden).toEqual(answered);
  const gone = (await check({ BOBBIN_IDENTITY_URL: url })).get('identity service');
  expect(gone).toMatchObject({ status: 'missing', found: expect.stringContaining('ECONNREFUSED') as string });
  const nonsense = (await check({ BOBBIN_IDENTITY_URL: 'nonsense' })).get('identity service');
  expect(nonsense).toMatchObject({ status: 'missing', found: 'nonsense: not an http or https URL' });
});

test('the data directory is judged by the nearest one that exists, and by the room on it', async () => {
  expect(await lookAtDirectory(join(folder, 'not', 'yet', 'there'))).toMatchObject({
    status: expect.stringMatching(/ok|warning/) as string,
  });
  expect(await readdir(folder)).toEqual(['bin']);
  await writeFile(join(folder, 'file'), '');
  expect(await lookAtDirectory(join(folder, 'file', 'below'))).toMatchObject({ status: 'missing' });
  const room = [5e9, 5e8, 5e6].map((bytes) => judgeRoom('/data', bytes).status);
  expect(room).toEqual(['ok', 'warning', 'missing']);
});

test.skipIf(process.getuid === undefined)(
  'a data directory that is open to others is named, with its mode',
  async () => {
    const data = join(folder, 'data');
    await mkdir(data, { mode: 0o700 });
    expect((await lookAtDirectory(data)).found).not.toContain('open');
    await chmod(data, 0o755);
    expect(await lookAtDirectory(data)).toMatchObject({
      status: 'warning',
      found: `${data} is open to other users (mode 755)`,
    });
  },
);

test('the data of an earlier release is named where it is found, and what shows it', async () => {
  expect(lookForFormerData(folder, join(folder, 'data')).status).toBe('ok');
  await mkdir(join(folder, '.bobbin'));
  expect(lookForFormerData(folder, join(folder, 'data'))).toMatchObject({
    status: 'warning',
    found: `${join(folder, '.bobbin')}, which is not used`,
    howTo: expect.stringContaining('bobbin data import') as string,
  });
});

test('an old Node.js is told from one that runs the source', () => {
  const versions = ['24.1.0', '22.18.0', '22.17.1', '20.20.2', '18.0.0'];
  expect(versions.map((version) => lookAtNode(version).status)).toEqual(['ok', 'ok', 'warning', 'missing', 'missing']);
});

test('the MCP servers are named with where they are, and a program that is absent is said', async () => {
  await writeProgram('present', 'exit 1');
  const file = join(folder, 'servers.json');
  const web = { url: 'http://user:secret@127.0.0.1:9/mcp', required: true };
  await writeFile(file, JSON.stringify({ mcpServers: { here: { command: 'present' }, web } }));
  expect((await check({ BOBBIN_MCP_CONFIG: file })).get('mcp servers')).toMatchObject({
    status: 'ok',
    found: 'here (present), web (http://127.0.0.1:9, required)',
  });
  await writeFile(file, JSON.stringify({ mcpServers: { gone: { command: 'absent' } } }));
  expect((await check({ BOBBIN_MCP_CONFIG: file })).get('mcp servers')).toMatchObject({
    status: 'missing',
    howTo: expect.stringContaining('Install absent') as string,
  });
  await writeFile(file, '{ "mcpServers": { "bad": {} } }');
  expect((await check({ BOBBIN_MCP_CONFIG: file })).get('mcp servers')).toMatchObject({
    status: 'missing',
    found: expect.stringContaining('mcpServers.bad: either a command or a url') as string,
  });
});

test('the accounts are named with their modes, and a token that cannot be had is said, without its value', async () => {
  const file = join(folder, 'accounts.json');
  const write = (accounts: object) => writeFile(file, JSON.stringify({ accounts }));
  const look = async (more: Record<string, string> = {}) =>
    (await check({ BOBBIN_IDENTITY_ACCOUNTS: file, ...more })).get('identity accounts');
  await writeFile(join(folder, 'token'), 'secret');
  await writeProgram('print-token', 'echo secret');
  const command = join(bin, 'print-token');
  const good = {
    alice: { tokenEnv: 'ALICE' },
    bob: { mode: 'strict', tokenFile: 'token' },
    '*': { tokenCommand: [command] },
  };
  await write(good);
  const found = await look({ ALICE: 'secret' });
  expect(found).toMatchObject({ status: 'ok', found: 'alice (recoverable), bob (strict), * (recoverable)' });
  await write({ ...good, bob: { tokenFile: 'gone' }, '*': { tokenCommand: [join(bin, 'absent')] } });
  const faults = await look();
  expect(faults).toMatchObject({
    status: 'missing',
    found: `alice: the variable ALICE is not set, bob: ${join(folder, 'gone')} cannot be read, *: ${join(bin, 'absent')} cannot be run`,
  });
  await write({ alice: { tokenEnv: 'A', tokenFile: 'token' } });
  expect(await look()).toMatchObject({ status: 'missing', found: expect.stringContaining('not several') as string });
  await rm(file);
  expect(await look()).toMatchObject({ status: 'missing', found: expect.stringContaining('ENOENT') as string });
});

test('skills that cannot be used are named, with the reason', async () => {
  const write = async (name: string, text: string) => {
    await mkdir(join(folder, 'data/skills', name), { recursive: true });
    await writeFile(join(folder, 'data/skills', name, 'SKILL.md'), text);
  };
  await write('good', '---\nname: good\ndescription: Good.\n---\n');
  await write('bad', '---\nname: other\ndescription: Bad.\n---\n');
  expect((await check()).get('skills')).toMatchObject({
    status: 'warning',
    found: '1 skill',
    howTo: expect.stringContaining('bad: its name is other, and its folder is bad') as string,
  });
});

test('the id of this host is shown, and one with odd characters is refused', async () => {
  const host = (more: Record<string, string>) => check(more).then((found) => found.get('host'));
  expect(await host({ BOBBIN_HOST: 'build-1' })).toMatchObject({ status: 'ok', found: 'build-1, by BOBBIN_HOST' });
  expect(await host({ BOBBIN_HOST: 'a b;c' })).toMatchObject({ status: 'missing', found: 'BOBBIN_HOST is "a b;c"' });
});
