/**
 * Against a real server of the protocol: the one that S3_SERVER names, or that `npm run test:s3` has built.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { type RequestListener, type Server, createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { HOW_TO_GET_ONE, findS3Server } from '../../../test/s3/server.ts';
import { createArchive } from '../archive/archive.ts';
import { toImageId } from '../../contract/plain/images/image-types.ts';
import { toSegmentFileName } from '../archive/segment-file.ts';
import { createStoreCleaner } from '../cleaning/clean-store.ts';
import { createKeyFolder } from '../identity/key-files.ts';
import { createSealedKeys } from '../identity/sealed-keys.ts';
import { createFolderStore } from './folder-store.ts';
import { createS3Store } from './s3-store.ts';
import type { S3Place } from './store-place.ts';

const program = findS3Server();
if (program === null) process.stderr.write(`Tests of the store in a bucket are skipped: ${HOW_TO_GET_ONE}.\n`);
const KEYS = { AWS_ACCESS_KEY_ID: 'first-key', AWS_SECRET_ACCESS_KEY: 'first-secret' };
const place: S3Place = { bucket: 'team', prefix: 'bobbin/archive/', region: 'us-east-1', pathStyle: true };

const folder = mkdtempSync(join(tmpdir(), 'store-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => vi.unstubAllEnvs());

const withKeys = (keys: Record<string, string> = KEYS) => {
  for (const [name, value] of Object.entries(keys)) vi.stubEnv(name, value);
};

describe('without a service', () => {
  it('a store says where it looked and what to do', async () => {
    withKeys();
    const unused = createServer().listen(0, '127.0.0.1');
    await once(unused, 'listening');
    const { port } = unused.address() as AddressInfo;
    await new Promise((resolve) => unused.close(resolve));
    const store = createS3Store({ ...place, endpoint: `http://127.0.0.1:${port}` });
    await expect(store.read('a')).rejects.toMatchObject({
      code: 'ECONNREFUSED',
      message: expect.stringMatching(
        /^s3:\/\/team\/bobbin\/archive\/a could not be read: .*Check the service/,
      ) as string,
    });
  });

  it('a service that speaks no S3 is one that cannot be used', async () => {
    withKeys();
    const server = createServer((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n<html>'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await expect(createS3Store({ ...place, endpoint }).read('a')).rejects.toThrow(/could not be read/);
    server.close();
  });
});

describe('a service that is slow', () => {
  /** Far less than it takes to answer, except for what has many bytes. */
  const bounds = { requestMs: 20, bytesPerSecond: 1_000, idleMs: 60_000 };
  let server: Server;
  const serve = async (answer: RequestListener) => {
    withKeys();
    server = createHttpServer(answer).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return { ...place, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  };
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  it('has more time for a large object', async () => {
    let received = 0;
    const slow = await serve((request, response) => {
      request.on('data', (chunk: Buffer) => (received += chunk.length));
      request.on('end', () => setTimeout(() => response.end(), 10 * bounds.requestMs));
    });
    await createS3Store(slow, bounds).write('large', Buffer.alloc(60_000));
    expect(received).toBe(60_000);
  });

  it('has no more time for a small one', async () => {
    const silent = await serve((request) => request.resume());
    const written = createS3Store(silent, bounds).write('small', Buffer.from('x'));
    await expect(written).rejects.toMatchObject({ name: 'StoreUnavailable', code: 'ETIMEDOUT' });
  });

  it('has the time that it needs to send an object, and none to stop in the middle', async () => {
    const pieces = ['one,', 'two,', 'three'];
    const patient = { ...bounds, requestMs: 1_000 };
    let isStuck = false;
    const slow = await serve((_, response) => {
      response.writeHead(200, { 'content-length': pieces.join('').length });
      const send = (left: string[]): void => {
        const [piece, ...rest] = left;
        if (piece === undefined) return;
        response.write(piece);
        if (!isStuck) setTimeout(() => send(rest), 1.5 * patient.requestMs);
      };
      send(pieces);
    });
    expect(String(await createS3Store(slow, patient).read('a'))).toBe('one,two,three');
    isStuck = true;
    const read = createS3Store(slow, { ...bounds, requestMs: 60_000, idleMs: 50 }).read('a');
    await expect(read).rejects.toMatchObject({ name: 'StoreUnavailable' });
  });

  it('is left when the step ends', async () => {
    const ended = new AbortController();
    const silent = await serve(() => ended.abort(new Error('the step has ended')));
    const store = createS3Store(silent, { ...bounds, requestMs: 60_000 });
    for (const use of [() => store.write('a', Buffer.from('x'), ended.signal), () => store.read('a', ended.signal)])
      await expect(use()).rejects.toThrow('the step has ended');
  });
});

