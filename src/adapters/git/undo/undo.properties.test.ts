import { chmodSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { createGit } from '../git.ts';
import { type TestRepository, openRepository } from '../test-repository.ts';

const data = mkdtempSync(join(tmpdir(), 'bobbin-undo-properties-'));
afterAll(() => rmSync(data, { recursive: true, force: true }));
const git = createGit({ directory: data });
const { signal } = new AbortController();

const PATHS = ['a.txt', 'b.txt', 'sub/c.txt', 'sub/deep/d.txt', 'module/inner.txt', 'out/e.txt', 'link', 'new/f.bin'];
const LINES = ['1', '2', '3', '4', '5', '6', '7', '8'];

interface Deed {
  path: string;
  what: 'text' | 'crlf' | 'binary' | 'remove' | 'link' | 'mode' | 'folder';
  line: number;
}
const deeds = fc.array(
  fc.record({
    path: fc.constantFrom(...PATHS),
    what: fc.constantFrom<Deed['what']>('text', 'text', 'crlf', 'binary', 'remove', 'link', 'mode', 'folder'),
    line: fc.nat(LINES.length - 1),
  }),
  { maxLength: 6 },
);

function does(repository: TestRepository, who: string, { path, what, line }: Deed): void {
  const full = join(repository.root, path);
  const there = lstatSync(full, { throwIfNoEntry: false });
  if (what === 'mode') {
    if (there?.isFile() === true) chmodSync(full, 0o755);
    return;
  }
  rmSync(full, { recursive: true, force: true });
  if (what === 'remove') return;
  const around = lstatSync(dirname(full), { throwIfNoEntry: false });
  if (around !== undefined && !around.isDirectory()) return;
  const lines = LINES.map((text, n) => (n === line ? `${text} ${who}` : text));
  if (what === 'text') repository.write(path, `${lines.join('\n')}\n`);
  if (what === 'crlf') repository.write(path, `${lines.join('\r\n')}\r\n`);
  if (what === 'binary') repository.write(path, Buffer.from([0, line, who.length]));
  if (what === 'link') {
    mkdirSync(dirname(full), { recursive: true });
    symlinkSync(`to-${who}-${line}`, full);
  }
  if (what === 'folder') repository.write(`${path}/${who}.txt`, 'in a folder\n');
}

describe('undo, whatever a turn and a person did', () => {
  it('leaves every path that the turn did not touch as it is, and accounts for every other', async () => {
    await fc.assert(
      fc.asyncProperty(deeds, deeds, deeds, async (first, turn, since) => {
        const committed = Object.fromEntries(PATHS.slice(0, 6).map((path) => [path, `${LINES.join('\n')}\n`]));
        const repository = openRepository({ ...committed, '.gitattributes': '* text=auto\n' });
        try {
          repository.git('config', 'core.autocrlf', 'true');
          repository.git('sparse-checkout', 'set', '--no-cone', '/*', '!/out/');
          for (const deed of first) does(repository, 'before', deed);
          const cwd = repository.root;
          const start = repository.files();
          const before = await git.snapshot(cwd, null, signal);
          if (before.status !== 'taken') throw new Error(before.reason);
          for (const deed of turn) does(repository, 'turn', deed);
          const left = repository.files();
          const after = await git.snapshot(cwd, before.commit, signal);
          if (after.status !== 'taken') throw new Error(after.reason);
          for (const deed of since) does(repository, 'since', deed);
          const now = repository.files();
          const request = { cwd, before: before.commit, after: after.commit, preview: false, keepAs: null };
          const preview = await git.revert({ ...request, preview: true }, signal);
          expect(repository.files()).toEqual(now);
          const { paths } = await git.revert(request, signal);
          expect(paths).toEqual(preview.paths);
          const end = repository.files();
          const outcomes = new Map(paths.map(({ path, outcome }) => [path, outcome]));
          for (const path of new Set([start, left, now, end].flatMap(Object.keys))) {
            const touched = start[path] !== left[path];
            expect(outcomes.has(path), path).toBe(touched);
            if (!touched || outcomes.get(path) === 'kept') expect(end[path], path).toBe(now[path]);
            if (touched && now[path] === left[path] && outcomes.get(path) !== 'kept')
              expect(end[path], path).toBe(start[path]);
          }
        } finally {
          repository.close();
        }
      }),
      { numRuns: 12 },
    );
  }, 120_000);
});
