/** `bobbin dev` where it cannot have what it needs: a clear sentence, an exit code, and no process left behind. */
import { execFile, execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { type Server, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { isOwnName } from '../../src/folders/private-folder.ts';
import { findLastingPort } from '../parts/lasting-port.ts';
import { CLI } from '../parts/programs.ts';
import { makeRepository } from '../parts/repositories.ts';
import { type Running, runCli, startCli } from '../parts/run-cli.ts';

const MARK = 'BOBBIN_TEST_MARK';
/** Ten times what the longest test takes on a quiet machine. */
const LONG_MS = 240_000;

let root: string;
const mounts: string[] = [];
const servers: Server[] = [];
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'bobbin-trouble-'));
});
afterAll(() => {
  for (const server of servers) server.close();
  for (const path of mounts) execFileSync('umount', [path]);
  rmSync(root, { recursive: true, force: true });
});

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
  /** Processes of this run that are still there, by their command lines. */
  left: string[];
}

/** Runs `bobbin dev --once` with no service named but those in `env`. */
async function dev(dataDirectory: string, env: Record<string, string> = {}): Promise<Ended> {
  const mark = randomUUID();
  const own = Object.entries(process.env).filter(([name]) => !/^(TEMPORAL|BOBBIN_(?!CACHE))/.test(name));
  const args = [CLI, 'dev', '--data-dir', dataDirectory, '--once', 'say: all is well'];
  return new Promise((resolve) => {
    const options = { cwd: root, env: { ...Object.fromEntries(own), ...env, [MARK]: mark }, timeout: LONG_MS };
    const child = execFile(process.execPath, args, options, (_, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr, left: processesWith(mark) }),
    );
  });
}

/** Found by their environment, which every process inherits, whatever group it is in. */
function processesWith(mark: string): string[] {
  if (!existsSync('/proc')) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && read(`/proc/${name}/environ`).includes(`${MARK}=${mark}`))
    .map((pid) => read(`/proc/${pid}/cmdline`).replaceAll('\0', ' '));
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** A file system of its own, or why there is none. */
function mountTmpfs(name: string, options: string): { path: string } | { missing: string } {
  const path = join(root, name);
  mkdirSync(path);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path], { stdio: 'pipe' });
  } catch (error) {
    return { missing: `tmpfs cannot be mounted here: ${(error as Error).message.split('\n').at(-1) ?? ''}` };
  }
  mounts.push(path);
  return { path };
}

