import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SandboxMode } from '../../contract/index.ts';
import { LIMITS } from '../../contract/plain/limits.ts';
import { openScratch } from '../shell/sandbox/scratch.ts';
import { createImageFiles } from './image-files.ts';

let root: string;
let cwd: string;
let state: string;
let outside: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync('/tmp/image-files-'));
  [cwd, state, outside] = [join(root, 'work'), join(root, 'state'), join(root, 'outside')];
  for (const folder of [cwd, state, outside]) mkdirSync(folder);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

async function read(path: string, sandbox: SandboxMode = 'workspace-write', closed: string[] = []): Promise<string> {
  const files = createImageFiles({
    stateDirectory: state,
    closed: [state, ...closed],
    shown: [join(state, 'skills')],
  });
  const found = await files.read(path, { threadId: 't', cwd, sandbox }, new AbortController().signal);
  return 'fault' in found ? found.fault : Buffer.from(found.bytes).toString();
}

const CLOSED = 'it is in a place that is closed to commands';
/** The folder of a test is in /tmp, and a path there means the one of the thread. */
const REFUSED = /^(it is in a place that is closed to commands|there is no such file)$/;

it('reads files of the workspace, by any path to them', async () => {
  writeFileSync(join(cwd, 'a.png'), 'bytes');
  symlinkSync('a.png', join(cwd, 'link.png'));
  for (const path of ['a.png', './a.png', 'x/../a.png', join(cwd, 'a.png'), 'link.png'])
    expect(await read(path), path).toBe('bytes');
});

it('says what it cannot read, and waits for nothing', async () => {
  execFileSync('mkfifo', [join(cwd, 'pipe.png')]);
  mkdirSync(join(cwd, 'folder.png'));
  writeFileSync(join(cwd, 'large.png'), '');
  truncateSync(join(cwd, 'large.png'), LIMITS.imageBytes + 1);
  symlinkSync('loop.png', join(cwd, 'loop.png'));
  expect(await read('none.png')).toBe('there is no such file');
  expect(await read('pipe.png')).toBe('it is not a regular file');
  expect(await read('folder.png')).toBe('it is not a regular file');
  expect(await read('loop.png')).toMatch(/^it is a link that leads nowhere/);
  expect(await read('large.png')).toBe(
    `it has ${LIMITS.imageBytes + 1} bytes, and an image may have ${LIMITS.imageBytes}`,
  );
});

describe('what is closed to commands', () => {
  it('is open in the folder of skills, unless that is a link or has one', async () => {
    mkdirSync(join(state, 'skills'));
    writeFileSync(join(state, 'skills', 'logo.png'), 'bytes');
    writeFileSync(join(state, 'key.png'), 'secret');
    symlinkSync('../key.png', join(state, 'skills', 'key.png'));
    expect(await read(join(state, 'skills/logo.png'))).toBe('bytes');
    expect(await read(join(state, 'skills/key.png'))).toBe(CLOSED);
    rmSync(join(state, 'skills'), { recursive: true });
    symlinkSync('.', join(state, 'skills'));
    expect(await read(join(state, 'skills/key.png'))).toBe(CLOSED);
  });

  it('is closed by its own path, by a link to it, and by a link above it', async () => {
    writeFileSync(join(outside, 'key.png'), 'secret');
    writeFileSync(join(state, 'key.png'), 'secret');
    symlinkSync(join(outside, 'key.png'), join(cwd, 'file.png'));
    symlinkSync(outside, join(cwd, 'folder'));
    symlinkSync(join(cwd, 'folder'), join(cwd, 'again'));
    for (const path of [join(outside, 'key.png'), 'file.png', 'folder/key.png', 'again/key.png', '../outside/key.png'])
      for (const mode of ['read-only', 'workspace-write', 'danger-full-access'] as const)
        expect(await read(path, mode, [outside]), `${path} ${mode}`).toMatch(REFUSED);
    expect(await read('file.png', 'workspace-write', [outside])).toBe(CLOSED);
    expect(await read(join(state, 'key.png'), 'danger-full-access')).toBe(CLOSED);
  });

  it('does not close a workspace inside of it', async () => {
    writeFileSync(join(cwd, 'a.png'), 'bytes');
    expect(await read('a.png', 'workspace-write', [root])).toBe('bytes');
    writeFileSync(join(outside, 'a.png'), 'other');
    symlinkSync(join(outside, 'a.png'), join(cwd, 'link.png'));
    expect(await read('link.png', 'danger-full-access', [root])).toBe(CLOSED);
  });

  it('is the rest of /tmp, and what shows processes and devices, as in a sandbox', async () => {
    writeFileSync(join(outside, 'a.png'), 'other');
    symlinkSync(join(outside, 'a.png'), join(cwd, 'link.png'));
    expect(await read('link.png')).toBe(CLOSED);
    for (const path of ['/proc/self/environ', '/dev/null', '/sys/kernel/notes']) expect(await read(path)).toBe(CLOSED);
    // Commands with full access see all of it.
    expect(await read('link.png', 'danger-full-access')).toBe('other');
  });
});

describe('the temporary folders of the thread', () => {
  it('are /tmp, /var/tmp and /dev/shm, as its commands see them', async () => {
    // Nobody else has a file of this name in /tmp.
    const name = `${basename(root)}.png`;
    const { tmp, varTmp, shm } = openScratch(state, 't', cwd);
    for (const folder of [tmp, varTmp, shm]) writeFileSync(join(folder, name), `in ${folder}`);
    expect(await read(`/tmp/${name}`)).toBe(`in ${tmp}`);
    expect(await read(`/var/tmp/${name}`)).toBe(`in ${varTmp}`);
    expect(await read(`/dev/shm/${name}`)).toBe(`in ${shm}`);
    expect(await read(`/tmp/${name}`, 'danger-full-access')).toBe('there is no such file');
  });

  it('lead nowhere that is closed, and to no folder of another thread', async () => {
    const { tmp } = openScratch(state, 't', cwd);
    const other = openScratch(state, 'another', cwd);
    writeFileSync(join(other.tmp, 'shot.png'), 'of another');
    writeFileSync(join(state, 'key.png'), 'secret');
    symlinkSync(join(other.tmp, 'shot.png'), join(tmp, 'other.png'));
    symlinkSync(join(state, 'key.png'), join(tmp, 'key.png'));
    symlinkSync('../../../../key.png', join(tmp, 'up.png'));
    for (const name of ['other.png', 'key.png', 'up.png'])
      expect(await read(`/tmp/${name}`), name).toMatch(/^(it is in a place|there is no)/);
    expect(await read('/tmp/../tmp/key.png')).toBe(CLOSED);
  });
});
