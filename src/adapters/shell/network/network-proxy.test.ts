import { once } from 'node:events';
import { existsSync, readdirSync, readlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, createServer as createRawServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandSpec, SandboxPolicy } from '../../../../activities/ports.ts';
import { findProgram } from '../../programs.ts';
import { probeBubblewrap } from '../sandbox/bubblewrap.ts';
import { createCommandRunner } from '../command-runner.ts';
import { readNetworkSetting, startNetworkProxy } from './network-proxy.ts';
import { createTestBench } from '../test-bench.ts';

const state = await probeBubblewrap(findProgram('bwrap', []));
const bench = createTestBench();
const asked: string[] = [];
/** Plays every registry there is. */
const registry = createServer((request, response) => {
  asked.push(`${request.headers.host ?? ''}${request.url ?? ''}`);
  response.end('a package');
});
const open = () => Promise.resolve(connect((registry.address() as AddressInfo).port, '127.0.0.1'));

beforeAll(async () => {
  registry.listen(0, '127.0.0.1');
  await once(registry, 'listening');
});
afterAll(() => {
  registry.close();
  bench[Symbol.dispose]();
});

describe.runIf(state.available)('a thread that was told of no network', () => {
  it.each([
    ['registries', 'its own with a proxy'],
    ['on', "the machine's"],
  ])('has none with a worker whose setting is %j: others get %s', async (setting, usual) => {
    const networkOf = async (more: Partial<CommandSpec>) => {
      const sandbox: SandboxPolicy = { mode: 'workspace-write', writableRoots: [], networkAccess: false };
      const network = readNetworkSetting(setting);
      const { output } = await createCommandRunner({ stateDirectory: bench.stateDirectory, network }).run(
        bench.spec('readlink /proc/self/ns/net; echo "$HTTPS_PROXY"', { sandbox, ...more }),
        { signal: new AbortController().signal, onOutput: () => undefined },
      );
      if (output.startsWith(`${readlinkSync('/proc/self/ns/net')}\n`)) return "the machine's";
      return output.includes('127.0.0.1:3128') ? 'its own with a proxy' : 'its own';
    };
    expect([await networkOf({ offline: true }), await networkOf({})]).toEqual(['its own', usual]);
  });
});

describe.runIf(state.available)('a command that is too long for an argument', () => {
  it.each([
    ['no network', 'off', undefined],
    ['the hosts of a list', 'registries', undefined],
    ['every host', 'on', undefined],
    ['no network, in a terminal', 'off', true],
    ['the hosts of a list, in a terminal', 'registries', true],
  ] as const)('runs with %s, and is read from a descriptor that it no longer has', async (_, setting, terminal) => {
    const command = `echo ${'x'.repeat(200_000)} | wc -c; [ -e /dev/fd/4 ] || echo closed`;
    const sandbox: SandboxPolicy = { mode: 'workspace-write', writableRoots: [], networkAccess: false };
    const report = await createCommandRunner({
      stateDirectory: bench.stateDirectory,
      network: readNetworkSetting(setting),
    }).run(bench.spec(command, { sandbox, ...(terminal && { terminal }) }), {
      signal: new AbortController().signal,
      onOutput: () => undefined,
    });
    expect(report).toMatchObject({ exitCode: 0, output: '200001\nclosed\n' });
  });
});

