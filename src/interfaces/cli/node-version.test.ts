import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..', '..');

function runAs(version: string) {
  const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`;
  const main = join(import.meta.dirname, 'main.ts');
  return spawnSync(process.execPath, ['--import', `data:text/javascript,${pretend}`, main, '--version'], {
    encoding: 'utf8',
  });
}

test.each(['18.20.8', '20.20.2', '22.11.0'])(
  'the command says in one sentence that Node.js %s is too old',
  (version) => {
    const { status, stdout, stderr } = runAs(version);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(new RegExp(`^bobbin needs Node.js 22.12 or later, and this is Node.js ${version}. .*\n$`));
  },
);

test.each(['22.12.0', '24.0.0'])('the command runs on Node.js %s', (version) => {
  expect(runAs(version)).toMatchObject({ status: 0, stderr: '' });
});

/** A checkout whose command prints what it is, as built and from its sources. */
function checkout(builtAt?: Date): string {
  const folder = mkdtempSync(join(tmpdir(), 'bobbin-checkout-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  cpSync(join(root, 'bobbin.mjs'), join(folder, 'bobbin.mjs'));
  for (const part of ['activities', 'workflows', 'src/interfaces/cli', 'dist/bin'])
    mkdirSync(join(folder, part), { recursive: true });
  writeFileSync(join(folder, 'src/interfaces/cli/main.ts'), "const what: string = 'sources'; console.log(what);");
  if (builtAt === undefined) return folder;
  const built = join(folder, 'dist/bin/bobbin.js');
  writeFileSync(built, "console.log('built');");
  utimesSync(built, builtAt, builtAt);
  return folder;
}

function runCheckout(folder: string, ...flags: string[]) {
  return spawnSync(process.execPath, [...flags, join(folder, 'bobbin.mjs')], { encoding: 'utf8' });
}

const HOUR_MS = 3_600_000;

test('a checkout runs its build, and its sources if there is no build or one of them is newer', () => {
  expect(runCheckout(checkout(new Date(Date.now() + HOUR_MS))).stdout).toBe('built\n');
  expect(runCheckout(checkout(new Date(Date.now() - HOUR_MS))).stdout).toBe('sources\n');
  expect(runCheckout(checkout()).stdout).toBe('sources\n');
});

test('the sources say in one sentence that a Node.js which reads no TypeScript is too old', () => {
  const { status, stdout, stderr } = runCheckout(checkout(), '--no-strip-types');
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toMatch(/^bobbin runs from its sources on Node.js 22.18 or later, and this is Node.js .*\n$/);
});

test('npm starts the checkout by the file that chooses', () => {
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'bobbin.mjs'), '--version'], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  expect(scripts).toMatchObject({ start: 'node bobbin.mjs dev', bobbin: 'node bobbin.mjs' });
});

test('the floor is the one of package.json', () => {
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { engines: { node: string } };
  expect(engines.node).toBe('>=22.12');
});