describe('a data directory', () => {
  it.each([
    ['that is a file', 'file'],
    ['below a file', 'file/data'],
  ])(
    '%s: the path and what to do are named',
    async (_, name) => {
      writeFileSync(join(root, 'file'), '');
      const path = join(root, name);
      const { code, stderr, left } = await dev(path);
      expect(stderr).toContain(`bobbin: The directory ${path} cannot be made or written`);
      expect(stderr).toMatch(/Correct that, or choose another one\.\n$/);
      expect({ code, left }).toEqual({ code: 1, left: [] });
    },
    LONG_MS,
  );

  it.each([
    ['on a full disk', 'full', 'size=64k', /No space is left for .*full\/data\. Free some, or choose another\./],
    ['on a file system that is read-only', 'read-only', 'ro', /cannot be made or written.*choose another one/],
  ])(
    '%s: that is said',
    async (_, name, options, words) => {
      const mounted = mountTmpfs(name, options);
      if ('missing' in mounted) {
        console.warn(`Not tried: ${mounted.missing}`);
        return;
      }
      if (name === 'full') {
        mkdirSync(join(mounted.path, 'data'));
        fill(join(mounted.path, 'fill'));
      }
      const { code, stderr, left } = await dev(join(mounted.path, 'data'));
      expect(stderr).toMatch(words);
      expect({ code, left }).toEqual({ code: 1, left: [] });
    },
    LONG_MS,
  );

  it(
    'with all that real turns leave in it is closed when others can read it',
    async () => {
      const data = join(root, 'used');
      const cwd = makeRepository(join(root, 'repository'), { 'a.txt': '' });
      const env = { BOBBIN_NETWORK: 'registries' };
      const run = (...more: string[]) => runCli(['dev', '--data-dir', data, ...more], { cwd, env });
      const prompt = 'run: echo a > a.txt && date > b.txt';
      expect(await run('--once', prompt)).toMatchObject({ code: 0 });
      expect(await run('--repository', `file://${cwd}`, '--once', prompt)).toMatchObject({ code: 0 });
      for (const folder of ['', 'archive', 'keys'])
        expect(readdirSync(join(data, folder)).filter((name) => !isOwnName(name))).toEqual([]);
      chmodSync(data, 0o755);
      const { code, stderr } = await run('--once', prompt);
      expect(stderr).toContain(`${data} was open to other users`);
      expect({ code, mode: statSync(data).mode & 0o777 }).toEqual({ code: 0, mode: 0o700 });
    },
    LONG_MS,
  );

  it(
    'that takes no record of the running stack: nothing stays behind, at the start',
    async () => {
      const data = join(root, 'no-record');
      mkdirSync(join(data, 'dev.json', 'in-the-way'), { recursive: true, mode: 0o700 });
      const { code, stderr, left } = await dev(data);
      expect(stderr).toMatch(/^bobbin: .*dev\.json/m);
      expect({ code, left }).toEqual({ code: 1, left: [] });
    },
    LONG_MS,
  );

  it(
    'that takes no record of the running stack: nothing stays behind, at the end',
    async () => {
      const data = join(root, 'no-record-at-the-end');
      const mark = randomUUID();
      const run = startCli(['dev', '--no-turn', '--data-dir', data], { cwd: root, env: { [MARK]: mark } });
      await printed(run, 'stdout', 'Ctrl-C stops it.');
      rmSync(join(data, 'dev.json'));
      mkdirSync(join(data, 'dev.json', 'in-the-way'), { recursive: true });
      run.child.kill('SIGINT');
      const { code, stderr } = await run.ended;
      expect(stderr).toMatch(/^bobbin: .*dev\.json/m);
      expect({ code, left: processesWith(mark) }).toEqual({ code: 1, left: [] });
    },
    LONG_MS,
  );

  function fill(path: string): void {
    expect(() => writeFileSync(path, Buffer.alloc(1024 * 1024))).toThrow(/ENOSPC/);
  }
});

describe('a Temporal service that ends', () => {
  it(
    'is started again also when that fails at first, and not left behind by a stop meanwhile',
    async () => {
      const data = join(root, 'restarted');
      const program = join(root, 'temporal-program');
      const install = () => symlinkSync(inject('temporal').binary, program);
      const mark = randomUUID();
      const env = { BOBBIN_TEMPORAL: program, XDG_DATA_HOME: root, [MARK]: mark };
      install();
      const run = startCli(['dev', '--no-turn', '--data-dir', data], { cwd: root, env });
      await printed(run, 'stdout', 'Ctrl-C stops it.');
      rmSync(program);
      killService(data);
      await printed(run, 'stderr', 'The Temporal service could not be restarted');
      install();
      await printed(run, 'stderr', 'The Temporal service runs again.');
      const turn = await runCli(['run', '--data-dir', data, 'say: back again'], { cwd: root, env });
      expect(turn).toMatchObject({ code: 0, stdout: expect.stringContaining('back again') as string });

      rmSync(program);
      killService(data);
      const times = (text: string) => text.split('could not be restarted').length;
      const seen = times(run.said.stderr);
      await printed(run, 'stderr', (text) => times(text) > seen);
      run.child.kill('SIGINT');
      expect((await run.ended).code).toBe(0);
      expect(processesWith(mark)).toEqual([]);
    },
    LONG_MS,
  );

  function killService(data: string): void {
    const { pid } = JSON.parse(readFileSync(join(data, 'temporal.json'), 'utf8')) as { pid: number };
    process.kill(pid, 'SIGKILL');
  }
});

