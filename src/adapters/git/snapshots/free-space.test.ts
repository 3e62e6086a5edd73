import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createGit } from '../git.ts';
import { whenFreed } from './free-space.ts';
import { oneAtATime, whileIdle } from './snapshot-queue.ts';
import { findStore } from './snapshot-store.ts';

const never = new AbortController().signal;
const MIB = 1024 * 1024;
let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'free-space-'));
});
afterEach(async () => {
  await whenFreed();
  rmSync(root, { recursive: true, force: true });
});

/** A thread in a workspace of its own. */
async function openThread(threadId: string) {
  const directory = join(root, 'data');
  const cwd = join(root, threadId);
  mkdirSync(cwd);
  const git = createGit({ directory });
  const { gitDir } = await findStore(directory, cwd);
  const files = () => readdirSync(gitDir, { recursive: true, encoding: 'utf8' }).map((name) => join(gitDir, name));
  return {
    cwd,
    git,
    gitDir,
    put: (name: string, bytes: number) => writeFileSync(join(cwd, name), randomBytes(bytes)),
    turn: async (name: string) => {
      const taken = await git.snapshot(cwd, null, never);
      if (taken.status !== 'taken') throw new Error(taken.reason);
      await git.keep({ cwd, threadId, name }, taken.commit, never);
      return taken.commit;
    },
    release: async (names: string[] | 'all') => {
      await git.release({ cwd, threadId, names }, never);
      await whenFreed();
    },
    /** As if everything had happened two hours ago. */
    age: () => {
      const then = Date.now() / 1_000 - 7_200;
      for (const path of files()) if (lstatSync(path).isFile()) utimesSync(path, then, then);
    },
    size: () => files().reduce((sum, path) => sum + lstatSync(path).size, 0),
    check: (commits: string[]) =>
      execFileSync('git', ['--git-dir', gitDir, 'fsck', '--no-dangling', '--connectivity-only', ...commits], {
        stdio: 'pipe',
      }),
  };
}

describe('the space of released snapshots', () => {
  it('is free again while the thread is open, once as much was written as is kept', async () => {
    const { put, turn, release, age, size, check, git, cwd } = await openThread('open');
    const commits: string[] = [];
    let most = 0;
    for (let n = 0; n < 14; n += 1) {
      put('app.db', 3 * MIB);
      commits.push(await turn(`${n}`));
      age();
      await release([`${n - 3}`]);
      most = Math.max(most, size());
    }
    expect(most).toBeLessThan(30 * MIB);
    check(commits.slice(-3));
    const wanted = readFileSync(join(cwd, 'app.db'));
    const [before = '', after = ''] = commits.slice(-2);
    await git.revert({ cwd, before, after, preview: false, keepAs: null }, never);
    await git.revert({ cwd, before: after, after: before, preview: false, keepAs: null }, never);
    expect(readFileSync(join(cwd, 'app.db')).equals(wanted)).toBe(true);
  });

  it('is free again when the thread is closed, except that of the newest snapshot', async () => {
    const { put, turn, release, age, size } = await openThread('closed');
    for (const n of [1, 2, 3]) {
      put('app.db', MIB);
      await turn(`${n}`);
    }
    age();
    await release('all');
    expect(size()).toBeLessThan(1.2 * MIB);
  });

  it('is free again if git has put many files into packs', async () => {
    const { put, turn, release, age, size, check } = await openThread('packed');
    let newest = '';
    for (const n of [1, 2, 3]) {
      for (let file = 0; file < 150; file += 1) put(`${file}`, 8_000);
      newest = await turn(`${n}`);
    }
    age();
    await release('all');
    expect(size()).toBeLessThan(1.5 * 150 * 8_000);
    check([newest]);
  });

  it('that is younger than an hour stays, and is free when a thread is closed later', async () => {
    const first = await openThread('first');
    for (const n of [1, 2, 3]) {
      first.put('app.db', MIB);
      await first.turn(`${n}`);
    }
    await first.release('all');
    expect(first.size()).toBeGreaterThan(3 * MIB);
    first.age();
    const second = await openThread('second');
    second.put('a.txt', 10);
    await second.turn('1');
    await second.release('all');
    expect(first.size()).toBeLessThan(1.2 * MIB);
  });
});

describe('work on a store', () => {
  it('that nobody waits for ends when a snapshot comes, which begins after that', async () => {
    const events: string[] = [];
    let begin = (): void => undefined;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const idle = whileIdle(
      ['a', 'b'],
      async (signal) => {
        begin();
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        events.push('stopped');
        signal.throwIfAborted();
      },
      never,
    );
    await begun;
    await oneAtATime('b', () => Promise.resolve(events.push('snapshot')));
    expect(await idle).toBe(false);
    expect(events).toEqual(['stopped', 'snapshot']);
    expect(await whileIdle(['a', 'b'], () => Promise.resolve(), never)).toBe(true);
  });
});
