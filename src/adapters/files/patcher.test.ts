import {
  chmodSync,
  existsSync,
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
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PathLead, SandboxMode } from '../../../activities/ports.ts';
import { createPatcher } from './patcher.ts';

let root: string;
let cwd: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'patch-')));
  cwd = join(root, 'workspace');
  mkdirSync(cwd);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const at = (name: string): string => join(cwd, name);
const put = (name: string, text: string | Uint8Array): void => writeFileSync(at(name), text);
const read = (name: string): string => readFileSync(at(name), 'utf8');
const list = (): string[] => readdirSync(cwd, { recursive: true, encoding: 'utf8' }).sort();

interface Try {
  mode?: SandboxMode;
  writableRoots?: string[];
  retried?: boolean;
}

function apply(lines: string[], { mode = 'workspace-write', writableRoots = [], retried = false }: Try = {}) {
  const sandbox = { mode, writableRoots, networkAccess: false };
  const patch = ['*** Begin Patch', ...lines, '*** End Patch'].join('\n');
  return createPatcher().apply(patch, { cwd, sandbox, retried }, new AbortController().signal);
}

/** A retry after a lost attempt. */
const again = (lines: string[]) => apply(lines, { retried: true });

const ALL = [
  '*** Add File: deep/new.txt',
  '+hello',
  '*** Update File: a.txt',
  '@@',
  ' one',
  '-two',
  '+TWO',
  '*** Delete File: gone.txt',
  '*** Update File: from.txt',
  '*** Move to: moved/to.txt',
  '-x',
  '+y',
];

function putAll(): void {
  put('a.txt', 'one\ntwo\n');
  put('gone.txt', 'bye\nbye\n');
  put('from.txt', 'w\nx\n');
}

