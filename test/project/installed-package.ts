/** A package as it is published: packed, unpacked into another project, and used from there. */
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { publint } from 'publint';
import { afterAll, beforeAll, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** Programs that use the package run with another Node, too, if one is named. */
export const programNode = process.env['OTHER_NODE'] ?? process.execPath;

export interface InstalledPackage {
  /** Folder of the project that uses it. */
  project: string;
  /** Folder of the package in it. */
  installed: string;
  tarball: string;
}

/**
 * Packs and unpacks it before the tests of the file, and removes it after them.
 *
 * @param from the folder to pack, below that of Bobbin
 * @param needs names of packages that it finds beside itself
 */
export function installPackage(name: string, { from, needs }: { from: string; needs: string[] }): InstalledPackage {
  const project = mkdtempSync(join(tmpdir(), `${name}-`));
  const own: InstalledPackage = { project, installed: join(project, 'node_modules', name), tarball: '' };
  beforeAll(() => {
    if (process.env['BOBBIN_TEST_BUILT'] !== '1') execFileSync('npm', ['run', 'build', '--silent'], { cwd: root });
    const pack = ['pack', '--silent', '--ignore-scripts', '--pack-destination', project, join(root, from)];
    own.tarball = join(project, execFileSync('npm', pack, { encoding: 'utf8' }).trim());
    mkdirSync(own.installed, { recursive: true });
    execFileSync('tar', ['-xzf', own.tarball, '-C', own.installed, '--strip-components=1']);
    for (const needed of [...needs, '@types/node', 'undici-types']) {
      const link = join(project, 'node_modules', needed);
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(join(root, 'node_modules', needed), link);
    }
    writeFileSync(join(project, 'package.json'), '{ "name": "consumer", "type": "module" }');
  }, 180_000);
  afterAll(() => rmSync(project, { recursive: true, force: true }));
  return own;
}

const COMPILERS = [
  {
    moduleResolution: 'nodenext',
    module: 'nodenext',
    compiler: 'typescript-7',
    files: ['consumer.mts', 'consumer.cts'],
  },
  { moduleResolution: 'node16', module: 'node16', compiler: 'typescript', files: ['consumer.mts', 'consumer.cts'] },
  { moduleResolution: 'bundler', module: 'esnext', compiler: 'typescript-7', files: ['consumer.ts'] },
];

/** @param consumer source of a program that uses its types */
export function testItsTypes(own: InstalledPackage, consumer: string): void {
  it('is found with its types by every kind of import', async () => {
    const { messages } = await publint({ pkgDir: own.installed, pack: false, strict: true });
    expect(messages).toEqual([]);
    const checked = await checkPackage(createPackageFromTarballData(new Uint8Array(readFileSync(own.tarball))));
    // Without `exports`, which Node has known since version 12, only the main entry could be found.
    const problems = checked.types === false ? ['no types'] : checked.problems;
    expect(problems.filter((one) => typeof one === 'string' || !JSON.stringify(one).includes('node10'))).toEqual([]);
  });

  it.each(COMPILERS)('type checks under $moduleResolution, libraries included', (given) => {
    const { module, moduleResolution, compiler, files } = given;
    for (const file of files) writeFileSync(join(own.project, file), consumer);
    const flags = ['--strict', '--exactOptionalPropertyTypes', '--noEmit', '--target', 'es2023', '--types', 'node'];
    const tsc = [join(root, 'node_modules', compiler, 'bin', 'tsc'), ...flags];
    const args = [...tsc, '--module', module, '--moduleResolution', moduleResolution, ...files];
    const { stdout, status } = spawnSync(process.execPath, args, { cwd: own.project, encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  });
}
