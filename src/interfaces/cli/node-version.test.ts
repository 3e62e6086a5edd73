import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

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

const sources = join(root, 'bobbin.mjs');

test('the sources say in one sentence that a Node.js which reads no TypeScript is too old', () => {
  const args = ['--no-strip-types', sources, '--version'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toMatch(/^bobbin runs from its sources on Node.js 22.18 or later, and this is Node.js .*\n$/);
});

test('the sources run on this Node.js, and npm starts them by the file that checks it', () => {
  const { status, stderr } = spawnSync(process.execPath, [sources, '--version'], { encoding: 'utf8' });
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
