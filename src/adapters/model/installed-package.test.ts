import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isInstalled, loadInstalled, toInstallCommand } from './installed-package.ts';

const base = realpathSync(mkdtempSync(join(tmpdir(), 'installed-')));
const before = process.cwd();
beforeAll(() => process.chdir(base));
afterAll(() => {
  process.chdir(before);
  rmSync(base, { recursive: true });
});

function write(path: string, content: string) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

function install(modules: string, name: string, from: string) {
  const exports = { '.': { import: './index.js', default: './index.js' } };
  write(join(modules, name, 'package.json'), JSON.stringify({ name, version: '1.0.0', type: 'module', exports }));
  write(join(modules, name, 'index.js'), `export const from = ${JSON.stringify(from)};`);
}

describe('A package of a provider', () => {
  const near = join(base, 'project/node_modules');
  const root = join(near, 'bobbin');

  it('is loaded from the packages of Bobbin, and from those next to it', async () => {
    install(join(root, 'node_modules'), '@x/inner', 'inner');
    install(near, '@x/inner', 'next');
    install(near, '@x/next', 'next');
    expect(await loadInstalled('@x/inner', root)).toMatchObject({ from: 'inner' });
    expect(await loadInstalled('@x/next', root)).toMatchObject({ from: 'next' });
  });

  it('is never loaded from a folder above, nor from the current one, which can be workspaces', async () => {
    install(join(base, 'node_modules'), '@x/planted', 'workspace');
    install(join(process.cwd(), 'node_modules'), '@x/planted', 'workspace');
    expect(isInstalled('@x/planted', root)).toBe(false);
    expect(await loadInstalled('@x/planted', root)).toBeUndefined();
  });

  it('may be a link, as pnpm makes them', async () => {
    const store = join(near, '.pnpm/linked/node_modules');
    install(store, '@x/linked', 'store');
    symlinkSync(join(store, '@x/linked'), join(near, '@x/linked'));
    expect(await loadInstalled('@x/linked', join(near, '.pnpm/bobbin/node_modules/bobbin'))).toMatchObject({
      from: 'store',
    });
  });

  it('is installed by a command for the place where Bobbin is', () => {
    expect(toInstallCommand('p@1', join(base, 'checkout'))).toBe(`npm install p@1 (in ${join(base, 'checkout')})`);
    expect(toInstallCommand('p@1', root)).toBe('npm install --global p@1');
    write(join(base, 'project/package.json'), '{}');
    expect(toInstallCommand('p@1', root)).toBe(`npm install p@1 (in ${join(base, 'project')})`);
  });
});
