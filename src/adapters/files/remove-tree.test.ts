import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { removeTree } from './remove-tree.ts';

let folder = '';
const at = (...names: string[]) => join(folder, ...names);

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'remove-tree-')));
});
afterEach(() => removeTree(folder));

it('removes folders that nobody may read, write or enter', async () => {
  mkdirSync(at('tree/a/b'), { recursive: true });
  writeFileSync(at('tree/a/b/file'), '');
  for (const path of [at('tree/a/b/file'), at('tree/a/b'), at('tree/a'), at('tree')]) chmodSync(path, 0);
  await removeTree(at('tree'));
  expect(existsSync(at('tree'))).toBe(false);
});

it('removes folders in each other that are too deep for a path', async () => {
  const make = 'import os\nfor _ in range(300):\n os.mkdir("d" * 200)\n os.chdir("d" * 200)\nopen("f", "w")';
  mkdirSync(at('tree'));
  execFileSync('python3', ['-c', make], { cwd: at('tree') });
  await removeTree(at('tree'));
  expect(existsSync(at('tree'))).toBe(false);
});

it('follows no link, neither to a folder nor to a file', async () => {
  mkdirSync(at('outside'), { mode: 0o755 });
  writeFileSync(at('outside/file'), 'kept');
  chmodSync(at('outside/file'), 0o444);
  mkdirSync(at('tree/in'), { recursive: true });
  symlinkSync(at('outside'), at('tree/in/folder'));
  symlinkSync(at('outside/file'), at('tree/file'));
  await removeTree(at('tree'));
  expect([existsSync(at('tree')), readFileSync(at('outside/file'), 'utf8')]).toEqual([false, 'kept']);
  symlinkSync(at('outside'), at('link'));
  await removeTree(at('link'));
  expect([existsSync(at('link')), existsSync(at('outside/file'))]).toEqual([false, true]);
});

it('has nothing to do if there is nothing, and two at once do not disturb each other', async () => {
  await removeTree(at('none/at/all'));
  for (let n = 0; n < 30; n++) mkdirSync(at(`tree/${n}/a/b`), { recursive: true });
  await Promise.all([removeTree(at('tree')), removeTree(at('tree'))]);
  expect(existsSync(at('tree'))).toBe(false);
});
