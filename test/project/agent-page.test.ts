/**
 * The table of `docs/agent.md` that compares what a model is given here and by Codex: read from a request of each to the
 * same model server. `vitest run --project service -u test/project/agent-page.test.ts` writes it. The column of Codex stays
 * as it is where Codex is not installed: `npm run bench` installs it, 400 MB, in bench/peers.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { format, resolveConfig } from 'prettier';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { toConfig, toEnvironment } from '../../bench/codex/app-server.ts';
import { installedCodex } from '../../bench/codex/install.ts';
import type { ModelServer } from '../../src/dev/model-server/server.ts';
import { type TestEnvironment, openEnvironment, runTurn } from '../environment.ts';

const codex = installedCodex();
const PAGE = join(import.meta.dirname, '../../docs/agent.md');
/** Codex knows it, and the offline model server takes every name. */
const KNOWN_MODEL = 'gpt-5.5';

interface Tool {
  type: string;
  name?: string;
  parameters?: { properties: object };
  format?: { type: string };
  /** Of a namespace. */
  tools?: Tool[];
}

interface Body {
  instructions?: string;
  input: { role?: string; content?: { text?: string }[] }[];
  tools: Tool[];
  reasoning?: object;
  include?: string[];
}

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment();
});
afterAll(() => environment.close());

/** The first request that the server gets during an act. */
async function record(server: ModelServer, act: () => Promise<unknown>): Promise<Body> {
  const before = server.requests.length;
  await act();
  const request = server.requests.slice(before).find(({ path }) => path === '/v1/responses');
  if (request === undefined) throw new Error('no request was made');
  return request.body as Body;
}

/** A first request of Codex, which is asked to search the web from what its provider has stored, as by default. */
async function runCodex(model: string): Promise<void> {
  const home = join(environment.data, `codex-${model}`);
  mkdirSync(home, { recursive: true });
  const config = toConfig(environment.model.url)
    .replace('web_search = "disabled"\n', '')
    .replace('model = "bobbin-offline"', `model = ${JSON.stringify(model)}`);
  writeFileSync(join(home, 'config.toml'), config);
  const child = spawn(process.execPath, [codex ?? '', 'exec', '--skip-git-repo-check', '--json', 'say: hello'], {
    cwd: environment.workspace(),
    env: toEnvironment(home),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  await Promise.all([text(child.stdout), text(child.stderr)]);
}

type Rows = Record<string, string>;

const code = (names: string[]): string => names.map((name) => `\`${name}\``).join(', ');

/** A tool with its parameters; none if it is not there. */
function withParameters(tools: Tool[], ...names: string[]): string {
  const found = names.flatMap((name) => tools.filter((tool) => tool.name === name));
  const cells = found.map(({ name = '', parameters }) => {
    const members = Object.keys(parameters?.properties ?? {}).sort();
    return members.length === 0 ? code([name]) : `${code([name])} with ${code(members)}`;
  });
  return cells.length === 0 ? 'none' : cells.join('; ');
}

function toRows({ instructions = '', input, tools: given, reasoning = {}, include = [] }: Body, edits: Tool[]): Rows {
  const tools = given.flatMap((tool) => tool.tools ?? [tool]);
  const textsOf = (role: string) =>
    input.filter((item) => item.role === role).flatMap(({ content }) => content?.map((part) => part.text ?? '') ?? []);
  const how = [instructions, ...textsOf('developer')].join('\n');
  const facts = textsOf('user').find((one) => one.startsWith('<environment_context>')) ?? '';
  const edit = edits.find(({ name }) => name === 'apply_patch');
  return {
    'how to work': `about ${Math.round(how.length / 1_000)},000 characters under ${how.match(/^#+ /gm)?.length ?? 0} headings`,
    'where it is': code(toFacts(facts)),
    commands: withParameters(tools, 'exec_command', 'write_stdin'),
    edits:
      edit === undefined
        ? 'none'
        : `\`apply_patch\` as ${edit.type === 'custom' ? `text with a ${edit.format?.type}` : 'a function'}`,
    images: withParameters(tools, 'view_image'),
    'the person': withParameters(tools, 'update_plan', 'request_user_input'),
    reasoning: code([...Object.keys(reasoning).map((name) => `reasoning.${name}`), ...include]),
    web: code(given.filter(({ type }) => type.startsWith('web_search')).map(({ type }) => type)) || 'none',
    goals: withParameters(tools, 'get_goal', 'create_goal', 'update_goal'),
    agents: withParameters(
      tools,
      'spawn_agent',
      'wait_agent',
      'send_message',
      'send_input',
      'followup_task',
      'list_agents',
      'resume_agent',
      'close_agent',
    ),
  };
}

/** Codex has an element for each fact, and a thread here a line. */
function toFacts(message: string): string[] {
  return [...message.matchAll(/^ {2}<(\w+)>|^- ([^:]+):/gm)].map(([, element, name]) => element ?? name ?? '');
}

/** The cells of a column of the table, by row. */
function readColumn(page: string, column: number): Rows {
  const rows = page.split('\n').filter((line) => line.startsWith('|'));
  const cells = rows.map((row) => row.split('|').map((cell) => cell.trim()));
  return Object.fromEntries(cells.map((row): [string, string] => [row[1] ?? '', row[column] ?? '']));
}

const BEGIN = '<!-- recorded -->';
const END = '<!-- end of what is recorded -->';

it(`docs/agent.md compares what is sent${codex === undefined ? ' (Codex is not installed, so its column is not checked)' : ''}`, async () => {
  const server = environment.model;
  const thread = await environment.start();
  const ours = await record(server, () => runTurn(thread, 'say: hello'));
  const page = readFileSync(PAGE, 'utf8');
  const [before = '', table = '', after = ''] = page.split(new RegExp(`${BEGIN}|${END}`));
  const bobbin = toRows(ours, ours.tools);
  let other = readColumn(table, 2);
  if (codex !== undefined) {
    const known = await record(server, () => runCodex(KNOWN_MODEL));
    other = toRows(await record(server, () => runCodex('bobbin-offline')), known.tools);
  }
  const rows = Object.keys(bobbin).map((name) => `| ${name} | ${other[name] ?? ''} | ${bobbin[name] ?? ''} |`);
  const recorded = ['| what | Codex 0.169 | Bobbin |', '|---|---|---|', ...rows].join('\n');
  const written = `${before}${BEGIN}\n\n${recorded}\n\n${END}${after}`;
  await expect(await format(written, { ...(await resolveConfig(PAGE)), filepath: PAGE })).toMatchFileSnapshot(PAGE);
});
