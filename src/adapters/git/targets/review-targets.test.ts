import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createReviewTargets } from './review-targets.ts';
import { type TestRepository, openRepository } from '../test-repository.ts';

const { signal } = new AbortController();
let repository: TestRepository;
let directory: string;
let targets: ReturnType<typeof createReviewTargets>;
beforeEach(() => {
  repository = openRepository({ 'a.ts': 'one\n', 'old.ts': 'kept\n'.repeat(20), 'link.ts': 'x\n' });
  directory = mkdtempSync(join(tmpdir(), 'bobbin-targets-'));
  targets = createReviewTargets({ directory });
});
afterEach(() => {
  repository.close();
  rmSync(directory, { recursive: true, force: true });
});

function commit(of: TestRepository = repository): string {
  of.git('add', '-A');
  of.git('commit', '-q', '-m', 'Change');
  return of.git('rev-parse', 'HEAD').trim();
}

const headOf = () => repository.git('rev-parse', 'HEAD').trim();
const elsewhere = (more: object = {}) => ({ repository: `file://${repository.root}`, ...more });

describe('the files that two commits differ in', () => {
  it('are told with both names, what they are, and how much there is to read', async () => {
    const base = headOf();
    const inner = openRepository();
    repository.git('mv', 'old.ts', 'new.ts');
    repository.write('a.ts', 'two\n');
    repository.write('picture.png', Buffer.from([1, 0, 2, 255]));
    repository.remove('link.ts');
    symlinkSync('a.ts', join(repository.root, 'link.ts'));
    repository.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner.root, 'sub');
    const head = commit();
    inner.close();
    const files = await targets.changedFiles(repository.root, { base, head }, signal);
    const facts = Object.fromEntries(files.map(({ path, ...rest }) => [path, rest]));
    expect(facts).toMatchObject({
      'a.ts': { before: null, kind: 'text' },
      'new.ts': { before: 'old.ts', kind: 'text' },
      'picture.png': { kind: 'binary' },
      'link.ts': { kind: 'text' },
      sub: { kind: 'submodule' },
    });
    const whole = execFileSync('git', ['diff', '--find-renames', base, head], { cwd: repository.root }).length;
    expect(files.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(whole);
    expect(facts['a.ts']?.bytes).toBeGreaterThan('one\ntwo\n'.length);
  });

  it('are measured as they are read, however long their lines', async () => {
    const base = headOf();
    repository.write('long.js', `${'x'.repeat(3_000_000)}\n`);
    repository.write('short.js', 'x\n');
    const head = commit();
    const files = await targets.changedFiles(repository.root, { base, head }, signal);
    expect(files.map(({ path, bytes }) => [path, bytes > 3_000_000])).toEqual([
      ['long.js', true],
      ['short.js', false],
    ]);
    expect(await targets.changedFiles(repository.root, { base: head, head }, signal)).toEqual([]);
  });
});