describe.runIf(state.available)('a command that may reach the hosts of a list', () => {
  const run = (command: string) =>
    createCommandRunner({
      stateDirectory: bench.stateDirectory,
      network: readNetworkSetting('registries, *.example.org'),
      openConnection: open,
    }).run(bench.spec(command, { sandbox: { mode: 'workspace-write', writableRoots: [], networkAccess: false } }), {
      signal: new AbortController().signal,
      onOutput: () => undefined,
    });
  /** Of a tunnel, which is what https goes through, and of a plain request. */
  const tunnel = (host: string) =>
    `exec 5<>/dev/tcp/127.0.0.1/3128; printf 'CONNECT ${host} HTTP/1.1\r\n\r\nGET /left HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n' >&5; cat <&5`;

  it('gets a package, by a tunnel and by a plain request, and ends as it would without', async () => {
    const tunnelled = await run(`${tunnel('registry.npmjs.org:443')}; exit 7`);
    expect(tunnelled).toMatchObject({ exitCode: 7, gone: true });
    expect(tunnelled.output).toMatch(/200 Connection Established[^]*a package/);
    const plain = await run(
      `exec 5<>/dev/tcp/127.0.0.1/3128; printf 'GET http://a.example.org/plain HTTP/1.1\r\nhost: a.example.org\r\nconnection: close\r\n\r\n' >&5; cat <&5`,
    );
    expect(plain.output).toContain('a package');
    expect(asked).toEqual(['x/left', 'a.example.org/plain']);
  });

  it.each([
    ['another host', 'evil.example.com:443'],
    ['another port', 'registry.npmjs.org:22'],
    ['a host whose name ends alike', 'notregistry.npmjs.org:443'],
    ['this machine', '127.0.0.1:443'],
    ['the name that a pattern is of', 'example.org:443'],
  ])('does not reach %s', async (_, host) => {
    const before = asked.length;
    const { output } = await run(tunnel(host));
    expect(output).toContain('403');
    expect(asked.length).toBe(before);
  });

  it.each([
    ['a request that announces trailers', 'GET', 'Trailer: a\r\n', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi'],
    ['an answer that announces trailers', 'GET', '', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntrailer: x\r\n\r\nhi'],
    ['an answer with a status that is none', 'GET', '', 'HTTP/1.1 099 odd\r\ncontent-length: 0\r\n\r\n'],
    ['an answer that is cut off', 'GET', '', 'HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nhi'],
    [
      'an answer that changes the protocol',
      'GET',
      '',
      'HTTP/1.1 101 Switch\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
    ],
    ['a request that is cut off', 'POST', 'Content-Length: 20\r\n', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi'],
  ])('goes on after %s', async (_, method, header, answer) => {
    const odd = createRawServer((socket) => socket.once('data', () => socket.end(answer))).listen(0, '127.0.0.1');
    await once(odd, 'listening');
    const reach = () => Promise.resolve(connect((odd.address() as AddressInfo).port, '127.0.0.1'));
    try {
      const proxy = await startNetworkProxy({ directory: bench.stateDirectory, hosts: ['a.example.org'], reach });
      const send = async (request: string) => {
        const socket = connect(proxy.socket).on('error', () => undefined);
        socket.end(request);
        return text(socket).catch(() => 'cut off');
      };
      await send(`${method} http://a.example.org/ HTTP/1.1\r\nHost: a\r\n${header}Connection: close\r\n\r\n`);
      // Whatever became of that, the worker is there, and so is its proxy.
      expect(await send('GET http://b.example.org/ HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n')).toContain('403');
      proxy.close();
    } finally {
      odd.close();
    }
  });

  it('takes no connection from another one', async () => {
    const stop = new AbortController();
    const runner = createCommandRunner({
      stateDirectory: bench.stateDirectory,
      network: readNetworkSetting('registries'),
      openConnection: open,
    });
    const sandbox = { mode: 'read-only' as const, writableRoots: [], networkAccess: false };
    const takeAll = `trap '' PIPE; for i in {1..300}; do exec {fd}<>/dev/tcp/127.0.0.1/3128; printf 'CONNECT registry.npmjs.org:443 HTTP/1.1\r\n\r\n' >&$fd; read -r -u $fd line || break; done; echo took $i; cat`;
    let told: (text: string) => void;
    const taken = new Promise<string>((resolve) => (told = resolve));
    const running = runner.run(bench.spec(takeAll, { sandbox }), {
      signal: stop.signal,
      onOutput: ({ text }) => text.includes('took') && told(text),
    });
    expect(await Promise.race([taken, running.then((report) => report.output)])).toContain('took 257');
    const other = await runner.run(bench.spec(tunnel('registry.npmjs.org:443'), { sandbox }), {
      signal: new AbortController().signal,
      onOutput: () => undefined,
    });
    expect(other.output).toContain('a package');
    stop.abort();
    await running;
    expect(readdirSync(bench.stateDirectory).filter((name) => name.endsWith('.sock'))).toEqual([]);
  });

  it('reaches nothing past the proxy', async () => {
    const { port } = registry.address() as AddressInfo;
    const { output } = await run(`exec 5<>/dev/tcp/127.0.0.1/${port} && echo reached; echo "$HTTPS_PROXY"`);
    expect(output).not.toContain('reached');
    expect(output).toContain('http://127.0.0.1:3128');
  });

  it('is stopped with all that it started', async () => {
    const stop = new AbortController();
    const runner = createCommandRunner({
      stateDirectory: bench.stateDirectory,
      network: readNetworkSetting('registries'),
      graceMs: 20_000,
    });
    const report = await runner.run(
      bench.spec('trap "echo cleaned; exit 0" TERM; echo ready; while :; do sleep 0.01; done', {
        sandbox: { mode: 'read-only', writableRoots: [], networkAccess: false },
      }),
      {
        signal: stop.signal,
        onOutput: ({ text }) => {
          if (text.includes('ready')) stop.abort();
        },
      },
    );
    expect(report).toMatchObject({
      outcome: 'aborted',
      output: expect.stringContaining('cleaned') as string,
      gone: true,
    });
  });
});

describe('the proxy of a command', () => {
  const start = (bounds: { maxConnections?: number; idleMs?: number }) =>
    startNetworkProxy({
      directory: bench.stateDirectory,
      hosts: ['a.example.org'],
      reach: open,
      bounds: { maxConnections: 10, idleMs: 60_000, ...bounds },
    });
  /** Opens a tunnel; resolves to its socket and what the proxy said. */
  const openTunnel = async ({ socket }: { socket: string }) => {
    const client = connect(socket).on('error', () => undefined);
    client.write('CONNECT a.example.org:443 HTTP/1.1\r\n\r\n');
    const said = await new Promise<string>((resolve) => {
      client.once('data', (chunk) => resolve(String(chunk)));
      client.once('close', () => resolve('closed'));
    });
    return { client, said };
  };

  it('refuses connections beyond a number, and leaves those of other commands alone', async () => {
    const [one, other] = [await start({ maxConnections: 2 }), await start({})];
    const [first] = [await openTunnel(one), await openTunnel(one)];
    expect((await openTunnel(one)).said).toBe('closed');
    expect((await openTunnel(other)).said).toContain('200');
    first.client.destroy();
    await expect.poll(async () => (await openTunnel(one)).said).toContain('200');
    for (const proxy of [one, other]) proxy.close();
  });

  it('ends a tunnel, a request and the wait for one that nothing moves in', async () => {
    const silent = createRawServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const proxy = await startNetworkProxy({
      directory: bench.stateDirectory,
      hosts: ['a.example.org'],
      reach: () => Promise.resolve(connect((silent.address() as AddressInfo).port, '127.0.0.1')),
      bounds: { maxConnections: 10, idleMs: 1_000 },
    });
    const { client, said } = await openTunnel(proxy);
    expect(said).toContain('200');
    await once(client, 'close');
    for (const sent of ['GET http://a.example.org/ HTTP/1.1\r\nhost: a.example.org\r\n\r\n', 'GET http://a.exa']) {
      const socket = connect(proxy.socket).on('error', () => undefined);
      socket.resume().write(sent);
      await once(socket, 'close');
    }
    proxy.close();
    silent.close();
  });

  it('ends with the command: its tunnels and its socket', async () => {
    const proxy = await start({});
    const { client } = await openTunnel(proxy);
    proxy.close();
    if (!client.destroyed) await once(client.resume(), 'close');
    expect(existsSync(proxy.socket)).toBe(false);
  });

  it('is not one that a killed worker left: that is removed after a day', async () => {
    const [left, earlier] = ['proxy-0123456789ab.sock', 'proxy-4711.sock'].map((name) =>
      join(bench.stateDirectory, name),
    );
    for (const path of [left, earlier] as string[]) {
      writeFileSync(path, '');
      utimesSync(path, 1, 1);
    }
    const proxy = await start({});
    expect([left, earlier, proxy.socket].map((path) => existsSync(path ?? ''))).toEqual([false, true, true]);
    proxy.close();
  });
});

it.each(['', 'of', 'http://registry.npmjs.org', '10.0.0.1:80', 'a b/c'])('refuses %j as a setting', (text) => {
  expect(() => readNetworkSetting(text)).toThrow(/neither off, on, registries nor the name of a host/);
});
