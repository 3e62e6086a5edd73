import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  TOKEN,
  adapterFor,
  failureOf,
  never,
  startScripted,
  useOwnFolder,
} from '../../../test/parts/identity-adapter-parts.ts';
import { type TokenSource, createTokenSource } from './token-source.ts';

useOwnFolder();

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bobbin-token-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const SECRET = 'a-secret-that-nobody-may-see';

function script(text: string, name = 'token.sh'): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o700 });
  return path;
}

const commandOf = (text: string, timeoutMs = 10_000): TokenSource => ({
  type: 'command',
  command: [script(text)],
  timeoutMs,
});
const tokenFrom = (source: TokenSource, env: NodeJS.ProcessEnv = process.env) => createTokenSource(source, env)(never);
const problemOf = (promise: Promise<unknown>): Promise<{ message: string; isTransient: boolean }> =>
  promise.then(
    () => expect.fail('there is a token'),
    (error: unknown) => error as { message: string; isTransient: boolean },
  );
const jwt = (claims: object) =>
  ['{"alg":"none"}', JSON.stringify(claims), 'x'].map((part) => Buffer.from(part).toString('base64url')).join('.');
const seconds = (ms: number) => Math.floor(ms / 1_000);

describe('a token in a variable', () => {
  it('is read for each registration', async () => {
    const env: NodeJS.ProcessEnv = { THE_TOKEN: 'one' };
    const source = createTokenSource({ type: 'env', name: 'THE_TOKEN' }, env);
    expect(await source(never)).toBe('one');
    env['THE_TOKEN'] = 'two';
    expect(await source(never)).toBe('two');
  });

  it('that is not set is refused by its name', async () => {
    const problem = await problemOf(tokenFrom({ type: 'env', name: 'THE_TOKEN' }, {}));
    expect(problem).toMatchObject({ message: 'the variable THE_TOKEN of the worker is not set', isTransient: false });
  });
});

describe('a token in a file', () => {
  it('is read again when the file changes', async () => {
    const path = join(folder, 'token');
    writeFileSync(path, 'one\n');
    const source = createTokenSource({ type: 'file', path }, {});
    expect(await source(never)).toBe('one');
    writeFileSync(path, 'two\n');
    expect(await source(never)).toBe('two');
  });

  it('may be a projected one, whose folder is replaced as a whole', async () => {
    const project = (name: string, token: string) => {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'token'), token);
      symlinkSync(name, join(folder, '..new'));
      renameSync(join(folder, '..new'), join(folder, '..data'));
    };
    project('first', jwt({ exp: seconds(Date.now()) + 600 }));
    symlinkSync('..data/token', join(folder, 'token'));
    const source = createTokenSource({ type: 'file', path: join(folder, 'token') }, {});
    const first = await source(never);
    project('second', jwt({ exp: seconds(Date.now()) + 1_200 }));
    expect(await source(never)).not.toBe(first);
  });

  it.each([
    ['missing', undefined, /cannot be read \(ENOENT\)/],
    ['empty', '', /is empty/],
    ['of two lines', `${SECRET}\n${SECRET}`, /has 2 lines instead of one/],
    ['larger than any token', SECRET.repeat(3_000), /is larger than any token/],
    ['of an old JWT', jwt({ exp: 1_700_000_000, note: SECRET }), /ended at 2023-11-14T22:13:20.000Z/],
  ])('that is %s is refused, and never quoted', async (_, text, words) => {
    const path = join(folder, 'token');
    if (text !== undefined) writeFileSync(path, text);
    const { message } = await problemOf(tokenFrom({ type: 'file', path }));
    expect(message).toMatch(words);
    expect(message).not.toContain(SECRET);
  });
});

