import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

/** What Compose makes of docker-compose.yml; undefined where no Compose is installed. */
let config: string | undefined;

beforeAll(async () => {
  const program = await findCompose();
  if (program === undefined) return;
  config = await printConfig(program, {});
});

async function printConfig(program: string[], env: Record<string, string>, options: string[] = []): Promise<string> {
  const { stdout } = await run(program[0]!, [...program.slice(1), ...options, 'config'], {
    cwd: root,
    env: { PATH: process.env['PATH'], ...env },
  });
  return stdout;
}

async function findCompose(): Promise<string[] | undefined> {
  for (const program of [['docker-compose'], ['docker', 'compose']]) {
    const found = await run(program[0]!, [...program.slice(1), 'version']).catch(() => undefined);
    if (found !== undefined) return program;
  }
  return undefined;
}

/** The lines below a key of the printed YAML, such as `['services', 'worker']`, or nothing. */
function section(text: string, path: string[]): string {
  return path.reduce((within, key) => {
    const lines = within.split('\n');
    const depth = indentOf(lines[0]!);
    const start = lines.findIndex((line) => line.trim() === `${key}:` && indentOf(line) === depth);
    if (start === -1) return '';
    const rest = lines.slice(start + 1);
    const isItem = (line: string) => line.trimStart().startsWith('-') && indentOf(line) === depth;
    const end = rest.findIndex((line) => line.trim() !== '' && indentOf(line) <= depth && !isItem(line));
    return rest.slice(0, end === -1 ? undefined : end).join('\n');
  }, text);
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

function requireConfig(context: { skip: (note: string) => never }): string {
  return config ?? context.skip('neither docker-compose nor docker compose is installed here');
}

/** A tag that names one release: it has a number with a dot, and is not one of the moving words. */
function isPinned(image: string): boolean {
  const tag = /^[^:]+:([^:@/]+)(@sha256:[0-9a-f]{64})?$/.exec(image)?.[1];
  return tag !== undefined && /^v?\d+\.\d+/.test(tag);
}

test('Compose accepts the file, and it has all the services and named volumes', (context) => {
  const text = requireConfig(context);
  const keysOf = (path: string[]) =>
    section(text, path)
      .split('\n')
      .flatMap((line) => /^ {2}(\w+):/.exec(line)?.[1] ?? []);
  expect(keysOf(['services']).sort()).toEqual(['database', 'namespace', 'schema', 'temporal', 'ui', 'worker']);
  expect(keysOf(['volumes']).sort()).toEqual(['archive', 'data', 'database', 'identity', 'keys', 'workspaces']);
});

test('every image is pinned to a release', async (context) => {
  const text = requireConfig(context);
  const images = [...text.matchAll(/^ +image: (.+)$/gm)].map((match) => match[1]!);
  expect(images.length).toBe(6);
  expect(images.filter((image) => !isPinned(image))).toEqual([]);

  const dockerfile = await readFile(`${root}/Dockerfile`, 'utf8');
  const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map((match) => match[1]!);
  expect(bases.length).toBe(3);
  expect(bases.filter((image) => !isPinned(image))).toEqual([]);
  expect(['postgres:latest', 'postgres', 'postgres:17'].filter(isPinned)).toEqual([]);
});

test('the context of the image has every file that its build reads', async () => {
  const allowed = (await readFile(`${root}/.dockerignore`, 'utf8'))
    .split('\n')
    .flatMap((line) => /^!(.+)$/.exec(line)?.[1] ?? []);
  const { scripts } = JSON.parse(await readFile(`${root}/package.json`, 'utf8')) as { scripts: { build: string } };
  const named = [...scripts.build.matchAll(/(?<= )[\w.]+\.(?:ts|mjs|json)(?= |$)/g)].map(([file]) => file);
  expect(named).toEqual(['tsconfig.build.json', 'build.ts']);
  const build = await readFile(`${root}/build.ts`, 'utf8');
  const read = [...build.matchAll(/PACKAGE_ROOT, '(\w+)/g)].map((match) => match[1]!).filter((path) => path !== 'dist');
  expect(read).toContain('src');
  expect([...named, ...read, 'tsconfig.json'].filter((path) => !allowed.includes(path))).toEqual([]);
});

test('the server reads the dynamic configuration from the mounted file, which holds the settings', async (context) => {
  const temporal = section(requireConfig(context), ['services', 'temporal']);
  const path = /DYNAMIC_CONFIG_FILE_PATH: (\S+)/.exec(temporal)?.[1];
  expect(path).toMatch(/^\/etc\/temporal\//);
  const mounts = section(temporal, ['volumes']);
  expect(mounts).toContain('deploy/dynamic-config.yaml');
  expect(mounts).toContain(path);

  const file = await readFile(`${root}/deploy/dynamic-config.yaml`, 'utf8');
  const settings = [...file.matchAll(/^([\w.]+):\n {2}- value: (\S+)$/gm)].map((match) => [match[1], match[2]]);
  expect(settings).toEqual([
    ['history.transferProcessorMaxPollRPS', '1000'],
    ['frontend.WorkerCommandsEnabled', 'true'],
    ['system.enableCancelActivityWorkerCommand', 'true'],
    ['frontend.WorkerHeartbeatsEnabled', 'true'],
    ['frontend.ListWorkersEnabled', 'true'],
  ]);
});

test('the worker waits for a healthy service with a namespace, and is itself checked', (context) => {
  const text = requireConfig(context);
  const worker = section(text, ['services', 'worker']);
  expect(section(worker, ['depends_on', 'temporal'])).toContain('condition: service_healthy');
  expect(section(worker, ['depends_on', 'namespace'])).toContain('condition: service_completed_successfully');
  expect(worker).toMatch(/TEMPORAL_ADDRESS: temporal:7233/);
  for (const service of ['database', 'temporal', 'worker']) {
    expect(section(text, ['services', service, 'healthcheck'])).toContain('test:');
  }
});

test('no port is open to other machines', (context) => {
  const text = requireConfig(context);
  const ports = ['temporal', 'ui'].map((service) => section(text, ['services', service, 'ports']));
  for (const port of ports) expect(port).toContain('127.0.0.1');
  for (const service of ['database', 'worker']) expect(section(text, ['services', service, 'ports'])).toBe('');
});

/** Set by the file, or without a meaning in a container. */
const NOT_PASSED = /^(TEMPORAL_\w+|BOBBIN_(TEMPORAL|CACHE|(DATA|ARCHIVE|KEYS|WORKSPACES)_DIR))$/;

/** The variables of the tables that are about the worker. */
async function workerVariables(): Promise<string[]> {
  const pages = await readFile(`${root}/docs/configuration.md`, 'utf8');
  const sections = pages.split(/^## /m).filter((text) => /^(Services|Defaults|The worker|Commands)/.test(text));
  const cells = sections.flatMap((text) => [...text.matchAll(/^\| (`[^|]+) \|/gm)].map(([, cell]) => cell!));
  const names = cells.flatMap((cell) => [...cell.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name!));
  return names.filter((name) => !NOT_PASSED.test(name));
}

test('every documented setting of a worker reaches it from the shell and from .env, and only if it is set', async (context) => {
  const text = requireConfig(context);
  const program = (await findCompose())!;
  const names = await workerVariables();
  expect(names.length).toBeGreaterThan(65);
  const folder = await mkdtemp(join(tmpdir(), 'bobbin-compose-'));
  try {
    const file = join(folder, 'settings');
    await writeFile(file, names.map((name) => `${name}=in-file-of-${name}\n`).join(''));
    const env = Object.fromEntries(names.map((name) => [name, `$\{literally} of ${name}`]));
    const byFile = await printConfig(program, {}, ['--env-file', file]);
    expect(names.filter((name) => !byFile.includes(`${name}: in-file-of-${name}\n`))).toEqual([]);
    const byShell = await printConfig(program, env);
    expect(names.filter((name) => !byShell.includes(`of ${name}`))).toEqual([]);
  } finally {
    await rm(folder, { recursive: true });
  }
  const set = section(text, ['services', 'worker', 'environment'])
    .split('\n')
    .flatMap((line) => /^ *(\w+): (?!null$)./.exec(line)?.[1] ?? []);
  expect(set.filter((name) => !NOT_PASSED.test(name))).toEqual([]);
});

test('the whole data folder of the worker is on a volume, and belongs to its user', async (context) => {
  const worker = section(requireConfig(context), ['services', 'worker']);
  const folder = /BOBBIN_DATA_DIR: (\S+)/.exec(worker)?.[1];
  expect(section(worker, ['volumes'])).toMatch(new RegExp(`(data:|target: )${folder}(:rw)?$`, 'm'));
  const dockerfile = await readFile(`${root}/Dockerfile`, 'utf8');
  expect(dockerfile).toMatch(new RegExp(`chown -R node:node ${folder} `));
});

test('the image has what git needs for addresses of ssh', async () => {
  expect(await readFile(`${root}/Dockerfile`, 'utf8')).toMatch(/install .* git openssh-client /);
});
