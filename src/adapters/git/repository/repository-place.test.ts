import { execFileSync } from 'node:child_process';
import {
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createGit } from '../git.ts';
import { findRepository } from './repository-place.ts';
import { createReviewTargets } from '../targets/review-targets.ts';

let home: string;
let workspace: string;
/** A repository in a folder that commands cannot read. */
let hidden: string;
const signal = new AbortController().signal;

function git(cwd: string, ...args: string[]): string {
  const who = ['-c', 'user.name=T', '-c', 'user.email=t@example.invalid', '-c', 'protocol.file.allow=always'];
  return execFileSync('git', [...who, ...args], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
}

function makeRepository(at: string): string {
  mkdirSync(at, { recursive: true });
  git(at, 'init', '-q', '-b', 'main');
  writeFileSync(join(at, 'secret.txt'), 'SECRET\n');
  git(at, 'add', '-A');
  git(at, 'commit', '-q', '-m', 'One');
  return at;
}

beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'repository-place-')));
  workspace = join(home, 'workspace');
  mkdirSync(workspace);
  hidden = makeRepository(join(home, 'closed/repository'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const closed = () => [join(home, 'closed')];

describe('a repository of the workspace that a command has led to one that it cannot read', () => {
  const store = () => join(hidden, '.git');
  const emptyWithLinks = (...names: string[]): void => {
    git(workspace, 'init', '-q', '-b', 'main');
    for (const name of names) {
      rmSync(join(workspace, '.git', name), { recursive: true, force: true });
      symlinkSync(join(store(), name), join(workspace, '.git', name));
    }
  };
  /** The checked-out commit is only in the other repository. */
  const borrow = (alternates: string | Buffer): void => {
    git(workspace, 'init', '-q', '-b', 'main');
    writeFileSync(join(workspace, '.git/objects/info/alternates'), alternates);
    writeFileSync(join(workspace, '.git/HEAD'), `${git(hidden, 'rev-parse', 'HEAD')}\n`);
  };
  const objectFolders = () => {
    const names = readdirSync(join(store(), 'objects')).filter((name) => name.length === 2);
    return names.map((name) => join(store(), 'objects', name));
  };
  it.each<[string, () => void]>([
    ['by a file', () => writeFileSync(join(workspace, '.git'), `gitdir: ${store()}\n`)],
    ['by a link', () => symlinkSync(store(), join(workspace, '.git'))],
    [
      'by a file that leads to a link',
      () => {
        symlinkSync(join(home, 'closed'), join(workspace, 'way'));
        writeFileSync(join(workspace, '.git'), 'gitdir: way/repository/.git\n');
      },
    ],
    [
      'by a folder with a common directory',
      () => {
        git(workspace, 'init', '-q', '-b', 'main');
        writeFileSync(join(workspace, '.git/commondir'), `${store()}\n`);
      },
    ],
    ['by links in it', () => emptyWithLinks('refs', 'objects')],
    [
      'by a record of a work tree that it has made itself',
      () => {
        const own = join(workspace, 'fake/worktrees/one');
        mkdirSync(own, { recursive: true });
        for (const name of ['refs', 'objects']) symlinkSync(join(store(), name), join(workspace, 'fake', name));
        writeFileSync(join(workspace, '.git'), `gitdir: ${own}\n`);
        writeFileSync(join(own, 'HEAD'), 'ref: refs/heads/main\n');
        writeFileSync(join(own, 'commondir'), '../..\n');
        writeFileSync(join(own, 'gitdir'), `${join(workspace, '.git')}\n`);
      },
    ],
    [
      'by objects that it borrows',
      () => {
        git(workspace, 'init', '-q', '-b', 'main');
        writeFileSync(join(workspace, '.git/objects/info/alternates'), `../../../closed/repository/.git/objects\n`);
        writeFileSync(join(workspace, '.git/HEAD'), `${git(hidden, 'rev-parse', 'HEAD')}\n`);
      },
    ],
    ['by objects that it borrows by an absolute path', () => borrow(`${store()}/objects\n`)],
    ['by objects that it borrows in quotes', () => borrow(`"${store()}/objects"\n`)],
    ['behind more than is read', () => borrow(`${'# nothing\n'.repeat(200_000)}${store()}/objects\n`)],
    ['behind many that are not there', () => borrow(`${'/none/\n'.repeat(200)}${store()}/objects\n`)],
    [
      'by a name that is no text',
      () => {
        const name = Buffer.concat([Buffer.from(`${workspace}/`), Buffer.from([0xff])]);
        symlinkSync(join(store(), 'objects'), name);
        borrow(Buffer.concat([name, Buffer.from('\n')]));
      },
    ],
    [
      'by objects that borrow them in turn',
      () => {
        mkdirSync(join(workspace, 'lent/info'), { recursive: true });
        writeFileSync(join(workspace, 'lent/info/alternates'), `${store()}/objects\n`);
        borrow('../../lent\n');
      },
    ],
    [
      'by links that stand for folders of objects',
      () => {
        borrow('');
        for (const name of objectFolders()) symlinkSync(name, join(workspace, '.git/objects', basename(name)));
      },
    ],
    [
      'by links that stand for objects',
      () => {
        borrow('');
        for (const folder of objectFolders()) {
          const own = join(workspace, '.git/objects', basename(folder));
          mkdirSync(own);
          for (const name of readdirSync(folder)) symlinkSync(join(folder, name), join(own, name));
        }
      },
    ],
  ])('%s, is none to a review, a batch and a snapshot', async (_, lead) => {
    lead();
    const adapter = createGit({ directory: join(home, 'data'), closed: closed() });
    const named = new RegExp(
      ` ${workspace}/.git depends on ${home}/\\S+, which (lies where commands cannot read|does not say clearly)`,
    );
    const refusal = { code: 'reviewNoRepository', message: expect.stringMatching(named) as string };
    await expect(adapter.pinChanges(workspace, { type: 'uncommittedChanges' }, signal)).rejects.toMatchObject(refusal);
    const targets = createReviewTargets({ directory: join(home, 'targets'), closed: closed() });
    const range = { base: 'a'.repeat(40), head: 'b'.repeat(40) };
    await expect(targets.changedFiles(workspace, range, signal)).rejects.toMatchObject(refusal);
    for (const repository of [workspace, `file://${workspace}`])
      await expect(targets.find({ repository }, 'target', signal)).rejects.toMatchObject(refusal);
    await adapter.snapshot(workspace, null, signal);
    expect(findRepository(workspace, closed())).toBeNull();
    // Without closed folders all of them are repositories, so the test is about the closed folders.
    expect(findRepository(workspace, [])).not.toBeNull();
  });
});

describe('the error for a repository that is not read', () => {
  const messageFor = async (cwd: string): Promise<string> => {
    const adapter = createGit({ directory: join(home, 'data'), closed: closed() });
    const error: unknown = await adapter
      .pinChanges(cwd, { type: 'uncommittedChanges' }, signal)
      .catch((e: unknown) => e);
    return error instanceof Error ? error.message : '';
  };

  it('names the part that is missing, in a folder below it as well, and spells out what deceives a reader', async () => {
    const broken = join(home, 'tree\u202e\u001b[31m');
    mkdirSync(join(broken, 'below'), { recursive: true });
    expect(await messageFor(broken)).not.toContain('.git ');
    git(broken, 'init', '-q');
    rmSync(join(broken, '.git/refs'), { recursive: true });
    const part = `${home}/tree\\u{202e}\\x1b[31m/.git/refs is missing`;
    expect(await messageFor(join(broken, 'below'))).toContain(part);
    rmSync(join(broken, '.git'), { recursive: true });
    writeFileSync(join(broken, '.git'), 'nothing\n');
    expect(await messageFor(broken)).toContain('[31m/.git does not lead to a repository');
  });

  it.runIf(process.getuid?.() === 0)(
    'names the data of a repository around it that another user has made',
    async () => {
      const inner = join(makeRepository(join(home, 'outer')), 'inner');
      mkdirSync(inner);
      expect(await messageFor(inner)).not.toContain('another user');
      chownSync(join(home, 'outer/.git'), 12_345, 12_345);
      expect(await messageFor(inner)).toContain(`${home}/outer/.git belongs to another user.`);
    },
  );

  it('names a bare repository that leads where commands cannot read', async () => {
    const bare = join(home, 'bare.git');
    git(home, 'init', '-q', '--bare', bare);
    rmSync(join(bare, 'refs'), { recursive: true });
    symlinkSync(join(hidden, '.git/refs'), join(bare, 'refs'));
    const targets = createReviewTargets({ directory: join(home, 'targets'), closed: closed() });
    for (const repository of [bare, `file://${join(home, 'bare')}`])
      await expect(targets.find({ repository }, 'target', signal)).rejects.toThrow(
        `${bare} depends on ${bare}/refs, which lies where`,
      );
  });

  it('names the repository, and not our own folder, when git fails on it', async () => {
    const repository = makeRepository(join(home, 'repository'));
    writeFileSync(join(repository, '.git/index'), 'no index');
    expect(await messageFor(repository)).toMatch(new RegExp(`^.git \\w+. failed in ${repository}: `));
  });
});

describe('the repository of a workspace is found', () => {
  const headOf = (cwd: string) =>
    createGit({ directory: join(home, 'data'), closed: closed() }).checkedOut(cwd, signal);

  it('in a linked work tree of one that lies in a closed folder, and that has registered it', async () => {
    const linked = join(home, 'linked');
    git(hidden, 'worktree', 'add', '-q', '--detach', linked);
    expect(findRepository(linked, closed())).toMatchObject({ root: linked, isRegistered: true });
    expect(await headOf(linked)).toBe(git(hidden, 'rev-parse', 'HEAD'));
    // A copy of its file does not make another folder one of its work trees.
    cpSync(join(linked, '.git'), join(workspace, '.git'));
    expect(await headOf(workspace)).toBeNull();
  });

  it('with objects that it borrows from a place which is not closed', async () => {
    const lender = makeRepository(join(home, 'lender'));
    const borrower = join(home, 'borrower');
    git(home, 'clone', '-q', '--shared', lender, borrower);
    expect(await headOf(borrower)).toBe(git(lender, 'rev-parse', 'HEAD'));
  });

  it('in a closed folder itself, and in a submodule', async () => {
    expect(await headOf(hidden)).toBe(git(hidden, 'rev-parse', 'HEAD'));
    const outer = makeRepository(join(home, 'outer'));
    git(outer, 'submodule', 'add', '-q', hidden, 'inner');
    expect(await headOf(join(outer, 'inner'))).toBe(git(hidden, 'rev-parse', 'HEAD'));
  });

  it.each(['file', 'link'])('by a %s that leads to any place which is not closed', async (kind) => {
    const repository = makeRepository(join(home, 'repository'));
    const data = join(home, 'data-of-it');
    renameSync(join(repository, '.git'), data);
    if (kind === 'file') writeFileSync(join(repository, '.git'), `gitdir: ${data}\n`);
    else symlinkSync(data, join(repository, '.git'));
    expect(await headOf(repository)).toBe(readFileSync(join(data, 'refs/heads/main'), 'utf8').trim());
  });
});
