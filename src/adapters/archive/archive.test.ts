import fc from 'fast-check';
import { execFile } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findProgram } from '../programs.ts';
import { probeBubblewrap } from '../shell/sandbox/bubblewrap.ts';
import { createFolderStore } from '../store/folder-store.ts';
import { createArchive } from './archive.ts';
import { decodeSegment, encodeSegment, toSegmentFileName } from './segment-file.ts';

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'archive-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const only = (): string => {
  const [name, ...more] = readdirSync(directory);
  expect(more).toEqual([]);
  return join(directory, name!);
};

describe.each([{ gzip: true }, { gzip: false }])('an archive with $gzip for gzip', ({ gzip }) => {
  it('gives back what was written, whichever worker asks', async () => {
    const body = JSON.stringify({ text: 'é\n'.repeat(5_000) });
    await createArchive({ store: createFolderStore(directory), gzip }).write('thread/1/segment/0', body);
    expect(await createArchive({ store: createFolderStore(directory), gzip: !gzip }).read('thread/1/segment/0')).toBe(
      body,
    );
  });

  it('writes a segment once, and keeps the first where a second one differs', async () => {
    const archive = createArchive({ store: createFolderStore(directory), gzip });
    await archive.write('a', 'first');
    const { ino } = statSync(only());
    await archive.write('a', 'first');
    await archive.write('a', 'second');
    expect(await archive.read('a')).toBe('first');
    expect(statSync(only()).ino).toBe(ino);
  });

  it('writes an image again, so that the store knows when it was last stored', async () => {
    const archive = createArchive({ store: createFolderStore(directory), gzip });
    await archive.write(`image/${'ab'.repeat(32)}`, 'bytes');
    utimesSync(only(), 1, 1);
    await archive.write(`image/${'ab'.repeat(32)}`, 'bytes');
    expect(statSync(only()).mtimeMs).toBeGreaterThan(1_000);
  });

  it('takes a torn segment for missing, and replaces it', async () => {
    const archive = createArchive({ store: createFolderStore(directory), gzip });
    await archive.write('a', 'some text that is long enough');
    truncateSync(only(), statSync(only()).size - 3);
    await expect(archive.read('a')).rejects.toMatchObject({
      code: 'archiveMissing',
      message: expect.stringMatching(/Segment a .*damaged/) as string,
    });
    await archive.write('a', 'again');
    expect(await archive.read('a')).toBe('again');
  });

  it('notices a changed byte', async () => {
    const archive = createArchive({ store: createFolderStore(directory), gzip });
    await archive.write('a', 'some text');
    const bytes = readFileSync(only());
    bytes[bytes.length - 2]! ^= 1;
    writeFileSync(only(), bytes);
    await expect(archive.read('a')).rejects.toMatchObject({ code: 'archiveMissing' });
  });
});

it('says that a segment is missing', async () => {
  await expect(createArchive({ store: createFolderStore(directory) }).read('thread/1/0')).rejects.toMatchObject({
    code: 'archiveMissing',
    message: expect.stringMatching(/Segment thread\/1\/0 .*does not exist/) as string,
  });
});

it('says what to do where the folder cannot be used', async () => {
  const inTheWay = join(directory, 'file');
  writeFileSync(inTheWay, '');
  const archive = createArchive({ store: createFolderStore(inTheWay) });
  await expect(archive.write('a', 'b')).rejects.toMatchObject({
    code: 'archiveUnavailable',
    message: expect.stringContaining(inTheWay) as string,
  });
});

it('makes its folder when it is needed', async () => {
  const folder = join(directory, 'made/when/needed');
  await createArchive({ store: createFolderStore(folder) }).write('a', 'b');
  expect(readdirSync(folder)).toEqual([toSegmentFileName('a')]);
});

const sandbox = await probeBubblewrap(findProgram('bwrap', []));

it.runIf(sandbox.available)('says that the disk is full, and leaves nothing half written', async () => {
  const disk = join(directory, 'disk');
  mkdirSync(disk);
  const source = `
    import { readdirSync } from 'node:fs';
    import { createFolderStore } from ${JSON.stringify(join(import.meta.dirname, '../store/folder-store.ts'))};
    import { createArchive } from ${JSON.stringify(join(import.meta.dirname, 'archive.ts'))};
    const archive = createArchive({ store: createFolderStore(${JSON.stringify(join(disk, 'archive'))}), gzip: false });
    const { code, details, message } = await archive.write('a', 'x'.repeat(1_000_000)).catch((failure) => failure);
    console.log(JSON.stringify({ code, cause: details.code, message, left: readdirSync(${JSON.stringify(join(disk, 'archive'))}) }));
  `;
  const smallDisk = ['--ro-bind', '/', '/', '--dev', '/dev', '--proc', '/proc', '--size', '65536', '--tmpfs', disk];
  const node = [process.execPath, '--no-warnings', '--input-type=module', '-e', source];
  const { stdout } = await promisify(execFile)('bwrap', [...smallDisk, '--', ...node]);
  expect(JSON.parse(stdout)).toEqual({
    code: 'archiveUnavailable',
    cause: 'ENOSPC',
    message: expect.stringMatching(/\/disk\/archive.*The disk is full/) as string,
    left: [],
  });
});

it('takes no segment id out of its folder', async () => {
  const inner = join(directory, 'inner');
  mkdirSync(inner);
  const archive = createArchive({ store: createFolderStore(inner) });
  for (const id of ['../escape', '/etc/escape', '..', '.', '', 'a/../../escape', 'nul\0byte']) {
    await archive.write(id, id);
    expect(await archive.read(id)).toBe(id);
  }
  expect(readdirSync(directory)).toEqual(['inner']);
  expect(readdirSync(inner)).toHaveLength(7);
});

describe('the file name of a segment', () => {
  const id = fc.oneof(
    fc.string({ unit: fc.constantFrom('a', 'A', '/', ',', '=', '.', '-', '0', '4', '1', 'é', '\ud800', '\udc00') }),
    fc.string({ minLength: 100, maxLength: 300 }),
  );

  it('is its own, also where capitals and small letters are the same', () => {
    fc.assert(
      fc.property(id, id, (one, other) => {
        fc.pre(one !== other);
        expect(toSegmentFileName(one).toLowerCase()).not.toBe(toSegmentFileName(other).toLowerCase());
      }),
    );
  });

  it('is safe on every file system', () => {
    fc.assert(
      fc.property(id, (one) => {
        expect(toSegmentFileName(one)).toMatch(/^[sh]-[a-z0-9_,=-]{0,180}\.segment$/);
      }),
    );
  });
});

it('gives back any text, packed or not', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary' }), fc.boolean(), async (body, packed) => {
      expect(await decodeSegment(await encodeSegment(body, packed))).toBe(body);
    }),
    { numRuns: 40 },
  );
});
