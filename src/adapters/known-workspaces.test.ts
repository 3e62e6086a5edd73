import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
} from 'node:fs';
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

const file = () => join(root, 'data', 'workspaces.jsonl');
const lines = () =>
  readFileSync(file(), 'utf8')
    .split('\n')
    .filter((line) => line !== '');
const makeFolder = (...names: string[]) => {
  const folder = join(root, ...names);
  mkdirSync(folder, { recursive: true });
  return folder;
};
/** Notes of folders that are gone. */
const writeMissing = (count: number) =>
  appendFileSync(file(), Array.from({ length: count }, (_, at) => `"/gone/${at}"\n`).join(''));

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
  expect(lines()).toHaveLength(1);
});

it('keeps what it knows where one line of its file is broken', async () => {
  const workspace = join(root, 'workspace');
  mkdirSync(workspace);
  (await start()).noteWorkspace(workspace);
  appendFileSync(file(), '"/half of a');
  const next = makeFolder('next');
  (await start()).noteWorkspace(next);
  expect([...(await start()).knownWorkspaces()]).toEqual([workspace, next]);
});

it('does not count a workspace that all programs lie in', async () => {
  const { knownWorkspaces, noteWorkspace } = await start();
  for (const around of ['/', '/usr', homedir()]) noteWorkspace(around);
  expect([...knownWorkspaces()]).toEqual([]);
});

it('forgets no workspace that is there, however many were noted after it', async () => {
  const first = makeFolder('first');
  (await start()).noteWorkspace(first);
  writeMissing(3_000);
  const last = makeFolder('last');
  (await start()).noteWorkspace(last);
  const known = (await start()).knownWorkspaces();
  expect([known.has(first), known.has(last)]).toEqual([true, true]);
});

it('keeps a thousand notes of folders that are gone, the newest', async () => {
  const workspace = makeFolder('workspace');
  (await start()).noteWorkspace(workspace);
  writeMissing(3_000);
  (await start()).noteWorkspace(makeFolder('other'));
  expect(lines()).toHaveLength(1_002);
  const known = (await start()).knownWorkspaces();
  expect([known.has('/gone/1999'), known.has('/gone/2000')]).toEqual([false, true]);
});

it('notes a folder of clones or work trees once for all that are in it', async () => {
  const { knownWorkspaces, noteWorkspace } = await start();
  const own = `${join(root, 'data')}-workspaces`;
  for (const part of ['managed', 'worktrees', 'targets'])
    for (const name of ['a', 'b']) noteWorkspace(join(own, part, name, 'web'));
  const folders = ['managed', 'worktrees', 'targets'].map((part) => join(own, part));
  expect([...knownWorkspaces()]).toEqual(folders);
  expect(lines()).toHaveLength(3);
});

it('notes no folder below one that it knows', async () => {
  const { knownWorkspaces, noteWorkspace } = await start();
  const workspace = makeFolder('workspace');
  for (const path of [workspace, join(workspace, 'web')]) noteWorkspace(path);
  expect([...knownWorkspaces()]).toEqual([workspace]);
});

it('knows what a killed worker had set aside to write the file anew', async () => {
  const workspace = makeFolder('workspace');
  (await start()).noteWorkspace(workspace);
  renameSync(file(), `${file()}.5c1f`);
  expect([...(await start()).knownWorkspaces()]).toEqual([workspace]);
  writeMissing(3_000);
  (await start()).noteWorkspace(makeFolder('other'));
  expect((await start()).knownWorkspaces()).toContain(workspace);
  expect(readdirSync(join(root, 'data'))).toEqual(['workspaces.jsonl']);
});
