import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const home = mkdtempSync(join(tmpdir(), 'bobbin-full-disk-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** A turn removes what takes much room and changes what takes little; `bar` and `unbar` say how writing is made to fail. */
const SCRIPT = `
import { createGit } from '${join(import.meta.dirname, '../git.ts')}';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
const [cwd, data, bar, unbar] = process.argv.slice(2);
const sh = (script) => execFileSync('bash', ['-c', script], { cwd, env: { ...process.env, PARENT: String(process.pid) } });
process.chdir(cwd);
const { signal } = new AbortController();
const git = createGit({ directory: data });
fs.mkdirSync('deep');
fs.writeFileSync('a.txt', 'before');
fs.writeFileSync('deep/large', Buffer.alloc(1_500_000, 'x'));
const before = await git.snapshot(cwd, null, signal);
fs.writeFileSync('a.txt', 'by the turn');
fs.rmSync('deep', { recursive: true });
const after = await git.snapshot(cwd, before.commit, signal);
const request = { cwd, before: before.commit, after: after.commit, preview: false, keepAs: null };
sh(bar);
const first = await git.revert(request, signal).then((done) => done.paths, ({ code, details }) => ({ code, why: details?.code }));
sh(unbar);
const { paths } = await git.revert(request, signal);
const files = [fs.readFileSync('a.txt', 'utf8'), fs.statSync('deep/large').size];
console.log(JSON.stringify({ first, paths, files, names: fs.readdirSync('.').sort() }));
`;

const IN_A_SMALL_DISK = ['unshare', '--mount', '--map-root-user'];
const canMount = spawnSync('unshare', [...IN_A_SMALL_DISK.slice(1), 'mount', '-t', 'tmpfs', 'none', home]).status === 0;

function undoWith({ bar, unbar, isSmall = false }: { bar: string; unbar: string; isSmall?: boolean }): unknown {
  const [cwd, data] = [mkdtempSync(join(home, 'work-')), mkdtempSync(join(home, 'data-'))];
  const script = join(home, 'script.mjs');
  writeFileSync(script, SCRIPT);
  const node = [process.execPath, script, cwd, data, bar, unbar];
  const mounted = [...IN_A_SMALL_DISK, 'sh', '-c', 'mount -t tmpfs -o size=2m none "$0" && exec "$@"', cwd, ...node];
  const [program = '', ...args] = isSmall ? mounted : node;
  return JSON.parse(execFileSync(program, args, { encoding: 'utf8', timeout: 60_000 }));
}

const DONE = {
  paths: [
    { path: 'a.txt', outcome: 'restored' },
    { path: 'deep/large', outcome: 'restored' },
  ],
  files: ['before', 1_500_000],
  names: ['a.txt', 'deep'],
};

describe('an undo that cannot write', () => {
  it.skipIf(!canMount)('because the disk is full fails as worth another try, and a later one ends it', () => {
    const bar = 'head -c 3000000 /dev/zero > fill || true';
    expect(undoWith({ bar, unbar: 'rm fill', isSmall: true })).toEqual({
      first: { code: 'filesNotWritten', why: 'ENOSPC' },
      ...DONE,
    });
  });

  it.skipIf(process.platform !== 'linux')('because of a limit of the process fails alike', () => {
    const limit = (bytes: string) => `prlimit --pid $PARENT --fsize=${bytes}:`;
    expect(undoWith({ bar: limit('100000'), unbar: limit('unlimited') })).toEqual({
      first: { code: 'filesNotWritten', why: 'EFBIG' },
      ...DONE,
    });
  });
});