describe('a patch', () => {
  it('changes, adds, removes and moves files, and says what it did', async () => {
    putAll();
    expect(await apply(ALL)).toEqual({
      changes: [
        { path: 'deep/new.txt', kind: 'add', linesAdded: 1, linesRemoved: 0 },
        { path: 'a.txt', kind: 'update', linesAdded: 1, linesRemoved: 1 },
        { path: 'gone.txt', kind: 'delete', linesAdded: 0, linesRemoved: 2 },
        { path: 'from.txt', movePath: 'moved/to.txt', kind: 'move', linesAdded: 1, linesRemoved: 1 },
      ],
    });
    expect(list()).toEqual(['a.txt', 'deep', 'deep/new.txt', 'moved', 'moved/to.txt']);
    expect([read('a.txt'), read('deep/new.txt'), read('moved/to.txt')]).toEqual(['one\nTWO\n', 'hello\n', 'w\ny\n']);
  });

  it('tried twice is applied once', async () => {
    putAll();
    await apply(ALL);
    const before = statSync(at('a.txt')).ino;
    const unchanged = { unchanged: true };
    expect(await again(ALL)).toMatchObject({ changes: [unchanged, unchanged, unchanged, unchanged] });
    expect(read('a.txt')).toBe('one\nTWO\n');
    expect(statSync(at('a.txt')).ino).toBe(before);
  });

  it.each([
    [
      'after the first file',
      () => {
        mkdirSync(at('deep'));
        put('deep/new.txt', 'hello\n');
      },
    ],
    [
      'after the second file',
      () => {
        put('a.txt', 'one\nTWO\n');
      },
    ],
    [
      'between the two halves of the move',
      () => {
        mkdirSync(at('moved'));
        put('moved/to.txt', 'w\ny\n');
      },
    ],
    [
      'before the last removal',
      () => {
        put('a.txt', 'one\nTWO\n');
        rmSync(at('gone.txt'));
      },
    ],
  ])('that was cut short %s is completed when it is tried again', async (_where, arrange) => {
    putAll();
    arrange();
    const { changes } = await again(ALL);
    expect(changes.every(({ unchanged }) => unchanged)).toBe(false);
    expect(list()).toEqual(['a.txt', 'deep', 'deep/new.txt', 'moved', 'moved/to.txt']);
    expect([read('a.txt'), read('deep/new.txt'), read('moved/to.txt')]).toEqual(['one\nTWO\n', 'hello\n', 'w\ny\n']);
  });

  it('writes nothing where a part of it does not apply', async () => {
    putAll();
    await expect(apply([...ALL, '*** Update File: a.txt', '-three', '+3'])).rejects.toMatchObject({
      code: 'patchDoesNotApply',
      message: expect.stringMatching(/a\.txt.*line 15.*\nExpected:\nthree\nNothing in the 2 lines/s) as string,
    });
    expect(list()).toEqual(['a.txt', 'from.txt', 'gone.txt']);
    expect(read('a.txt')).toBe('one\ntwo\n');
  });

  it('may touch a file more than once', async () => {
    const lines = ['*** Add File: a', '+1', '*** Update File: a', '-1', '+2', '*** Update File: a', ' 2', '+3'];
    await apply(lines);
    expect(read('a')).toBe('2\n3\n');
    expect((await again(lines)).changes.every(({ unchanged }) => unchanged)).toBe(true);
    expect(read('a')).toBe('2\n3\n');
  });

  it('keeps the mode of a file and writes through a link to it', async () => {
    put('script', 'one\n');
    chmodSync(at('script'), 0o750);
    symlinkSync('script', at('link'));
    await apply(['*** Update File: link', '-one', '+two']);
    expect(read('script')).toBe('two\n');
    expect(statSync(at('script')).mode & 0o777).toBe(0o750);
    expect(list()).toEqual(['link', 'script']);
  });

  it('removes a link, not what it points to, and a file that is no text', async () => {
    put('kept', 'one\n');
    symlinkSync('kept', at('link'));
    put('binary', new Uint8Array([0, 255, 1]));
    await apply(['*** Delete File: link', '*** Delete File: binary']);
    expect(list()).toEqual(['kept']);
  });

  it('moves a link itself, and its hunks change what it leads to', async () => {
    mkdirSync(at('folder'));
    put('folder/file', 'one\n');
    symlinkSync('folder/file', at('link'));
    symlinkSync('nowhere', at('dangling'));
    await apply([
      '*** Update File: link',
      '*** Move to: folder/link',
      '*** Update File: dangling',
      '*** Move to: still',
    ]);
    await apply(['*** Update File: folder/link', '*** Move to: moved', '-one', '+two']);
    expect([readlinkSync(at('moved')), readlinkSync(at('still'))]).toEqual(['folder/file', 'nowhere']);
    expect(read('moved')).toBe('two\n');
    expect(list()).toEqual(['folder', 'folder/file', 'moved', 'still']);
  });

  it('completes the move of a link that was cut short, and says when nothing had to be written', async () => {
    put('file', 'one\n');
    symlinkSync('file', at('link'));
    symlinkSync('file', at('moved'));
    const lines = ['*** Update File: link', '*** Move to: moved'];
    await again(lines);
    expect(list()).toEqual(['file', 'moved']);
    expect((await again(lines)).changes).toMatchObject([{ kind: 'move', unchanged: true }]);
    expect((await apply(['*** Update File: file', '-one', '+one'])).changes).toMatchObject([{ unchanged: true }]);
  });

  it('is not begun where the signal has fired', async () => {
    const reason = new Error('stopped');
    const patch = '*** Begin Patch\n*** Add File: a\n+1\n*** End Patch';
    const sandbox = { mode: 'workspace-write' as const, writableRoots: [], networkAccess: false };
    await expect(createPatcher().apply(patch, { cwd, sandbox }, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(list()).toEqual([]);
  });
});

describe('a patch that is refused', () => {
  it('says which line is malformed', async () => {
    await expect(apply(['*** Add File: a', 'no plus'])).rejects.toMatchObject({
      code: 'patchMalformed',
      message: expect.stringMatching(/^Line 3 of the patch: expected .*, found "no plus"\.$/) as string,
    });
  });

  it('says which line holds half of a character, and writes nothing', async () => {
    await expect(apply(['*** Add File: a', '+whole 😀', '+half \ud83d'])).rejects.toMatchObject({
      code: 'patchMalformed',
      message: expect.stringMatching(/^Line 4 of the patch: expected whole characters/) as string,
    });
    expect(existsSync(at('a'))).toBe(false);
  });

  it.each([
    ['a missing file', () => undefined, 'there is no such file'],
    ['a folder', () => mkdirSync(at('file')), 'folder'],
    ['a file whose name is alike', () => put('files', ''), 'there is no such file. Its folder has "files"'],
    ['a binary file', () => put('file', new Uint8Array([120, 10, 0])), 'no text in UTF-8: line 2 has a byte 0'],
    ['a file in another encoding', () => put('file', new Uint8Array([120, 10, 0xe9, 10])), 'UTF-8: line 2 has other'],
    ['a huge file', () => put('file', 'x\n'.repeat(6_000_000)), 'larger than'],
  ])('names %s', async (_what, arrange, reason) => {
    arrange();
    await expect(apply(['*** Update File: file', '-x', '+y'])).rejects.toMatchObject({
      code: 'patchDoesNotApply',
      message: expect.stringContaining(reason) as string,
    });
  });

  it('says that there is no folder for a missing file, too', async () => {
    await expect(apply(['*** Update File: deep/file', '-x', '+y'])).rejects.toMatchObject({
      message: expect.stringContaining('there is no such file, and no folder for it') as string,
    });
  });

  it('says how long a file is that it would overwrite', async () => {
    put('a', '1\n2\n');
    put('b', '1\n');
    const failing = async (lines: string[]) => (await apply(lines).catch((error: unknown) => error)) as Error;
    expect((await failing(['*** Add File: a', '+1'])).message).toContain('already, with 2 lines. Change it by Update');
    const move = await failing(['*** Update File: a', '*** Move to: b']);
    expect(move.message).toContain('b is there already, with 1 line. Delete it first');
  });

  const EXISTING = 'there is such a file already';
  it.each([
    ['adds a file that is there', ['*** Add File: there', '+new'], EXISTING],
    ['adds a file that is there like this', ['*** Add File: there', '+old'], EXISTING],
    ['adds a file where a link is', ['*** Add File: link', '+new'], EXISTING],
    ['adds a file twice', ['*** Add File: new', '+1', '*** Add File: new', '+2'], EXISTING],
    ['adds a file below a file', ['*** Add File: there/new', '+1'], 'a part of its path is not a folder'],
    ['deletes a file that is not there', ['*** Delete File: gone'], 'there is no such file'],
    ['moves a file that is not there', ['*** Update File: gone', '*** Move to: x'], 'there is no such file'],
    ['moves a file over another one', ['*** Update File: there', '*** Move to: other'], 'other is there already'],
    ['moves a link over a file', ['*** Update File: link', '*** Move to: other'], 'other is there already'],
  ])('%s, and nothing is written', async (_what, lines, reason) => {
    put('there', 'old\n');
    put('other', 'other\n');
    symlinkSync('nowhere', at('link'));
    await expect(apply(['*** Add File: first', '+1', ...lines])).rejects.toMatchObject({
      code: 'patchDoesNotApply',
      message: expect.stringContaining(reason) as string,
    });
    expect(list()).toEqual(['link', 'other', 'there']);
    expect([read('there'), read('other')]).toEqual(['old\n', 'other\n']);
  });

  it.each([
    ['another text', ['*** Add File: file', '+mine'], EXISTING],
    ['lines that may be before or after', ['*** Update File: file', '-a', '+b'], 'does not say'],
    ['lines of two parts', ['*** Update File: file', '-a', '+c', '*** Update File: file', '-b', '+d'], 'does not say'],
  ])('says on a later try that it finds %s', async (_what, lines, reason) => {
    put('file', 'a\nb\n');
    await expect(again(lines)).rejects.toMatchObject({
      code: 'patchDoesNotApply',
      message: expect.stringContaining(reason) as string,
    });
    expect(read('file')).toBe('a\nb\n');
  });

  it('names what was written before a file that cannot be', async () => {
    mkdirSync(at('folder'));
    put('folder/file', 'x\n');
    put('other', 'x\n');
    let asked = 0;
    const throwIfAborted = (): void => {
      asked += 1;
      if (asked === 2) put('other', 'by somebody else\n');
    };
    const signal = Object.assign(new AbortController().signal, { throwIfAborted });
    const sandbox = { mode: 'workspace-write' as const, writableRoots: [], networkAccess: false };
    const lines = ['*** Update File: folder/file', '-x', '+y', '*** Update File: other', '-x', '+y'];
    const patch = ['*** Begin Patch', ...lines, '*** End Patch'].join('\n');
    await expect(createPatcher().apply(patch, { cwd, sandbox }, signal)).rejects.toMatchObject({
      code: 'patchDoesNotApply',
      message: expect.stringMatching(
        /other: somebody else changed it just now. Written before: .*folder\/file\.$/,
      ) as string,
    });
    expect(read('other')).toBe('by somebody else\n');
  });

  it('fails where the working directory is missing', async () => {
    rmSync(cwd, { recursive: true });
    await expect(apply(['*** Add File: a', '+1'])).rejects.toMatchObject({ code: 'workspaceMissing' });
  });
});

describe('the place a patch may write', () => {
  const add = (path: string): string[] => [`*** Add File: ${path}`, '+1'];

  it.each([
    '../outside',
    '/usr/local/outside',
    'a/../../outside',
    '.git/config',
    '.GIT/config',
    'sub/.git/hooks/pre-commit',
    '.codex/config.toml',
    '.bobbin/state',
    'link-out/file',
  ])('does not contain %s', async (path) => {
    symlinkSync(root, at('link-out'));
    await expect(apply(add(path))).rejects.toMatchObject({ code: 'patchOutsideWorkspace' });
    expect(readdirSync(cwd)).toEqual(['link-out']);
    expect(readdirSync(root)).toEqual(['workspace']);
  });

  it('does not contain the target of a move or of a link to a file', async () => {
    put('a', 'x\n');
    writeFileSync(join(root, 'target'), 'x\n');
    symlinkSync(join(root, 'target'), at('link'));
    await expect(apply(['*** Update File: a', '*** Move to: ../b', '-x', '+y'])).rejects.toMatchObject({
      code: 'patchOutsideWorkspace',
    });
    await expect(apply(['*** Update File: link', '-x', '+y'])).rejects.toMatchObject({ code: 'patchOutsideWorkspace' });
    expect(readFileSync(join(root, 'target'), 'utf8')).toBe('x\n');
  });

  it('contains the writable roots, files that look like protected ones, and links that stay inside', async () => {
    mkdirSync(at('real'));
    symlinkSync('real', at('link'));
    const { changes } = await apply([...add(join(root, 'more/file')), ...add('.gitignore'), ...add('link/file')], {
      writableRoots: [join(root, 'more')],
    });
    expect(changes.map((change) => change.path)).toEqual([join(root, 'more/file'), '.gitignore', 'real/file']);
  });

  it('is empty in mode read-only and everything in mode danger-full-access', async () => {
    await expect(apply(add('a'), { mode: 'read-only' })).rejects.toMatchObject({ code: 'patchOutsideWorkspace' });
    await apply([...add('../outside'), ...add('.git/config')], { mode: 'danger-full-access' });
    expect(readFileSync(join(root, 'outside'), 'utf8')).toBe('1\n');
  });
});

describe('a folder that is swapped for a link after the patch was checked', () => {
  /** The last check of the signal comes right before the first write. */
  function swapBeforeWriting(folder: string, target: string): AbortSignal {
    let asked = 0;
    const throwIfAborted = (): void => {
      asked += 1;
      if (asked < 2) return;
      renameSync(folder, `${folder}.aside`);
      symlinkSync(target, folder);
    };
    return Object.assign(new AbortController().signal, { throwIfAborted });
  }

  it.each([
    ['adds', ['*** Add File: folder/new', '+x']],
    ['adds below', ['*** Add File: folder/deep/new', '+x']],
    ['changes', ['*** Update File: folder/file', '-x', '+y']],
    ['removes', ['*** Delete File: folder/file']],
    ['moves', ['*** Update File: folder/file', '*** Move to: folder/moved', '-x', '+y']],
  ])('is refused where the patch %s a file, and nothing is changed', async (_what, lines) => {
    const outside = join(root, 'outside');
    mkdirSync(outside);
    mkdirSync(at('folder'));
    put('folder/file', 'x\n');
    writeFileSync(join(outside, 'file'), 'x\n');
    const signal = swapBeforeWriting(at('folder'), outside);
    const sandbox = { mode: 'workspace-write' as const, writableRoots: [], networkAccess: false };
    const patch = ['*** Begin Patch', ...lines, '*** End Patch'].join('\n');
    await expect(createPatcher().apply(patch, { cwd, sandbox }, signal)).rejects.toMatchObject({
      code: 'patchDoesNotApply',
    });
    expect(readdirSync(outside)).toEqual(['file']);
    expect([readFileSync(join(outside, 'file'), 'utf8'), read('folder.aside/file')]).toEqual(['x\n', 'x\n']);
  });
});

it('does not reach /tmp, which commands have as a private folder', async () => {
  const name = `/tmp/patch-${String(process.pid)}`;
  await expect(apply([`*** Add File: ${name}`, '+1'])).rejects.toMatchObject({
    code: 'patchOutsideWorkspace',
    message: expect.stringContaining('Only commands have a /tmp') as string,
  });
  expect(existsSync(name)).toBe(false);
});

it('leaves folders alone that are for the worker only, in a sandbox, also through a link', async () => {
  mkdirSync(at('data/rules'), { recursive: true });
  symlinkSync(at('data'), at('link'));
  const write = (mode: SandboxMode, path: string) =>
    createPatcher({ closedFolders: [at('data/rules')] }).apply(
      `*** Begin Patch\n*** Add File: ${path}\n+x\n*** End Patch`,
      { cwd, sandbox: { mode, writableRoots: [], networkAccess: false } },
      new AbortController().signal,
    );
  for (const path of ['data/rules/x', 'link/rules/y/z', 'data/rules']) {
    await expect(write('workspace-write', path)).rejects.toMatchObject({ code: 'patchOutsideWorkspace' });
  }
  await write('workspace-write', 'data/ruleset');
  await write('danger-full-access', 'data/rules/x');
  expect(readdirSync(at('data/rules'))).toEqual(['x']);
  expect(readdirSync(at('data'))).toEqual(['rules', 'ruleset']);
});

describe('what commands cannot read', () => {
  const patch = (text: string, mode: SandboxMode = 'workspace-write') =>
    createPatcher({ deniedPaths: [at('secret'), at('dotfiles/.netrc'), root, at('none/yet')] }).apply(
      `*** Begin Patch\n${text}\n*** End Patch`,
      { cwd, sandbox: { mode, writableRoots: [], networkAccess: false } },
      new AbortController().signal,
    );

  it('is neither read, moved nor written by a patch, also through a link, and also before it is there', async () => {
    for (const folder of ['secret', 'dotfiles']) mkdirSync(at(folder));
    put('secret/key', 'KEY\n');
    symlinkSync(at('secret'), at('link'));
    symlinkSync(at('secret/key'), at('dotfiles/.netrc'));
    for (const text of [
      '*** Add File: secret/new\n+x',
      '*** Delete File: secret/key',
      '*** Update File: secret/key\n*** Move to: leak',
      '*** Update File: link/key\n@@\n-KEY\n+other',
      '*** Update File: dotfiles/.netrc\n@@\n-KEY\n+other',
      '*** Add File: none/yet/new\n+x',
    ])
      await expect(patch(text)).rejects.toMatchObject({ code: 'patchOutsideWorkspace' });
    expect(list()).toEqual(['dotfiles', 'dotfiles/.netrc', 'link', 'link/key', 'secret', 'secret/key']);
    expect(read('secret/key')).toBe('KEY\n');
  });

  it('does not close a workspace that lies in it, and is open to a patch with full access', async () => {
    await patch('*** Add File: a\n+x');
    await patch('*** Add File: secret/new\n+x', 'danger-full-access');
    expect(list()).toEqual(['a', 'secret', 'secret/new']);
  });
});

describe('a patch that somebody has accepted outside of the sandbox', () => {
  const patcher = createPatcher({ deniedPaths: [] });
  const text = (...paths: string[]) =>
    `*** Begin Patch\n${paths.map((path) => `*** Update File: ${path}\n@@\n-old\n+new`).join('\n')}\n*** End Patch`;
  const write = (patch: string, leads: PathLead[] = [], place = { cwd, root: cwd }) =>
    patcher.apply(
      patch,
      { ...place, leads, sandbox: { mode: 'danger-full-access', writableRoots: [], networkAccess: false } },
      new AbortController().signal,
    );
  const outside = (name: string) => join(root, name);

  beforeEach(() => {
    for (const name of ['note', 'victim', 'other']) writeFileSync(outside(name), 'old\n');
    mkdirSync(at('.git'));
    put('inside', 'old\n');
    put('.git/config', 'old\n');
  });

  it('writes what was named, and through no link that nobody was shown', async () => {
    await write(text(outside('note')));
    expect(readFileSync(outside('note'), 'utf8')).toBe('new\n');
    symlinkSync(outside('victim'), at('link'));
    symlinkSync(at('.git/config'), at('protected'));
    symlinkSync(root, at('folder'));
    for (const path of ['link', 'folder/victim', at('folder/victim'), 'protected'])
      await expect(write(text(outside('other'), path))).rejects.toMatchObject({
        code: 'patchOutsideWorkspace',
        message: expect.stringContaining('which nobody was shown') as string,
      });
    for (const path of [outside('victim'), outside('other'), at('.git/config')])
      expect(readFileSync(path, 'utf8')).toBe('old\n');
  });

  it('goes where its links led when it was shown, and nowhere else', async () => {
    symlinkSync(outside('victim'), at('link'));
    const leads = patcher.leads(text('link', 'inside', outside('note')), cwd);
    expect(leads).toEqual([{ path: at('link'), to: outside('victim') }]);
    await write(text('link'), leads);
    expect(readFileSync(outside('victim'), 'utf8')).toBe('new\n');
    rmSync(at('link'));
    symlinkSync(outside('other'), at('link'));
    await expect(write(text('link'), leads)).rejects.toMatchObject({ code: 'patchOutsideWorkspace' });
    expect(readFileSync(outside('other'), 'utf8')).toBe('old\n');
  });

  it('follows links inside of the workspace, and one that the workspace is reached by', async () => {
    symlinkSync(cwd, outside('way'));
    symlinkSync('inside', at('link'));
    const way = outside('way');
    expect(patcher.leads(text('link', 'inside'), way)).toEqual([{ path: join(way, 'link'), to: join(way, 'inside') }]);
    await write(text('link', join(way, '.git/config')), [], { cwd: way, root: cwd });
    expect([read('inside'), read('.git/config')]).toEqual(['new\n', 'new\n']);
    expect(patcher.leads('no patch', cwd)).toEqual([]);
  });
});
