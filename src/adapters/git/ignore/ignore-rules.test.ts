import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isIgnored, parseIgnoreFile } from './ignore-rules.ts';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'bobbin-ignore-'));
  execFileSync('git', ['init', '-q'], { cwd: root });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** The paths that git ignores. None of them exists, so each counts as a file. */
function ignoredByGit(rules: string, paths: readonly string[]): string[] {
  writeFileSync(join(root, '.gitignore'), rules);
  const input = paths.map((path) => `${path}\0`).join('');
  const { stdout } = spawnSync('git', ['check-ignore', '--no-index', '-z', '--stdin'], { cwd: root, input });
  return stdout.toString().split('\0').filter(Boolean);
}

/** Like a walk, which never asks about a path in an ignored folder. */
function ignoredByUs(rules: string, paths: readonly string[]): string[] {
  const files = [parseIgnoreFile(rules, '')];
  return paths.filter((path) => {
    const names = path.split('/');
    const folders = names.slice(0, -1).map((_, depth) => names.slice(0, depth + 1).join('/'));
    return folders.some((folder) => isIgnored(files, folder, true)) || isIgnored(files, path, false);
  });
}

describe('rules of what is ignored', () => {
  it('mean what they mean to git', () => {
    const name = fc.constantFrom('a', 'b', 'ab', 'a.b', '!a', '#a', 'a b', '[a', 'a-b', 'é');
    const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'));
    const glob = fc.constantFrom(
      ...['a', 'b', '*', '?', 'a*', '*b', '*.b', '**', '[ab]', '[!a]', '[a-b]*', '\\*', '\\!a', '\\#a', 'a**b'],
      ...['[[:alpha:]]', '[a', 'a\\ ', '[]a]', '!a', '#a', 'é'],
    );
    const pattern = fc
      .tuple(
        fc.constantFrom('', '!', '/'),
        fc.array(glob, { minLength: 1, maxLength: 3 }),
        fc.constantFrom('', '/', ' ', '\r'),
      )
      .map(([start, globs, end]) => `${start}${globs.join('/')}${end}`);
    const cases = fc.tuple(fc.array(pattern, { maxLength: 5 }), fc.array(path, { minLength: 1, maxLength: 20 }));
    fc.assert(
      fc.property(cases, ([patterns, paths]) => {
        const [rules, unique] = [`${patterns.join('\n')}\n`, [...new Set(paths)]];
        const ours = ignoredByUs(Buffer.from(rules).toString('latin1'), unique.map(toRaw)).map(fromRaw);
        expect(ours).toEqual(ignoredByGit(rules, unique));
      }),
      { numRuns: 150 },
    );
  }, 60_000);

  it('with slashes in sets and behind backslashes mean what they mean to git', () => {
    const paths = ['a', 'b', 'a/b', 'x/a'];
    for (const rule of ['[a/[ab]', '[a/b]', 'a\\/b', '/[!/]', 'x/[/a]', '[a/b', '[^/]/b'])
      expect(ignoredByUs(`${rule}\n`, paths), rule).toEqual(ignoredByGit(`${rule}\n`, paths));
  });

  it('that are made to be slow are not', () => {
    const rules = parseIgnoreFile(`${'a*'.repeat(200)}b\n${'**/a/'.repeat(100)}b\n`, '');
    const since = process.cpuUsage();
    for (let n = 0; n < 100; n++) isIgnored([rules], `${'a/'.repeat(200)}${'a'.repeat(200)}`, false);
    expect(process.cpuUsage(since).user).toBeLessThan(5_000_000);
  });
});

const toRaw = (path: string) => Buffer.from(path).toString('latin1');
const fromRaw = (path: string) => Buffer.from(path, 'latin1').toString();
