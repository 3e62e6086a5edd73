import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readMcpConfig } from './config.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-config-'));
  file = join(folder, 'mcp.json');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function read(content: unknown, env: NodeJS.ProcessEnv = {}) {
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return readMcpConfig(file, env, true);
}

const DEFAULTS = {
  approval: 'writes',
  toolTimeoutMs: 60_000,
  startupTimeoutMs: 10_000,
  enabledTools: null,
  disabledTools: [],
  required: false,
  secrets: [],
};

describe('the servers of a file', () => {
  it('are there in the form that other agents write, with defaults for the rest', () => {
    const servers = read({
      mcpServers: {
        files: { type: 'stdio', command: 'npx', args: ['-y', 'files'], env: { ROOT: '/work' } },
        web: { url: 'https://example.invalid/mcp', approval: 'always', required: true },
        off: { command: 'never', disabled: true },
        worker: { command: 'never', disabled: true },
      },
    });
    expect(servers).toEqual([
      {
        ...DEFAULTS,
        name: 'files',
        endpoint: { type: 'stdio', command: 'npx', args: ['-y', 'files'], env: { ROOT: '/work' }, cwd: undefined },
      },
      {
        ...DEFAULTS,
        name: 'web',
        approval: 'always',
        required: true,
        endpoint: { type: 'http', url: 'https://example.invalid/mcp', headers: {} },
      },
    ]);
  });

  it('take relative paths from the file, whatever folder the worker was started in', () => {
    const [one, two] = read({ mcpServers: { one: { command: './bin/server', cwd: '..' }, two: { command: 'npx' } } });
    expect(one?.endpoint).toMatchObject({ command: join(folder, 'bin/server'), cwd: dirname(folder) });
    expect(two?.endpoint).toMatchObject({ command: 'npx', cwd: undefined });
  });

  it('take secrets from the environment by name, and know which values are secret', () => {
    const mcpServers = {
      files: { command: 'x', env: { GITHUB_TOKEN: '${TOKEN}', API_KEY: 'written here', LEVEL: 'informative' } },
      web: { url: 'http://127.0.0.1:1', headers: { 'X-Org': 'org ${ORG}' }, bearerTokenEnv: 'TOKEN' },
    };
    const [files, web] = read({ mcpServers }, { TOKEN: 'token-value', ORG: 'our-org' });
    expect(files?.endpoint).toMatchObject({ env: { GITHUB_TOKEN: 'token-value', API_KEY: 'written here' } });
    expect(files?.secrets).toEqual(['token-value', 'written here']);
    expect(web?.endpoint).toMatchObject({
      headers: { 'X-Org': 'org our-org', Authorization: 'Bearer token-value' },
    });
    expect(web?.secrets).toEqual(['our-org', 'token-value']);
  });

  it('are none where there is no file and nobody named one', () => {
    expect(readMcpConfig(file, {}, false)).toEqual([]);
    expect(() => readMcpConfig(file, {}, true)).toThrow(`The MCP configuration ${file} cannot be used`);
  });
});

describe('a file that cannot be used', () => {
  const one = (server: object) => ({ mcpServers: { one: server } });
  it.each<[what: string, content: unknown, said: string]>([
    ['no JSON', '{', 'JSON'],
    ['no list of servers', {}, 'mcpServers: '],
    ['a name that is none', { mcpServers: { 'a b': { command: 'x' } } }, 'mcpServers.a b: '],
    ['the name of the worker itself', { mcpServers: { worker: { command: 'x' } } }, 'mcpServers.worker: '],
    ['neither command nor url', one({}), 'mcpServers.one: either a command or a url is needed, and not both'],
    ['both', one({ command: 'x', url: 'http://127.0.0.1:1' }), 'mcpServers.one: either a command or a url'],
    ['a url of another kind', one({ url: 'ftp://127.0.0.1' }), 'mcpServers.one.url: '],
    ['headers for a command', one({ command: 'x', headers: {} }), 'mcpServers.one.headers: goes with a url'],
    ['arguments for a url', one({ url: 'http://127.0.0.1:1', args: [] }), 'mcpServers.one.args: goes with a command'],
    ['an unknown member', one({ command: 'x', aproval: 'never' }), 'aproval'],
    ['an unknown approval', one({ command: 'x', approval: 'sometimes' }), 'mcpServers.one.approval: '],
    ['a time limit beyond an hour', one({ command: 'x', toolTimeoutMs: 3_600_001 }), 'mcpServers.one.toolTimeoutMs: '],
    [
      'a variable that is not set',
      one({ command: 'x', env: { A: '${NOT_SET}' } }),
      'mcpServers.one.env.A: the variable NOT_SET is not set',
    ],
    [
      'a token that is not set',
      one({ url: 'http://127.0.0.1:1', bearerTokenEnv: 'NOT_SET' }),
      'mcpServers.one.bearerTokenEnv: the variable NOT_SET is not set',
    ],
  ])('(%s) is refused with its name and the member', (_, content, said) => {
    expect(() => read(content)).toThrow(file);
    expect(() => read(content)).toThrow(said);
  });
});