describe.runIf(program !== null)('a bucket of a real server', () => {
  const root = join(folder, 'buckets');
  const servers: ChildProcess[] = [];
  let endpoint: string;
  const serve = async (...options: string[]): Promise<string> => {
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address() as AddressInfo;
    await new Promise((resolve) => free.close(resolve));
    const keys = ['--access', KEYS.AWS_ACCESS_KEY_ID, '--secret', KEYS.AWS_SECRET_ACCESS_KEY];
    const words = [...keys, '--port', `127.0.0.1:${port}`, ...options, 'posix', root];
    servers.push(spawn(program ?? '', words, { stdio: 'ignore' }));
    await vi.waitFor(() => fetch(`http://127.0.0.1:${port}`), { timeout: 20_000 });
    return `http://127.0.0.1:${port}`;
  };
  beforeAll(async () => {
    mkdirSync(join(root, 'team'), { recursive: true });
    endpoint = await serve();
  });
  afterAll(async () => {
    for (const server of servers) {
      server.kill();
      await once(server, 'exit');
    }
  });
  const open = (more: Partial<S3Place> = {}) => createS3Store({ ...place, endpoint, ...more });

  it('gives back what another host wrote, as a whole', async () => {
    withKeys();
    const bytes = Buffer.alloc(3_000_000, 'é\0');
    await open().write('large', bytes);
    await open().write('empty', new Uint8Array());
    expect((await open().read('large'))?.equals(bytes)).toBe(true);
    expect(await open().read('empty')).toEqual(Buffer.alloc(0));
    expect(await open().read('missing')).toBeUndefined();
    expect(readdirSync(join(root, 'team/bobbin/archive'))).toEqual(expect.arrayContaining(['empty', 'large']));
  });

  it('that takes no writes is named, and is read as before', async () => {
    withKeys();
    await open().write('kept', Buffer.from('kept'));
    const store = open({ endpoint: await serve('--readonly') });
    expect((await store.read('kept'))?.toString()).toBe('kept');
    for (const use of [() => store.write('kept', Buffer.from('new')), () => store.remove(['kept'])]) {
      const error = await use().catch((caught: unknown) => caught as Error & { code: string });
      expect(error).toMatchObject({ name: 'StoreUnavailable', code: 'AccessDenied' });
      expect(String(error)).toContain('s3://team/bobbin/archive/');
    }
    expect((await open().read('kept'))?.toString()).toBe('kept');
  });

  it('keeps the keys of identities sealed', async () => {
    withKeys();
    const key = randomBytes(32);
    const keysOf = (host: string) =>
      createSealedKeys(open({ prefix: 'bobbin/keys/' }), key, createKeyFolder(join(folder, host)));
    await keysOf('a').write('current/ann.json', 'who it is');
    expect(await keysOf('b').read('current/ann.json')).toBe('who it is');
    await keysOf('b').remove('current/ann.json');
    expect(await keysOf('a').read('current/ann.json')).toBeUndefined();
    expect(readdirSync(join(root, 'team/bobbin/keys'))).toHaveLength(1);
  });

  it('keeps an archive, which notices what is damaged and still reads the folder from before', async () => {
    withKeys();
    const earlier = createFolderStore(join(folder, 'earlier'));
    await createArchive({ store: earlier }).write('thread/1/segment/0', 'before');
    const archive = createArchive({ store: open(), earlier });
    await archive.write('thread/1/segment/1', 'since');
    expect(await archive.read('thread/1/segment/0')).toBe('before');
    expect(await createArchive({ store: open() }).read('thread/1/segment/1')).toBe('since');
    await open().write('s-thread,2.segment', Buffer.from('nonsense'));
    await expect(archive.read('thread/2')).rejects.toMatchObject({ code: 'archiveMissing' });
    await archive.write('thread/2', 'again');
    expect(await archive.read('thread/2')).toBe('again');
  });

  it('loses an image that no thread refers to with the second cleaning', async () => {
    withKeys();
    const [packs, segments] = [open({ prefix: 'clean/packs/' }), open({ prefix: 'clean/archive/' })];
    const archive = createArchive({ store: segments });
    const [lost, named] = ['a'.repeat(64), 'b'.repeat(64)];
    for (const hash of [lost, named]) await archive.write(toImageId(hash), 'bytes');
    await archive.write('thread/1/0-4.1-9', JSON.stringify({ sha256: named }));
    const none = () => Promise.reject(new Error('no thread is asked for'));
    const threads = { endedAt: none, createdAt: none, hasRun: none, readAll: () => Promise.resolve() };
    const cleaner = createStoreCleaner({ packs, segments, namespace: 'default', threads });
    const clean = async () => {
      const options = { keepMs: 0, archive: false, images: true, unknown: false, preview: false };
      let removed = 0;
      for await (const { kept } of cleaner.clean(options, new AbortController().signal))
        removed += kept === null ? 1 : 0;
      return removed;
    };
    const there = join(root, 'team/clean/archive');
    for (const removed of [0, 1]) {
      for (const name of readdirSync(there)) utimesSync(join(there, name), 1, 1);
      expect(await clean()).toBe(removed);
    }
    const left = [toImageId(named), 'thread/1/0-4.1-9'].map(toSegmentFileName);
    expect(readdirSync(there).sort()).toEqual(left.sort());
  });

  it.each([
    ['a bucket that is not there', { bucket: 'nobody' }, KEYS, 'NoSuchBucket', /make it, or correct BOBBIN_STORE/],
    [
      'a wrong secret key',
      {},
      { ...KEYS, AWS_SECRET_ACCESS_KEY: 'not-that' },
      'SignatureDoesNotMatch',
      /correct AWS_SECRET_ACCESS_KEY/,
    ],
    ['an unknown key', {}, { ...KEYS, AWS_ACCESS_KEY_ID: 'other' }, 'XAdminUserNotFound', /Check the service/],
  ])('%s is named, and no secret is in the message', async (_, more, keys, code, advice) => {
    withKeys(keys);
    for (const use of [() => open(more).read('a'), () => open(more).write('a', Buffer.from('b'))]) {
      const error = await use().catch((caught: unknown) => caught as Error & { code: string });
      expect(error).toMatchObject({ name: 'StoreUnavailable', code });
      expect(String(error)).toMatch(advice);
      expect(String(error)).not.toContain(keys.AWS_SECRET_ACCESS_KEY);
    }
  });
});
