import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dataLayout } from './folders.ts';
import { isOnlyOurs, isOwnName, makePrivateFolder } from './private-folder.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'bobbin-private-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

/** A folder of mode 0755 with files that anybody can read. */
function makeOpenFolder(name: string, files: string[]): string {
  const path = join(root, name);
  mkdirSync(join(path, 'keys'), { recursive: true });
  for (const file of files) writeFileSync(join(path, file), 'text');
  for (const file of files) chmodSync(join(path, file), 0o644);
  chmodSync(join(path, 'keys'), 0o755);
  chmodSync(path, 0o755);
  return path;
}

describe.skipIf(process.getuid === undefined)('a private folder', () => {
  it('is made with those above it, whatever the umask is', () => {
    const before = process.umask(0);
    try {
      expect(makePrivateFolder(join(root, 'a', 'b'))).toEqual({ wasOpen: false });
    } finally {
      process.umask(before);
    }
    expect([modeOf(join(root, 'a')), modeOf(join(root, 'a', 'b'))]).toEqual(['700', '700']);
  });

  it('that is there and open is closed with all that lies in it, without following links', () => {
    const outside = join(root, 'outside');
    writeFileSync(outside, '');
    chmodSync(outside, 0o644);
    const path = makeOpenFolder('data', ['temporal.db', 'temporal.db-wal', 'keys/one.json', 'worker.log']);
    symlinkSync(outside, join(path, 'archive'));
    expect(makePrivateFolder(path)).toEqual({ wasOpen: true });
    expect(makePrivateFolder(path)).toEqual({ wasOpen: false });
    const paths = ['', 'keys', 'keys/one.json', 'temporal.db', 'temporal.db-wal', 'worker.log'];
    expect(paths.map((one) => modeOf(join(path, one)))).toEqual(['700', '700', '600', '600', '600', '600']);
    expect(modeOf(outside)).toBe('644');
  });

  it('knows every name of the data folder, those of files that are being written included', () => {
    const inData = Object.values(dataLayout(root)).filter((path) => path !== root);
    const others = [
      ...['blank', 'blank.4711', 'seccomp.bpf', 'seccomp.bpf.4711', `git-link-${'0a'.repeat(16)}`, 'dev.json.4711'],
      ...['.host.0123456789ab.tmp', 'proxy-0123456789ab.sock', 'http-tokens.json.lock', 'temporal.db-wal', 'packs'],
    ];
    expect([...inData.map((path) => basename(path)), ...others].filter((name) => !isOwnName(name))).toEqual([]);
    expect(['letter.txt', 'blank.txt', 'git-link-notes', '.bashrc', 'src'].filter(isOwnName)).toEqual([]);
  });

  it('is not made of a folder that holds other things, such as a home', () => {
    const path = makeOpenFolder('home', ['letter.txt']);
    expect(() => makePrivateFolder(path)).toThrow('holds letter.txt, which Bobbin did not make');
    expect(() => makePrivateFolder(path)).toThrow('chmod 700');
    expect(modeOf(path)).toBe('755');
  });

  it.skipIf(process.getuid?.() !== 0)('is not made of what belongs to another user', () => {
    const theirs = makeOpenFolder('theirs', []);
    chownSync(theirs, 65_534, 65_534);
    expect(() => makePrivateFolder(theirs)).toThrow('belongs to another user (uid 65534)');
    const planted = makeOpenFolder('planted', ['mcp.json']);
    chownSync(join(planted, 'mcp.json'), 65_534, 65_534);
    expect(() => makePrivateFolder(planted)).toThrow('mcp.json belongs to another user');
  });
});

describe.skipIf(process.getuid === undefined)('a place for code', () => {
  it('is ours alone where neither it nor a folder above can be written by others, /tmp aside', () => {
    const place = join(root, 'cache', 'compiled');
    mkdirSync(place, { recursive: true, mode: 0o700 });
    expect(isOnlyOurs(place)).toBe(true);
    for (const open of [place, join(root, 'cache')]) {
      chmodSync(open, 0o777);
      expect(isOnlyOurs(place)).toBe(false);
      chmodSync(open, 0o700);
    }
    chmodSync(place, 0o1777);
    expect(isOnlyOurs(place)).toBe(false);
  });

  it('is not ours behind a link that lies where others can write', () => {
    const [place, shared] = ['place', 'shared'].map((name) => join(root, name)) as [string, string];
    mkdirSync(place, { mode: 0o700 });
    mkdirSync(shared);
    symlinkSync(place, join(shared, 'link'));
    expect(isOnlyOurs(join(shared, 'link'))).toBe(true);
    chmodSync(shared, 0o777);
    expect(isOnlyOurs(join(shared, 'link'))).toBe(false);
  });
});
