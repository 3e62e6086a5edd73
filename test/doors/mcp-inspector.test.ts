/** `npm run test:inspector`: the command line of the MCP inspector, which is installed once, 110 MB, in node_modules/.cache. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestEnvironment, openEnvironment } from '../environment.ts';
import { type HttpStand, startHttpStand } from '../parts/http-server.ts';
import { CLI } from '../parts/programs.ts';

const run = promisify(execFile);
const INSPECTOR = '@modelcontextprotocol/inspector@2.12.0';
const FOLDER = join(import.meta.dirname, '../../node_modules/.cache/inspector');
const PROGRAM = join(FOLDER, 'node_modules/.bin/mcp-inspector');
const TEN_MINUTES = 600_000;

describe.runIf(process.env['INSPECTOR'] === '1')('the MCP inspector', () => {
  let environment: TestEnvironment;
  let stand: HttpStand;
  beforeAll(async () => {
    mkdirSync(FOLDER, { recursive: true });
    const install = ['install', '--prefix', FOLDER, '--ignore-scripts', '--no-audit', '--no-fund', INSPECTOR];
    if (!existsSync(PROGRAM)) await run('npm', install);
    environment = await openEnvironment();
    stand = await startHttpStand(environment.bobbin);
  }, TEN_MINUTES);
  afterAll(async () => {
    await stand.close();
    await environment.close();
  });

  const inspect = async (...args: string[]) => {
    const env = { ...process.env, MCP_CATALOG_PATH: join(environment.data, 'inspector.json') };
    const { stdout, stderr } = await run(process.execPath, [PROGRAM, '--cli', ...args], { env });
    return { value: JSON.parse(stdout) as Record<string, unknown>, stderr };
  };
  const overStdio = () => [
    ...Object.entries(environment.env).flatMap(([name, value]) => ['-e', `${name}=${value}`]),
    ...['--transport', 'stdio', process.execPath, CLI, 'mcp'],
  ];
  const overHttp = () => [
    '--transport',
    'http',
    '--header',
    `Authorization: Bearer ${stand.secret}`,
    '--server-url',
    `${stand.url}/mcp`,
  ];

  it.each([
    ['standard input and output', overStdio],
    ['HTTP', overHttp],
  ])('finds the tools portable, and calls one, over %s', async (_, server) => {
    const { value } = await inspect('--strict', '--method', 'tools/list', ...server());
    expect((value['tools'] as object[]).length).toBe(9);
    const call = ['--method', 'tools/call', '--tool-name', 'start_thread'];
    const args = ['--tool-arg', 'task=say: inspected', `cwd=${environment.cwd}`];
    const done = await inspect(...call, ...args, ...server());
    expect(done.value).toMatchObject({ structuredContent: { status: 'completed' } });
  });
});
