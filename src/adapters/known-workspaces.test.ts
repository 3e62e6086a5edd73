import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

let root: string;
const before = process.env['BOBBIN_DATA_DIR'];
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'bobbin-known-')));
  process.env['BOBBIN_DATA_DIR'] = join(root, 'data');
});
afterEach(() => {
  if (before === undefined) delete process.env['BOBBIN_DATA_DIR'];
  else process.env['BOBBIN_DATA_DIR'] = before;
  rmSync(root, { recursive: true, force: true });
});

/** As a worker that was just started has it. */
async function start() {
  vi.resetModules();
  return import('./known-workspaces.ts');
}

it('knows the workspaces of earlier workers, each once', async () => {
  const workspace = join(root, 'work\nspace');
  mkdirSync(workspace);
  for (const _ of [1, 2]) (await start()).noteWorkspace(workspace);
  expect([...(await start()).knownWorkspaces()]).toEqual([workspace]);
  expect(readFileSync(join(root, 'data', 'workspaces.jsonl'), 'utf8').split('\n')).toHaveLength(2);
});

it('keeps what it knows where one line of its file is broken', async () => {
  const workspace = join(root, 'workspace');
  mkdirSync(workspace);
  (await start()).noteWorkspace(workspace);
  appendFileSync(join(root, 'data', 'workspaces.jsonl'), '"/half of a');
  expect([...(await start()).knownWorkspaces()]).toEqual([workspace]);
});

it('does not count a workspace that all programs lie in', async () => {
  const { knownWorkspaces, noteWorkspace } = await start();
  for (const around of ['/', '/usr', homedir()]) noteWorkspace(around);
  expect([...knownWorkspaces()]).toEqual([]);
});
