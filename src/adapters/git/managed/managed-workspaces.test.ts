import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { WantedWorkspace } from '../../../../activities/ports.ts';
import { runUntilRename } from '../../files/test-killed.ts';
import { type GitServer, startGitServer } from '../test-git-server.ts';
import { openStore } from '../snapshots/snapshot-store.ts';
import { type TestRepository, openRepository } from '../test-repository.ts';
import { type CleanOptions, cleanClones } from './clean-clones.ts';
import { createManagedWorkspaces } from './managed-workspaces.ts';
import { withPatientLock } from './patient-lock.ts';

const { signal } = new AbortController();
const MIB = 1024 * 1024;
let repository: TestRepository;
let directory: string;
let repositoryUrl: string;
beforeEach(() => {
  repository = openRepository({ 'a.ts': 'one\n', 'inner/b.ts': 'two\n' });
  repositoryUrl = `file://${repository.root}`;
  directory = mkdtempSync(join(tmpdir(), 'bobbin-managed-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  repository.close();
  rmSync(directory, { recursive: true, force: true });
});

const optionsIn = (folder: string, maxBytes = 100 * MIB) => ({
  directory: join(folder, 'workspaces'),
  records: join(folder, 'clones'),
  data: folder,
  service: 'service',
  limits: { deadlineMs: 60_000, idleMs: 60_000, maxBytes, maxMirrorBytes: 150_000 },
  allowHttp: false,
  closed: [],
});

function prepare(wanted: Partial<WantedWorkspace> = {}, key = 'run-1', options = optionsIn(directory)) {
  const owner = { threadId: 'Thread/1', key };
  return createManagedWorkspaces(options).prepare(owner, { repository: repositoryUrl, ...wanted }, signal);
}

const gitIn = (cwd: string, ...args: string[]) => execFileSync('git', args, { cwd, encoding: 'utf8' }).trim();
const list = (...path: string[]) => (existsSync(join(directory, ...path)) ? readdirSync(join(directory, ...path)) : []);
const mirrors = () => list('workspaces', 'mirrors');

function commit(name: string, content = `${name}\n`): string {
  repository.write(name, content);
  repository.git('add', '-A');
  repository.git('commit', '-q', '-m', name);
  return repository.git('rev-parse', 'HEAD').trim();
}

function signIn(): void {
  const config = join(directory, 'gitconfig');
  writeFileSync(config, '[credential]\n\thelper = "!f() { echo username=me; echo password=hunter2; }; f"\n');
  vi.stubEnv('GIT_CONFIG_GLOBAL', config);
}

/** Neither a folder of the thread nor a part of one. */
function expectNothingLeft(): void {
  expect(list('workspaces', 'managed')).toEqual([]);
  expect(list('clones')).toEqual([]);
  for (const mirror of mirrors()) expect(list('workspaces', 'mirrors', mirror, 'attempts')).toEqual([]);
}

describe('the folder of a thread that works in a repository', () => {
  it('is a complete repository on the branch of its HEAD, with the names of its origin', async () => {
    const head = repository.git('rev-parse', 'HEAD').trim();
    repository.git('branch', 'other');
    repository.git('tag', '-a', '-m', 'First', 'v1');
    const { cwd, commit: found } = await prepare();
    expect(found).toBe(head);
    expect(readFileSync(join(cwd, 'inner/b.ts'), 'utf8')).toBe('two\n');
    expect(gitIn(cwd, 'status', '--porcelain', '--branch')).toMatch(/^## (\S+)\.\.\.origin\/\1$/);
    expect(gitIn(cwd, 'for-each-ref', '--format=%(refname)')).toContain('refs/remotes/origin/other');
    expect(gitIn(cwd, 'rev-parse', 'v1^{commit}')).toBe(head);
    expect(gitIn(cwd, 'remote', 'get-url', 'origin')).toBe(repositoryUrl);
    gitIn(cwd, 'fsck', '--strict');
  });

  it('is at the branch, tag, name or commit that is asked for, in the folder that is asked for', async () => {
    const first = repository.git('rev-parse', 'HEAD').trim();
    repository.git('branch', 'feature/one');
    repository.git('tag', 'v1');
    repository.git('update-ref', 'refs/pull/1/head', commit('pulled'));
    repository.git('reset', '-q', '--hard', first);
    const second = commit('c.ts');
    const pulled = repository.git('rev-parse', 'refs/pull/1/head').trim();
    repository.git('config', 'uploadpack.allowAnySHA1InWant', 'true');
    const asked = { 'feature/one': first, 'refs/heads/feature/one': first, v1: first, HEAD: second, [second]: second };
    for (const [ref, expected] of Object.entries({ ...asked, 'refs/pull/1/head': pulled })) {
      const { cwd, commit: found } = await prepare({ ref, path: 'inner' }, `run-${ref}`);
      expect([ref, found, gitIn(cwd, 'rev-parse', 'HEAD')]).toEqual([ref, expected, expected]);
      expect([basename(cwd), readdirSync(cwd)]).toEqual(['inner', ['b.ts']]);
    }
    const { cwd } = await prepare({ ref: 'v1', commit: second }, 'run-moved');
    expect(gitIn(cwd, 'rev-parse', 'HEAD')).toBe(second);
  });

  it('is made once for each owner, however often and by however many it is asked for', async () => {
    const first = repository.git('rev-parse', 'HEAD').trim();
    const same = await Promise.all([prepare(), prepare(), prepare()]);
    const { cwd } = await prepare();
    expect(same).toEqual(Array(3).fill({ cwd, commit: first }));
    writeFileSync(join(cwd, 'work'), 'of the thread');
    commit('later');
    expect(await prepare()).toEqual({ cwd, commit: first });
    expect(readFileSync(join(cwd, 'work'), 'utf8')).toBe('of the thread');
    const others = await Promise.all(['run-2', 'run-3', 'run-4'].map((key) => prepare({}, key)));
    expect(new Set([cwd, ...others.map((one) => one.cwd)]).size).toBe(4);
    expect(mirrors()).toHaveLength(1);
  });

  it('shares no file with the mirror, and later ones get what is new', async () => {
    const { cwd } = await prepare();
    const packsOf = (folder: string) =>
      readdirSync(join(folder, 'objects/pack')).filter((name) => name.endsWith('.pack'));
    const [mirror = ''] = mirrors().map((name) => join(directory, 'workspaces/mirrors', name));
    const [pack = ''] = packsOf(mirror);
    expect(statSync(join(cwd, '.git/objects/pack', pack)).ino).not.toBe(
      statSync(join(mirror, 'objects/pack', pack)).ino,
    );
    expect(existsSync(join(cwd, '.git/objects/info/alternates'))).toBe(false);
    rmSync(join(cwd, '.git/objects'), { recursive: true });
    repository.git('branch', 'passing');
    const head = commit('new.ts');
    await prepare({}, 'run-2');
    repository.git('branch', '-D', 'passing');
    const third = await prepare({}, 'run-3');
    expect(third.commit).toBe(head);
    expect(packsOf(mirror)).toHaveLength(2);
    expect(gitIn(third.cwd, 'for-each-ref')).not.toContain('passing');
    gitIn(third.cwd, 'fsck', '--strict');
  });

  it('knows the repository that it is a clone of, by what was asked for', async () => {
    const { cwd, commit: found } = await prepare({ ref: 'HEAD', path: 'inner' });
    const clones = createManagedWorkspaces(optionsIn(directory));
    expect(clones.managedAt(cwd)).toEqual({ repository: repositoryUrl, ref: 'HEAD', path: 'inner', commit: found });
    gitIn(cwd, 'config', 'remote.origin.url', 'https://elsewhere.example.com/x.git');
    mkdirSync(join(cwd, 'nested/.git'), { recursive: true });
    const root = dirname(cwd);
    expect(clones.originOf(join(root, '.git'))).toBe(repositoryUrl);
    expect([join(cwd, 'nested/.git'), join(repository.root, '.git')].map((path) => clones.originOf(path))).toEqual([
      null,
      null,
    ]);
    expect([root, join(cwd, 'nested'), dirname(root), repository.root].map((path) => clones.managedAt(path))).toEqual(
      Array(4).fill(null),
    );
  });

  it('runs nothing of the repository, and has its files as they are', async () => {
    const marker = join(directory, 'ran');
    repository.write('.gitattributes', '* filter=own ident text eol=crlf\n*.big filter=lfs\n');
    repository.write('big.big', 'version https://git-lfs.github.com/spec/v1\n');
    repository.write(
      '.gitmodules',
      `[submodule "s"]\n\tpath = s\n\turl = --upload-pack=touch ${marker}\n\tupdate = !touch ${marker}\n`,
    );
    mkdirSync(join(repository.root, 's'));
    symlinkSync('/etc/passwd', join(repository.root, 'link'));
    repository.git('update-index', '--add', '--cacheinfo', `160000,${repository.git('rev-parse', 'HEAD').trim()},s`);
    commit('id.ts', '$Id$\n');
    repository.git('config', 'uploadpack.packObjectsHook', `touch ${marker};`);
    appendFileSync(join(repository.root, '.git/config'), `[filter "own"]\n\tsmudge = touch ${marker}\n`);
    const { cwd } = await prepare();
    expect(['id.ts', 'big.big'].map((name) => readFileSync(join(cwd, name), 'utf8'))).toEqual([
      '$Id$\n',
      'version https://git-lfs.github.com/spec/v1\n',
    ]);
    expect(readdirSync(join(cwd, 's'))).toEqual([]);
    expect(existsSync(join(cwd, '.git/hooks'))).toBe(false);
    expect(existsSync(marker)).toBe(false);
  });
});

describe('the files of a clone', () => {
  /** The only folder on PATH. The script has the record of the clone as `record`. */
  const putSync = (script: string | null) => {
    const bin = join(directory, 'bin');
    mkdirSync(bin);
    symlinkSync(execFileSync('which', ['git'], { encoding: 'utf8' }).trim(), join(bin, 'git'));
    const head = `#!/bin/sh\nset -- "$@" ${join(directory, 'clones')}/*.json\n`;
    if (script !== null) writeFileSync(join(bin, 'sync'), `${head}${script}\n`, { mode: 0o755 });
    vi.stubEnv('PATH', bin);
  };

  it('are on the disk before its record is: without it a part of a clone is made anew', async () => {
    const seen = join(directory, 'seen');
    putSync(`[ -e "$2/a.ts" ] && [ ! -e "$3" ] && echo "$1 $2" >> ${seen}`);
    const { cwd } = await prepare();
    expect(readFileSync(seen, 'utf8')).toBe(`-f ${cwd}.draft\n`);
  });

  it.each([
    ['fails', 'exit 1'],
    ['is missing', null],
  ])('are there where the program for that %s', async (_, script) => {
    putSync(script);
    expect(readFileSync(join((await prepare()).cwd, 'a.ts'), 'utf8')).toBe('one\n');
  });

  it('are not waited for after the step has ended', async () => {
    const ended = new AbortController();
    const pipe = join(directory, 'pipe');
    execFileSync('mkfifo', [pipe]);
    putSync(`echo begins > ${pipe}; read -r line < ${pipe}`);
    const clones = createManagedWorkspaces(optionsIn(directory));
    const making = clones.prepare({ threadId: 'Thread/1', key: 'run-1' }, { repository: repositoryUrl }, ended.signal);
    void readFile(pipe).then(() => ended.abort(new Error('the step has ended')));
    await expect(making).rejects.toThrow('the step has ended');
    expectNothingLeft();
  });
});

describe('a repository that a thread cannot work in', () => {
  it.each([
    [
      'repositoryMissing',
      { repository: 'file:///nonexistent/repo.git' },
      'There is no repository at file:///nonexistent',
    ],
    ['repositoryRefMissing', { ref: 'nowhere' }, 'has no nowhere'],
    ['repositoryRefMissing', { ref: 'a'.repeat(40) }, 'has no aaaa'],
    ['repositoryRefMissing', { ref: 'refs/pull/9/head' }, 'has no refs/pull/9/head'],
    ['repositoryPathMissing', { path: 'nowhere' }, 'no folder nowhere'],
    ['repositoryPathMissing', { path: 'a.ts' }, 'no folder a.ts'],
    ['repositoryPathMissing', { path: 'link' }, 'no folder link'],
    ['repositoryRefused', { repository: 'ext::touch /tmp/x' }, 'other transports'],
    ['repositoryRefused', { repository: 'http://192.0.2.1/a.git' }, 'not encrypted'],
    ['repositoryRefused', { path: '../..' }, 'a folder inside the repository'],
    ['repositoryRefused', { ref: '--upload-pack=x' }, 'ref: '],
  ])('is refused as %s, and leaves nothing: %j', async (code, wanted, says) => {
    symlinkSync('inner', join(repository.root, 'link'));
    commit('more.ts');
    const message = expect.stringContaining(says) as string;
    await expect(prepare(wanted)).rejects.toMatchObject({ code, message });
    expectNothingLeft();
  });

  it('is refused without the credential that its address has', async () => {
    const failure = await prepare({ repository: 'https://me:hunter2@example.com/a.git' }).catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code: 'repositoryRefused' });
    expect(JSON.stringify(failure) + String(failure)).not.toContain('hunter2');
  });

  it('is one without a commit', async () => {
    const empty = openRepository(null);
    const message = expect.stringContaining('no commit') as string;
    const refused = expect(prepare({ repository: `file://${empty.root}` })).rejects;
    await refused.toMatchObject({ code: 'repositoryRefMissing', message });
    empty.close();
    expectNothingLeft();
  });

  it.each([
    ['whose history is too large', randomBytes(60_000), 'history'],
    ['whose files are too large', 'x'.repeat(3 * MIB), 'files'],
  ])('is one %s', async (_, content, says) => {
    repository.write('large', content);
    commit('with-large');
    const options = optionsIn(directory, says === 'files' ? MIB : 50_000);
    const message = expect.stringMatching(`its ${says} ha(?:s|ve) .*BOBBIN_MAX_REPOSITORY_MB`) as string;
    await expect(prepare({}, 'run-1', options)).rejects.toMatchObject({ code: 'repositoryTooLarge', message });
    expectNothingLeft();
    expect((await prepare()).commit).toBe(repository.git('rev-parse', 'HEAD').trim());
  });
});

it('a mirror that has grown too large is made anew', async () => {
  const options = optionsIn(directory, 100_000);
  const large = () => randomBytes(60_000);
  const first = repository.git('rev-parse', 'HEAD').trim();
  for (const key of ['run-1', 'run-2', 'run-3']) {
    repository.git('reset', '-q', '--hard', first);
    repository.write('large', large());
    const head = commit(key);
    expect((await prepare({}, key, options)).commit).toBe(head);
  }
});

describe('mirrors', () => {
  it('that were used least recently make room, and those in use stay', async () => {
    const large = () => randomBytes(90_000);
    const others = ['b', 'c', 'd'].map((name) => openRepository({ [name]: large() }));
    const nameOf = (root: string) => basename(dirname(root));
    const used: string[] = [];
    for (const [index, { root }] of others.entries()) {
      const before = mirrors();
      await prepare({ repository: `file://${root}` }, nameOf(root));
      const [made = ''] = mirrors().filter((name) => !before.includes(name));
      const seconds = Date.now() / 1_000 - 1_000 + index;
      utimesSync(join(directory, 'workspaces/mirrors', made), seconds, seconds);
      used.push(made);
    }
    const [first, , last = ''] = used;
    expect(mirrors()).toEqual([last]);
    repository.write('large', large());
    commit('with-large');
    const lock = join(directory, 'workspaces/mirrors', `${last}.lock`);
    await withPatientLock(lock, 'tests', signal, () => prepare());
    expect(mirrors().filter((name) => !name.endsWith('.lock'))).toContain(last);
    await prepare({}, 'run-2');
    expect(mirrors()).not.toContain(last);
    await prepare({ repository: `file://${others[0]?.root}` }, 'run-3');
    expect(mirrors()).toEqual([first]);
    others.forEach((one) => one.close());
  });
});

describe('cleaning up', () => {
  /** Names of the stores of snapshots of these folders. */
  const openStores = async (...folders: string[]) => {
    const stores = await Promise.all(folders.map((folder) => openStore(directory, folder)));
    return stores.map(({ gitDir }) => basename(gitDir)).sort();
  };
  const clean = (more: Partial<CleanOptions> = {}) =>
    cleanClones(
      {
        directory: join(directory, 'workspaces'),
        records: join(directory, 'clones'),
        data: directory,
        ...{ service: 'service', preview: false, inUse: [], reasonToKeep: () => Promise.resolve(null), ...more },
      },
      signal,
    );

  it('removes what no thread needs, and nothing else', async () => {
    const [used, open, gone] = [await prepare({}, 'run-1'), await prepare({}, 'run-2'), await prepare({}, 'run-3')];
    const keep = (kept: string | null) => ({
      inUse: [join(used.cwd, 'inner')],
      reasonToKeep: () => Promise.resolve(kept),
    });
    expect((await clean(keep('its thread is open'))).map(({ kept }) => kept).sort()).toEqual([
      'an open thread works in it',
      'its thread is open',
      'its thread is open',
    ]);
    expect((await clean({ service: 'another' })).map(({ kept }) => kept)).toEqual(
      Array(3).fill('its thread is one of another service'),
    );
    await clean({ ...keep(null), preview: true });
    expect([used, open, gone].every(({ cwd }) => existsSync(cwd))).toBe(true);
    const work = join(directory, 'fork');
    gitIn(open.cwd, 'worktree', 'add', '-q', '--detach', work);
    const cleaned = await clean(keep(null));
    expect(cleaned).toContainEqual({ folder: gone.cwd, threadId: 'Thread/1', kept: null });
    expect([used, open, gone].map(({ cwd }) => existsSync(cwd))).toEqual([true, true, false]);
    rmSync(work, { recursive: true });
    await clean(keep(null));
    expect(list('workspaces', 'managed')).toEqual([basename(used.cwd)]);
    expect(list('clones')).toEqual([`${basename(used.cwd)}.json`]);
  });

  it('removes the snapshots of a clone, of its folder that the thread worked in, and of those of its agents', async () => {
    const [open, gone] = [await prepare({}, 'run-1'), await prepare({ path: 'inner' }, 'run-2')];
    mkdirSync(join(gone.cwd, 'agent'));
    const kept = await openStores(open.cwd, repository.root);
    await openStores(dirname(gone.cwd), gone.cwd, join(gone.cwd, 'agent'));
    await clean({ inUse: [open.cwd], preview: true });
    expect(list('snapshots')).toHaveLength(5);
    await clean({ inUse: [open.cwd] });
    expect(list('snapshots').sort()).toEqual(kept);
  });

  it('removes the snapshots of clones that are gone without a record, as earlier releases left them', async () => {
    const { cwd } = await prepare();
    const beside = join(directory, 'workspaces/worktrees/fork');
    const kept = await openStores(cwd, beside, repository.root);
    await openStores(join(dirname(cwd), 'gone-1'), join(dirname(cwd), 'gone-2/inner'));
    rmSync(cwd, { recursive: true });
    await clean({ inUse: [cwd], preview: true });
    expect(list('snapshots')).toHaveLength(5);
    await clean({ reasonToKeep: () => Promise.resolve('its thread is open') });
    expect(list('snapshots').sort()).toEqual(kept);
  });

  it('removes the snapshots of a clone that is not wanted after all', async () => {
    const { cwd } = await prepare();
    const kept = await openStores(repository.root);
    await openStores(cwd);
    const clones = createManagedWorkspaces(optionsIn(directory));
    await clones.discard({ threadId: 'Thread/1', key: 'run-1' }, signal);
    expect([existsSync(cwd), list('snapshots')]).toEqual([false, kept]);
  });
});

describe('a worker that is killed', () => {
  it.each(['packed-refs', 'record', 'folder'])(
    'right before it writes the %s leaves the rest to the next one',
    async (at) => {
      const model = join(directory, 'model');
      const name = basename((await prepare({}, 'run-1', optionsIn(model))).cwd);
      const file = { 'packed-refs': at, record: `${name}.json`, folder: name }[at] ?? '';
      const ended = runUntilRename(
        file,
        `import { createManagedWorkspaces } from ${JSON.stringify(join(import.meta.dirname, 'managed-workspaces.ts'))};
       const clones = createManagedWorkspaces(${JSON.stringify(optionsIn(directory))});
       const wanted = { repository: ${JSON.stringify(repositoryUrl)} };
       await clones.prepare({ threadId: 'Thread/1', key: 'run-1' }, wanted, new AbortController().signal);`,
      );
      expect(ended).toBe('SIGKILL');
      const { cwd } = await prepare();
      expect(list('workspaces', 'managed')).toEqual([name]);
      expect(list('clones')).toEqual([`${name}.json`]);
      expect(gitIn(cwd, 'status', '--porcelain')).toBe('');
      gitIn(cwd, 'fsck', '--strict');
    },
  );
});

describe('a repository behind a password', () => {
  let server: GitServer;
  beforeEach(async () => {
    server = await startGitServer(dirname(repository.root), 'me', 'hunter2');
    repositoryUrl = `${server.url}/${basename(repository.root)}`;
  });
  afterEach(async () => {
    await server.close();
  });

  it('is fetched with the credentials of the environment, which are kept nowhere', async () => {
    signIn();
    const { cwd } = await prepare();
    expect(gitIn(cwd, 'log', '--format=%s')).not.toBe('');
    const kept = [join(directory, 'workspaces'), join(directory, 'clones')];
    expect(() => execFileSync('grep', ['-r', 'hunter2', ...kept])).toThrow();
  });

  it.each([
    ['repositoryUnauthorized', '', false],
    ['repositoryMissing', '-gone', true],
  ])('is refused as %s', async (code, suffix, hasCredentials) => {
    if (hasCredentials) signIn();
    const failure = await prepare({ repository: `${repositoryUrl}${suffix}` }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code });
    expect(String(failure)).not.toContain('hunter2');
    expectNothingLeft();
  });

  it('is fetched anew after a worker was killed while it waited for the objects', async () => {
    signIn();
    const held = server.hold();
    const source = `
      import { createManagedWorkspaces } from ${JSON.stringify(join(import.meta.dirname, 'managed-workspaces.ts'))};
      const clones = createManagedWorkspaces(${JSON.stringify(optionsIn(directory))});
      const wanted = { repository: ${JSON.stringify(repositoryUrl)} };
      await clones.prepare({ threadId: 'Thread/1', key: 'run-1' }, wanted, new AbortController().signal);`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', source], { stdio: 'ignore' });
    await held;
    child.kill('SIGKILL');
    await once(child, 'exit');
    const { cwd } = await prepare();
    expect(gitIn(cwd, 'status', '--porcelain')).toBe('');
    expect(list('workspaces', 'managed')).toEqual([basename(cwd)]);
    const [mirror = ''] = mirrors();
    expect(list('workspaces', 'mirrors', mirror, 'attempts')).toEqual([]);
    expect(mirrors()).toEqual([mirror]);
  });
});
