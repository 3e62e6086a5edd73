import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SafeFolder, inFolder, openFolder } from './safe-folder.ts';
import { startSwapper } from './test-swapper.ts';

let root: string;
let outside: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'safe-folder-')));
  outside = join(root, 'outside');
  mkdirSync(outside);
  mkdirSync(join(root, 'workspace/folder'), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const at = (...names: string[]): string => join(root, 'workspace', ...names);

/** Puts a link to the outside where a folder was. */
function swap(folder: string): void {
  renameSync(folder, `${folder}.aside`);
  symlinkSync(outside, folder);
}

/** Like a platform whose open folders have no path. */
async function openByPath(path: string): Promise<SafeFolder> {
  const handle = await open('/');
  const { dev, ino } = await handle.stat({ bigint: true });
  let folder = new SafeFolder('/', handle, [{ path: '/', dev, ino }]);
  for (const name of path.slice(1).split('/')) {
    const above = folder;
    folder = await above.enter(name);
    await above.close();
  }
  return folder;
}

const errorCode = (code: string): unknown => expect.objectContaining({ code }) as unknown;

describe.each([
  ['relative to its descriptor', openFolder],
  ['by path', openByPath],
])('a folder whose entries are addressed %s', (_way, openIt) => {
  let folder: SafeFolder;
  beforeEach(async () => {
    folder = await openIt(at('folder'));
  });
  afterEach(() => folder.close());

  it('reads, writes, renames and removes', async () => {
    await folder.write('file', 'one', { durable: true });
    await folder.write(Buffer.from([0x66, 0xff]), 'bytes');
    await folder.mkdir('below', 0o700);
    const below = await folder.enter('below');
    await folder.rename('file', below, 'moved');
    await below.symlink('moved', 'link');
    expect((await below.read('moved', 2)).toString()).toBe('on');
    expect((await below.readlink('link')).toString()).toBe('moved');
    expect(await below.lstat('gone')).toBeUndefined();
    await below.unlink('link');
    await below.unlink('moved');
    await below.close();
    await folder.rmdir('below');
    expect(await folder.list()).toEqual([Buffer.from([0x66, 0xff])]);
  });

  it('follows no link, whatever is asked of it', async () => {
    writeFileSync(join(outside, 'secret'), 'secret');
    symlinkSync(outside, at('folder/link'));
    symlinkSync(join(outside, 'secret'), at('folder/file'));
    await expect(folder.enter('link')).rejects.toThrow(errorCode('ENOTDIR'));
    await expect(folder.read('file', 100)).rejects.toThrow(errorCode('ELOOP'));
    await folder.write('file', 'mine');
    await folder.unlink('link');
    expect(readFileSync(at('folder/file'), 'utf8')).toBe('mine');
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('secret');
  });

  it('takes one name at a time', async () => {
    for (const name of ['..', '.', '', 'a/b', '/etc', 'a\0', Buffer.from('../x')]) {
      await expect(folder.write(name, '')).rejects.toThrow(errorCode('EINVAL'));
      await expect(folder.enter(name)).rejects.toThrow(errorCode('EINVAL'));
    }
  });

  it('refuses what is not a regular file, without waiting for a pipe', async () => {
    spawnSync('mkfifo', [at('folder/pipe')]);
    mkdirSync(at('folder/sub'));
    await expect(folder.read('pipe', 1)).rejects.toThrow(errorCode('EFTYPE'));
    await expect(folder.read('sub', 1)).rejects.toThrow(errorCode('EFTYPE'));
  });

  it('replaces a hard link and leaves the other name of the file as it is', async () => {
    writeFileSync(join(outside, 'file'), 'theirs');
    linkSync(join(outside, 'file'), at('folder/file'));
    await folder.write('file', 'mine');
    expect(readFileSync(join(outside, 'file'), 'utf8')).toBe('theirs');
  });

  it('keeps a mode, and leaves nothing behind if it cannot write', async () => {
    writeFileSync(at('folder/file'), '');
    chmodSync(at('folder/file'), 0o751);
    await folder.write('file', 'x', { like: statSync(at('folder/file')) });
    expect(statSync(at('folder/file')).mode & 0o777).toBe(0o751);
    mkdirSync(at('folder/taken'));
    await expect(folder.write('taken', 'x')).rejects.toThrow(at('folder/taken'));
    await folder.writeLink('file', 'link');
    await folder.writeLink('elsewhere', 'link');
    expect((await folder.readlink('link')).toString()).toBe('elsewhere');
    await expect(folder.writeLink('file', 'taken')).rejects.toThrow(at('folder/taken'));
    expect(readdirSync(at('folder'))).toEqual(['file', 'link', 'taken']);
  });

  it('writes nothing outside when it was swapped for a link', async () => {
    swap(at('folder'));
    await folder.write('file', 'x').catch((error: unknown) => expect(error).toEqual(errorCode('EBUSY')));
    await folder.mkdir('sub').catch(() => undefined);
    expect(readdirSync(outside)).toEqual([]);
  });
});

it('goes on in the folder that was opened, wherever that is now', async () => {
  await inFolder(at('folder'), async (folder) => {
    swap(at('folder'));
    await folder.write('file', 'x');
  });
  expect(readFileSync(at('folder.aside/file'), 'utf8')).toBe('x');
});

it('does not open a path with a link in it, and makes missing folders if asked', async () => {
  symlinkSync(outside, at('link'));
  await expect(openFolder(at('link/below'), { create: true })).rejects.toThrow(errorCode('ENOTDIR'));
  await expect(openFolder(at('none/below'))).rejects.toThrow(errorCode('ENOENT'));
  await inFolder(at('none/below'), (folder) => folder.write('file', 'x'), { create: true });
  expect(readFileSync(at('none/below/file'), 'utf8')).toBe('x');
  expect(readdirSync(outside)).toEqual([]);
  expect(readlinkSync(at('link'))).toBe(outside);
});

it('writes nothing outside while a process swaps the folder all the time', async () => {
  const swapper = await startSwapper(at('folder'), outside);
  let written = 0;
  try {
    for (let count = 0; count < 300; count += 1) {
      const name = `file-${String(count)}`;
      written += await inFolder(at('folder/deep'), (folder) => folder.write(name, 'x'), { create: true }).then(
        () => 1,
        () => 0,
      );
    }
  } finally {
    await swapper.stop();
  }
  expect(readdirSync(outside)).toEqual([]);
  expect(
    readdirSync(at(), { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('file-')),
  ).toHaveLength(written);
});