describe('a command that prints a token', () => {
  it('prints it alone, or as JSON with its end', async () => {
    expect(await tokenFrom(commandOf('echo plain'))).toBe('plain');
    const end = new Date(Date.now() + 60_000).toISOString();
    expect(await tokenFrom(commandOf(`echo '{"token": "json", "expires_at": "${end}"}'`))).toBe('json');
    const at = seconds(Date.now()) + 60;
    expect(await tokenFrom(commandOf(`echo '{"token": "json", "expires_at": ${at}}'`))).toBe('json');
  });

  it('runs again once four fifths of the life of its token are over, or the clock was set back', async () => {
    let now = 1_800_000_000_000;
    const counter = join(folder, 'count');
    const end = new Date(now + 100_000).toISOString();
    const source = createTokenSource(
      commandOf(`echo x >> ${counter}\nprintf '{"token": "t%s", "expires_at": "${end}"}' $(wc -l < ${counter})`),
      process.env,
      () => now,
    );
    expect([await source(never), await source(never)]).toEqual(['t1', 't1']);
    now += 79_999;
    expect(await source(never)).toBe('t1');
    now += 1;
    expect(await source(never)).toBe('t2');
    now -= 3_600_000;
    expect(await source(never)).toBe('t3');
  });

  it('runs for each registration where it does not say when its token ends', async () => {
    const counter = join(folder, 'count');
    const source = createTokenSource(commandOf(`echo x >> ${counter}; echo t$(wc -l < ${counter})`), process.env);
    expect([await source(never), await source(never)]).toEqual(['t1', 't2']);
  });

  it('gets its arguments without a shell', async () => {
    const command = [script('printf %s "$1"'), '$(id); `id` | x'] as const;
    const problem = await problemOf(tokenFrom({ type: 'command', command: [command[0], ''], timeoutMs: 5_000 }));
    expect(problem.message).toContain('is empty');
    expect(await tokenFrom({ type: 'command', command: [...command], timeoutMs: 5_000 })).toBe(command[1]);
  });

  it('that hangs is killed with everything it has started', async () => {
    const pids = join(folder, 'pids');
    const source = commandOf(`sleep 600 & echo $! $$ > ${pids}; sleep 600`, 3_000);
    const { message, isTransient } = await problemOf(tokenFrom(source));
    expect([message, isTransient]).toEqual([expect.stringContaining('no token within 3000 ms and was killed'), true]);
    for (const pid of readFileSync(pids, 'utf8').trim().split(' ')) {
      await expect.poll(() => isRunning(pid), { timeout: 10_000 }).toBe(false);
    }
  });

  it('is killed when the registration is stopped, and its reason is that of the stop', async () => {
    const stopping = new AbortController();
    const started = join(folder, 'started');
    const source = createTokenSource(commandOf(`touch ${started}; sleep 600`), process.env);
    const asked = source(stopping.signal);
    await expect.poll(() => existsSync(started)).toBe(true);
    stopping.abort(new Error('stopped by a test'));
    await expect(asked).rejects.toThrow('stopped by a test');
  });

  it.each([
    ['prints two lines', `echo ${SECRET}; echo ${SECRET}`, /has 2 lines instead of one/, false],
    ['prints nothing', 'true', /is empty/, true],
    ['fails', `echo ${SECRET}; exit 3`, /ended with exit code 3\. Run it by hand/, true],
    ['prints a secret to its error output', `echo ${SECRET} >&2; exit 1`, /exit code 1\. Its 29 bytes of error/, true],
    ['is killed', 'kill -9 $$', /ended with SIGKILL/, true],
    ['prints JSON without a token', `echo '{"access": "${SECRET}"}'`, /no JSON object|member "token"/, false],
    ['prints broken JSON', `echo '{"token": "${SECRET}"'`, /is not a JSON object with a member "token"/, false],
    ['prints an end that is no time', `echo '{"token": "${SECRET}", "expires_at": "${SECRET}"}'`, /no time/, false],
    ['prints a token that has ended', `echo '{"token": "${SECRET}", "expires_at": 1700000000}'`, /ended at 2023/, true],
    ['prints too much', `yes ${SECRET}`, /printed more than 65536 bytes/, false],
  ])('that %s is refused, and nothing of it is quoted', async (_, text, words, transient) => {
    const { message, isTransient } = await problemOf(tokenFrom(commandOf(text)));
    expect(message).toMatch(words);
    expect(message).not.toContain(SECRET);
    expect(isTransient).toBe(transient);
  });

  it('that cannot be started is refused by its name', async () => {
    const command: [string] = [join(folder, 'missing')];
    const { message, isTransient } = await problemOf(tokenFrom({ type: 'command', command, timeoutMs: 1_000 }));
    expect([message, isTransient]).toEqual([expect.stringContaining('could not be started (ENOENT)'), false]);
  });
});

function isRunning(pid: string): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

describe('a registration', () => {
  it('carries the token of its account', async () => {
    const scripted = await startScripted(200, '{"agent_runtime_id":"any"}');
    const adapter = adapterFor(scripted.url, { accessToken: (account) => `token-of-${account}` });
    await adapter.registerIdentity('one', never);
    await adapter.registerIdentity('two', never);
    expect(scripted.seen.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer token-of-one',
      'Bearer token-of-two',
    ]);
  });

  it.each([
    ['that may work later is tried again', 'exit 1', 'agentIdentityUnavailable'],
    ['that cannot work is not', `echo ${TOKEN}; echo ${TOKEN}`, 'agentIdentityRefused'],
  ])('without a token is not sent; one %s', async (_, text, code) => {
    const scripted = await startScripted(200, '{"agent_runtime_id":"any"}');
    const source = createTokenSource(commandOf(text), process.env);
    const adapter = adapterFor(scripted.url, { accessToken: (__, signal) => source(signal) });
    const failure = await failureOf(adapter.registerIdentity('account-1', never));
    expect([failure.code, scripted.seen]).toEqual([code, []]);
    expect(failure.message).toMatch(/account account-1 was not tried: the /);
    expect(JSON.stringify([failure.message, String(failure.cause), failure.stack])).not.toContain(TOKEN);
  });
});
