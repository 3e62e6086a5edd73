import { mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { SandboxPolicy } from '../../../activities/ports.ts';
import { createPatcher } from './patcher.ts';
import { runUntilRename } from './test-killed.ts';

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'bobbin-patch-killed-')));
  mkdirSync(join(root, 'sub'));
  for (const name of ['a.txt', 'sub/b.txt']) writeFileSync(join(root, name), 'old\n');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const patch = `*** Begin Patch
*** Update File: a.txt
@@
-old
+new
*** Update File: sub/b.txt
@@
-old
+new
*** End Patch
`;
const sandbox: SandboxPolicy = { mode: 'workspace-write', writableRoots: [], networkAccess: false };

/** @returns the draft that is left of `sub/b.txt`. */
function killAtSecondFile(): string[] {
  const where = JSON.stringify({ cwd: root, sandbox, actionId: 'thread patch-1' });
  const signal = runUntilRename(
    'b.txt',
    `import { createPatcher } from ${JSON.stringify(join(import.meta.dirname, 'patcher.ts'))};
     await createPatcher().apply(${JSON.stringify(patch)}, ${where}, new AbortController().signal);`,
  );
  expect(signal).toBe('SIGKILL');
  return drafts();
}

const drafts = () => readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.tmp'));
const read = (name: string) => readFileSync(join(root, name), 'utf8');
const retry = () =>
  createPatcher().apply(
    patch,
    { cwd: root, sandbox, actionId: 'thread patch-1', retried: true },
    new AbortController().signal,
  );

it('a patch whose process is killed is completed by the next try, and no draft stays', async () => {
  expect(killAtSecondFile()).toHaveLength(1);
  await retry();
  expect([drafts(), read('a.txt'), read('sub/b.txt')]).toEqual([[], 'new\n', 'new\n']);
});

it('no draft stays either if the next try cannot be applied', async () => {
  expect(killAtSecondFile()).toHaveLength(1);
  writeFileSync(join(root, 'a.txt'), 'by a person\n');
  await expect(retry()).rejects.toMatchObject({ code: 'patchDoesNotApply' });
  expect([drafts(), read('sub/b.txt')]).toEqual([[], 'old\n']);
});

it('a draft of another action is left alone', async () => {
  const [left = ''] = killAtSecondFile();
  const where = { cwd: root, sandbox, actionId: 'other patch-1', retried: true };
  await createPatcher().apply(patch, where, new AbortController().signal);
  expect(drafts()).toEqual([left]);
});
