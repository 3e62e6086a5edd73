import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FindingLocation } from '../../contract/index.ts';
import { createGit } from './git.ts';
import { type TestRepository, openRepository } from './test-repository.ts';

const git = createGit({ directory: '/nonexistent' });
const { signal } = new AbortController();
const numbered = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, n) => `const line${from + n} = ${from + n};\n`).join('');

let repository: TestRepository;
beforeEach(() => {
  repository = openRepository({
    'src/a.ts': numbered(1, 20),
    'src/b.ts': numbered(101, 120),
    'name with a blank.ts': numbered(201, 210),
    'kept.ts': 'kept\n',
    'picture.png': Buffer.from([0, 1, 2, 255]).toString('latin1'),
  });
});
afterEach(() => repository.close());

function commit(): string {
  repository.git('add', '-A');
  repository.git('commit', '-q', '-m', 'Change');
  return head();
}

function head(): string {
  return repository.git('rev-parse', 'HEAD').trim();
}

const place = (path: string, startLine: number, endLine = startLine): FindingLocation => ({ path, startLine, endLine });

describe('places that are followed', () => {
  it('move with their lines, through a new name, a new indent, and changes around them', async () => {
    const from = head();
    repository.git('mv', 'src/b.ts', 'src/renamed.ts');
    repository.write('src/renamed.ts', `// new\n// new\n${numbered(101, 112)}${numbered(115, 120)}`);
    repository.write('src/a.ts', `if (x) {\n${numbered(1, 20).replace(/^/gm, '    ')}}\n`);
    repository.write('name with a blank.ts', numbered(205, 210));
    const now = commit();
    const locations = [
      place('src/a.ts', 3, 4),
      place('src/b.ts', 110),
      place('src/b.ts', 1, 2),
      place('src/b.ts', 13),
      place('src/b.ts', 18),
      place('name with a blank.ts', 6),
      place('name with a blank.ts', 2),
      place('kept.ts', 1),
    ];
    const tracked = await git.track(
      repository.root,
      now,
      locations.map((location) => ({ head: from, location })),
      signal,
    );
    expect(tracked.map((one) => one?.location)).toEqual([
      place('src/a.ts', 4, 5),
      place('src/renamed.ts', 110),
      place('src/renamed.ts', 3, 4),
      null,
      place('src/renamed.ts', 18),
      place('name with a blank.ts', 2),
      null,
      place('kept.ts', 1),
    ]);
  });

  it('are gone with their file, and lead to what took the place of their lines', async () => {
    const from = head();
    repository.remove('src/b.ts');
    repository.write('src/a.ts', numbered(1, 20).replace('const line7 = 7;', 'const other = 7;\nconst more = 8;'));
    const now = commit();
    const places = [place('src/b.ts', 3), place('src/a.ts', 7)].map((location) => ({ head: from, location }));
    expect(await git.track(repository.root, now, places, signal)).toEqual([
      { location: null, near: null, changed: true, gone: true },
      { location: null, near: place('src/a.ts', 7, 8), changed: true, gone: false },
    ]);
  });

  it('are changed where their lines are, and not where others are put in above them or they are only indented anew', async () => {
    const from = head();
    repository.write(
      'src/a.ts',
      `// header\n// header\n${numbered(1, 20).replace('const line7 = 7;', 'const line7 = 8;')}`,
    );
    repository.write('src/b.ts', numbered(101, 120).replaceAll(/^/gm, '  '));
    const now = commit();
    const places = [place('src/a.ts', 6), place('src/a.ts', 6, 7), place('src/b.ts', 3, 9)];
    const tracked = await git.track(
      repository.root,
      now,
      places.map((location) => ({ head: from, location })),
      signal,
    );
    expect(tracked).toEqual([
      { location: place('src/a.ts', 8), near: null, changed: false, gone: false },
      { location: place('src/a.ts', 8), near: null, changed: true, gone: false },
      { location: place('src/b.ts', 3, 9), near: null, changed: false, gone: false },
    ]);
  });

  it('follow their code to where it was moved: below in the file, to a new file, and into one that was there', async () => {
    const from = head();
    const lines = numbered(1, 20).split('\n');
    repository.write('src/a.ts', [...lines.slice(5, 20), ...lines.slice(0, 5), ''].join('\n'));
    repository.write('src/b.ts', numbered(101, 115));
    repository.write('src/new.ts', `function moved() {\n${numbered(116, 117).replaceAll(/^/gm, '  ')}}\n`);
    repository.write('kept.ts', `kept\n${numbered(118, 120)}`);
    const now = commit();
    const places = [place('src/a.ts', 2, 3), place('src/b.ts', 16, 17), place('src/b.ts', 19)];
    const tracked = await git.track(
      repository.root,
      now,
      places.map((location) => ({ head: from, location })),
      signal,
    );
    expect(tracked.map((one) => [one?.location, one?.gone])).toEqual([
      [place('src/a.ts', 17, 18), false],
      [place('src/new.ts', 2, 3), false],
      [place('kept.ts', 3), false],
    ]);
  });

  it('are not known where their commit is gone; others are followed from a folder below, and in a bare copy', async () => {
    const from = head();
    repository.write('src/a.ts', `// new\n${numbered(1, 20)}`);
    const now = commit();
    const places = [
      { head: 'f'.repeat(40), location: place('src/a.ts', 1) },
      { head: from, location: place('src/a.ts', 1) },
      { head: now, location: place('src/a.ts', 1) },
    ];
    const expected = [
      null,
      { location: place('src/a.ts', 2), near: null, changed: false, gone: false },
      { location: place('src/a.ts', 1), near: null, changed: false, gone: false },
    ];
    expect(await git.track(join(repository.root, 'src'), now, places, signal)).toEqual(expected);
    const bare = join(repository.root, '..', 'bare.git');
    execFileSync('git', ['clone', '-q', '--bare', repository.root, bare]);
    expect(await git.track(bare, now, places, signal)).toEqual(expected);
  });
});

describe('files of a commit', () => {
  it('are read as they were in it, and left out where there is no such file', async () => {
    const from = head();
    repository.write('kept.ts', 'changed\n');
    repository.write('ümläut "x".ts', 'ü\n');
    repository.write('huge.txt', 'x'.repeat(2 * 1024 * 1024 + 1));
    mkdirSync(join(repository.root, 'folder'));
    const now = commit();
    const read = (at: string, ...paths: string[]) => git.readFiles(join(repository.root, 'src'), at, paths, signal);
    const before = await read(from, 'kept.ts', 'src', 'missing.ts', 'a\nb', '', 'src/a.ts', 'kept.ts');
    expect([...before]).toEqual([
      ['kept.ts', 'kept\n'],
      ['src/a.ts', numbered(1, 20)],
    ]);
    expect([...(await read(now, 'huge.txt', 'kept.ts', 'ümläut "x".ts'))]).toEqual([
      ['kept.ts', 'changed\n'],
      ['ümläut "x".ts', 'ü\n'],
    ]);
  });
});
