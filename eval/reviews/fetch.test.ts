/** Of packages that were fetched before: no test needs a registry. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { unpack } from './fetch.ts';

const root = mkdtempSync(join(tmpdir(), 'fetch-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const packages = join(root, 'packages');
mkdirSync(join(root, 'package'));
mkdirSync(packages);
writeFileSync(join(root, 'package', 'index.js'), 'one\n');
const archive = join(packages, 'npm-own-1.0.0');
execFileSync('tar', ['-czf', archive, '-C', root, 'package']);
const hash = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
const where = (into: string) => ({ packages, into: join(root, into), signal: new AbortController().signal });

it('unpacks a package whose hash is that of the list', async () => {
  await unpack({ registry: 'npm', package: 'own' }, { version: '1.0.0', hash }, where('right'));
  expect(readFileSync(join(root, 'right', 'index.js'), 'utf8')).toBe('one\n');
});

it('refuses and forgets a package with another hash, and unpacks nothing of it', async () => {
  writeFileSync(archive, 'another');
  const unpacked = unpack({ registry: 'npm', package: 'own' }, { version: '1.0.0', hash }, where('wrong'));
  await expect(unpacked).rejects.toThrow('not sha512-');
  expect([existsSync(archive), existsSync(join(root, 'wrong'))]).toEqual([false, false]);
});