describe('a repository on this machine', () => {
  it('is looked at where it is, and nothing in it is touched', async () => {
    const before = repository.personal();
    const found = await targets.find({ repository: repository.root }, 't', signal);
    expect(found).toMatchObject({ repository: repository.root, isTheirs: true, head: headOf() });
    expect(await targets.checkOut(found, signal)).toEqual({ cwd: repository.root, isElsewhere: false });
    expect(repository.personal()).toEqual(before);
  });

  it('says that its files are of another version where they are', async () => {
    const look = async (branch: string) => {
      const found = await targets.find({ repository: repository.root, branch }, 't', signal);
      return (await targets.checkOut(found, signal)).isElsewhere;
    };
    repository.git('branch', 'other');
    repository.write('untracked.ts', 'says nothing\n');
    expect(await look('other')).toBe(false);
    repository.write('a.ts', 'changed\n');
    expect(await look('other')).toBe(true);
    commit();
    expect([await look('other'), await look('main')]).toEqual([true, false]);
  });

  it('is found from a folder in it, whatever its name, and with ids of either kind', async () => {
    const cwd = join(directory, 'two words: ü');
    execFileSync('git', ['init', '-q', '--object-format=sha256', cwd]);
    const inIt = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.invalid', ...args], { cwd }).toString();
    const find = (repository: string) => targets.find({ repository }, 't', signal);
    await expect(find(cwd)).rejects.toMatchObject({ code: 'reviewTargetUnknown' });
    mkdirSync(join(cwd, 'within'));
    writeFileSync(join(cwd, 'within', 'a.ts'), 'one\n');
    inIt('add', '-A');
    inIt('commit', '-q', '-m', 'Begin');
    const head = inIt('rev-parse', 'HEAD').trim();
    const start = inIt('hash-object', '-t', 'tree', '/dev/null').trim();
    const found = { repository: cwd, isTheirs: true, head, start };
    expect([await find(cwd), await find(join(cwd, 'within'))]).toEqual([found, found]);
    expect(await targets.changedFiles(cwd, { base: start, head }, signal)).toMatchObject([{ path: 'within/a.ts' }]);
    await expect(find(join(cwd, '.git'))).rejects.toMatchObject({ code: 'reviewNoRepository' });
  });
});

