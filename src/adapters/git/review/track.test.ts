import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FindingLocation } from '../../../contract/index.ts';
import { createGit } from '../git.ts';
import { type TestRepository, openRepository } from '../test-repository.ts';

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

  describe('of code that no longer stands in its place', () => {
    const code = ['function one(a) {', '  const x = unsafe(a);', '  return x.y;', '}', ''].join('\n');
    const rest = ['function two(b) {', '  log(b);', '  return b;', '}', ''].join('\n');
    const block = ['if (a) {', '  free(p);', '}', ''].join('\n');
    const follow = async (location: FindingLocation, change: () => void) => {
      const from = head();
      change();
      const [tracked] = await git.track(repository.root, commit(), [{ head: from, location }], signal);
      return tracked;
    };
    const elsewhere = (near: FindingLocation, more = {}) => ({
      ...{ location: null, near, changed: true, gone: false, ...more },
    });
    beforeEach(() => {
      repository.write('code.js', `${code}\n${rest}`);
      repository.write('twice.c', `head();\n\n${block}\n${block}\ntail();\n`);
      repository.write('blank.js', 'f() {\n\n  x = unsafe(a)\n}\n');
      commit();
    });
    const CASES: Record<string, [FindingLocation, () => void, unknown]> = {
      'are not gone if the same code stands in the file, or in one that did not change': [
        place('twice.c', 7, 9),
        () => repository.write('twice.c', `head();\n\n${block}\ntail();\n`),
        elsewhere(place('twice.c', 3, 5), { whole: true }),
      ],
      'are not gone with a blank line, or with punctuation': [
        place('blank.js', 2),
        () => repository.write('blank.js', 'f() {\n  x = unsafe(a)\n}\n'),
        { location: null, near: null, changed: true, gone: false },
      ],
      'are where their lines stand with others between them': [
        place('code.js', 2, 3),
        () => {
          repository.write('other.js', code.replace('  return', '  // why\n  return'));
          repository.write('code.js', rest);
        },
        elsewhere(place('other.js', 2, 4), { whole: true }),
      ],
      'are not gone if each line stands in another file': [
        place('code.js', 2, 3),
        () => {
          repository.write('b1.js', '  const x = unsafe(a);\n');
          repository.write('b2.js', '  return x.y;\n');
          repository.write('code.js', rest);
        },
        elsewhere(place('b1.js', 1)),
      ],
      'are not gone if one line stands in another file, or elsewhere in theirs': [
        place('code.js', 2, 3),
        () => {
          repository.write('other.js', code.replace('x.y', 'x.z'));
          repository.write('code.js', rest);
        },
        elsewhere(place('other.js', 2)),
      ],
      'are gone if no line stands, whatever punctuation does': [
        place('code.js', 2, 4),
        () => repository.remove('code.js'),
        { location: null, near: null, changed: true, gone: true },
      ],
    };
    it.each(Object.entries(CASES))('%s', async (_name, [location, change, expected]) => {
      expect(await follow(location, change)).toEqual(expected);
    });

    it('are not gone if a file that did not change has the same code, also below another folder', async () => {
      repository.write('deep/copy.js', code);
      commit();
      const tracked = await follow(place('code.js', 2, 3), () => repository.remove('code.js'));
      expect(tracked).toEqual(elsewhere(place('deep/copy.js', 2, 3), { whole: true }));
    });

    it('are not gone if not every file can be searched', async () => {
      const from = head();
      repository.remove('code.js');
      const now = commit();
      const { stdout } = { stdout: repository.git('rev-parse', 'HEAD:kept.ts').trim() };
      repository.remove(join('.git', 'objects', stdout.slice(0, 2), stdout.slice(2)));
      const [tracked] = await git.track(repository.root, now, [{ head: from, location: place('code.js', 2) }], signal);
      expect(tracked).toEqual({ location: null, near: null, changed: true, gone: false });
    });
  });

  it('move in a file whose name is no text, or ends in a blank', async () => {
    const name = Buffer.concat([Buffer.from(`${repository.root}/x`), Buffer.from([0xff]), Buffer.from('.js')]);
    writeFileSync(name, numbered(1, 9));
    repository.write('blank .js ', numbered(11, 19));
    const from = commit();
    writeFileSync(name, `// new\n${numbered(1, 9)}`);
    repository.write('blank .js ', `// new\n${numbered(11, 19)}`);
    const now = commit();
    const places = ['x\ufffd.js', 'blank .js '].map((path) => ({ head: from, location: place(path, 2, 3) }));
    const tracked = await git.track(repository.root, now, places, signal);
    expect(tracked.map((one) => one?.location)).toEqual([place('x\ufffd.js', 3, 4), place('blank .js ', 3, 4)]);
    expect((await git.readFiles(repository.root, from, ['x\ufffd.js'], signal)).get('x\ufffd.js')).toBe(numbered(1, 9));
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