type Wanted = string | ((text: string) => boolean);

/** Resolves when the text is there. */
function printed({ child, said }: Running, where: 'stdout' | 'stderr', wanted: Wanted): Promise<void> {
  const isThere = typeof wanted === 'string' ? (text: string) => text.includes(wanted) : wanted;
  return new Promise((resolve) => {
    const look = () => isThere(said[where]) && resolve();
    child[where].on('data', look);
    look();
  });
}

describe('variables', () => {
  it(
    'that are empty count as not set, all of them',
    async () => {
      const documented = readFileSync(join(import.meta.dirname, '../../docs/configuration.md'), 'utf8');
      const names = [...documented.matchAll(/`([A-Z]+_[A-Z_]+)`/g)].map(([, name]) => name!);
      expect(names.length).toBeGreaterThan(80);
      // The folder of the person has the service's program.
      const others = names.filter((name) => name !== 'BOBBIN_CACHE');
      const given = Object.fromEntries(others.map((name) => [name, '']));
      const { code, stdout, stderr, left } = await dev(join(root, 'empty'), given);
      expect(stdout + stderr).toContain('all is well');
      expect(stdout).toContain('the reference identity service');
      expect({ code, left }).toEqual({ code: 0, left: [] });
    },
    LONG_MS,
  );

  it(
    'that name a file with a token are enough for the reference identity service',
    async () => {
      const file = join(root, 'token');
      writeFileSync(file, 'a-token');
      const { code, stdout, stderr } = await dev(join(root, 'token-file'), { BOBBIN_IDENTITY_TOKEN_FILE: file });
      expect(stdout + stderr).toContain('all is well');
      expect(code).toBe(0);
    },
    LONG_MS,
  );

  it(
    'that ask for strict identity are obeyed, also without an identity service',
    async () => {
      const { code, stdout, stderr } = await dev(join(root, 'strict'), {
        ...{ BOBBIN_IDENTITY_MODE: 'strict', OPENAI_API_KEY: 'sk-test', OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' },
      });
      expect(code).not.toBe(0);
      expect(stdout + stderr).toMatch(/agentIdentity/);
    },
    LONG_MS,
  );
});

describe('the ports', () => {
  it(
    'of the service being taken, others are used, and that is said',
    async () => {
      // Another test may have both, and leave them before the stack looks. A service that stays has taken them as well.
      const take = () => Promise.allSettled([7233, 8233].map(listen));
      const isTaken = async () => (await take()).some(({ status }) => status === 'fulfilled');
      await expect
        .poll(isTaken, { timeout: 60_000 })
        .toBe(true)
        .catch(() => undefined);
      const { code, stdout, stderr, left } = await dev(join(root, 'ports'));
      expect(stderr).toMatch(/Port 7233 or its UI port is in use: the Temporal service takes port \d+/);
      expect(stdout).toContain('all is well');
      expect({ code, left }).toEqual({ code: 0, left: [] });
    },
    LONG_MS,
  );

  it(
    'of a service that was named, with something else or nothing behind it: the address and what to do are named',
    async () => {
      const { port } = (await listen(0)).address() as { port: number };
      const addresses = [port, await findLastingPort()].map((one) => `127.0.0.1:${one}`);
      const ends = await Promise.all(
        addresses.map((address, i) => dev(join(root, `named-${i}`), { TEMPORAL_ADDRESS: address })),
      );
      for (const [i, { code, stderr, left }] of ends.entries()) {
        expect(stderr).toContain(`bobbin: The Temporal service at ${addresses[i] ?? ''} cannot be reached`);
        expect(stderr).toContain('Check the address');
        expect({ code, left }).toEqual({ code: 5, left: [] });
      }
    },
    LONG_MS,
  );

  async function listen(port: number): Promise<Server> {
    const server = createServer((socket) => socket.on('error', () => undefined).end('220 something else\r\n'));
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
    servers.push(server);
    return server;
  }
});