describe('a repository elsewhere', () => {
  it('is fetched whole for each target, and checked out as it was, whatever was left there', async () => {
    const found = await targets.find(elsewhere(), 't', signal);
    const { cwd, isElsewhere } = await targets.checkOut(found, signal);
    expect({ isElsewhere, text: readFileSync(join(cwd, 'a.ts'), 'utf8') }).toEqual({
      isElsewhere: false,
      text: 'one\n',
    });
    writeFileSync(join(cwd, 'a.ts'), 'spoilt');
    writeFileSync(join(cwd, 'left.ts'), 'over');
    repository.write('b.ts', 'b\n');
    const head = commit();
    const next = await targets.find(elsewhere(), 't', signal);
    expect(next).toMatchObject({ head, isTheirs: false });
    await targets.checkOut(next, signal);
    expect(readFileSync(join(cwd, 'a.ts'), 'utf8')).toBe('one\n');
    expect([existsSync(join(cwd, 'left.ts')), existsSync(join(cwd, 'b.ts'))]).toEqual([false, true]);
    expect(await targets.isBefore(cwd, found.head, head, signal)).toBe(true);
    expect(await targets.isBefore(cwd, head, found.head, signal)).toBe(false);
    expect(await targets.isBefore(cwd, 'f'.repeat(40), head, signal)).toBe(false);
  });

  it('is taken as it is now where its history was written anew', async () => {
    await targets.find(elsewhere(), 't', signal);
    repository.write('a.ts', 'anew\n');
    repository.git('commit', '-q', '-a', '--amend', '-m', 'Begin anew');
    expect(await targets.find(elsewhere(), 't', signal)).toMatchObject({ head: headOf() });
  });

  it('begins at the merge base with its base', async () => {
    const base = headOf();
    repository.git('branch', 'release');
    repository.write('a.ts', 'two\n');
    commit();
    expect(await targets.find(elsewhere({ base: 'release' }), 't', signal)).toMatchObject({ start: base });
  });

  it('means the branch where a tag has the same name, and the tag where no branch has it', async () => {
    const old = headOf();
    for (const name of ['main', 'release', 'v1']) repository.git('tag', name, old);
    repository.git('checkout', '-q', '-b', 'release');
    repository.write('a.ts', 'two\n');
    const release = commit();
    repository.git('checkout', '-q', 'main');
    repository.git('merge', '-q', 'heads/release');
    repository.write('a.ts', 'three\n');
    const head = commit();
    const find = (branch: string, base?: string) =>
      targets.find(elsewhere({ branch, ...(base === undefined ? {} : { base }) }), 't', signal);
    expect(await find('main', 'release')).toMatchObject({ head, start: release });
    expect(await find('refs/heads/main', 'v1')).toMatchObject({ head, start: old });
    expect(await find('refs/tags/main')).toMatchObject({ head: old });
    expect(await find('v1')).toMatchObject({ head: old });
    await expect(find('v1', 'v2')).rejects.toMatchObject({
      ...{ code: 'reviewBaseMissing', message: expect.stringContaining('has no v2.') as string },
    });
    await expect(find('v2', 'v1')).rejects.toMatchObject({ code: 'reviewTargetUnknown' });
  });

  it('is not kept from by the lock of a process that was killed', async () => {
    const { repository: store } = await targets.find(elsewhere(), 't', signal);
    const lock = join(store, '.git', 'refs', 'bobbin', 't', 'head.lock');
    writeFileSync(lock, '');
    const old = Date.now() / 1_000 - 60;
    utimesSync(lock, old, old);
    repository.write('a.ts', 'two\n');
    const head = commit();
    expect(await targets.find(elsewhere(), 't', signal)).toMatchObject({ head });
  });

  it('is given up when nothing comes from it, or when it takes too long', async () => {
    const silent = createServer((socket) => void socket.on('error', () => undefined)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const find = (bounds: object) =>
      createReviewTargets({ directory, ...bounds }).find({ repository: `http://127.0.0.1:${port}/a.git` }, 't', signal);
    try {
      await expect(find({ fetchIdleMs: 300 })).rejects.toMatchObject({
        ...{ code: 'gitFailed', message: expect.stringContaining('nothing came from it') as string },
      });
      await expect(find({ fetchTimeoutMs: 300 })).rejects.toMatchObject({
        ...{ code: 'gitFailed', message: expect.stringContaining('had not ended') as string },
      });
    } finally {
      silent.close();
    }
  });

  it.each(['--upload-pack=touch MARKER;', 'ext::touch MARKER', 'git://127.0.0.1/a', 'http://192.0.2.1/a.git'])(
    'is not asked for by an address that has not passed the edge: %s',
    async (address) => {
      const marker = join(directory, 'marker');
      const target = { repository: address.replace('MARKER', marker) };
      await expect(targets.find(target, 't', signal)).rejects.toMatchObject({ code: 'reviewTargetRefused' });
      for (const branch of [`--upload-pack=touch ${marker};`, '-x', 'main:refs/heads/x', 'refs/*'])
        await expect(targets.find(elsewhere({ branch }), 't', signal)).rejects.toMatchObject({
          code: 'reviewTargetUnknown',
        });
      expect(existsSync(marker)).toBe(false);
    },
  );

  it('is a bare one on this machine, shallow ones included, which say so where their history does not reach', async () => {
    const source = join(directory, 'source.git');
    repository.git('branch', 'old');
    repository.write('a.ts', 'two\n');
    const head = commit();
    repository.git('clone', '-q', '--bare', '--depth', '1', '--no-single-branch', `file://${repository.root}`, source);
    for (const address of [source, `file://${source}`, `file://${source.slice(0, -4)}`]) {
      const found = await targets.find({ repository: address }, 't', signal);
      expect(found).toMatchObject({ head, isTheirs: false });
      expect((await targets.checkOut(found, signal)).isElsewhere).toBe(false);
      await expect(targets.find({ repository: address, base: 'old' }, 't', signal)).rejects.toMatchObject({
        ...{ code: 'reviewBaseMissing', message: expect.stringContaining('shallow') as string },
      });
    }
  });

  it('is spoken of without whoever signs in there', async () => {
    const target = { repository: 'http://someone@127.0.0.1:1/a.git' };
    const failure = await targets.find(target, 't', signal).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'reviewTargetRefused' });
    expect(String(failure)).not.toContain('someone');
  });

  it('ends soon once it is told to', async () => {
    const controller = new AbortController();
    const finding = targets.find(elsewhere(), 't', controller.signal);
    controller.abort(new Error('enough'));
    await expect(finding).rejects.toThrow('enough');
  });
});
