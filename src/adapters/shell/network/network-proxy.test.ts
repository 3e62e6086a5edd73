import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, createServer as createRawServer, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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

it.each(['', 'of', 'http://registry.npmjs.org', '10.0.0.1:80', 'a b/c'])('refuses %j as a setting', (text) => {
  expect(() => readNetworkSetting(text)).toThrow(/neither off, on, registries nor the name of a host/);
});
