import { describe, expect, it } from 'vitest';
import type { KnownFinding, ReviewFinding } from '../../src/contract/index.ts';
import type { Ports } from '../ports.ts';
import { observeFindings, trackFindings } from './observe.ts';

const { signal } = new AbortController();
const HEAD = 'a'.repeat(40);

function finding(path: string, start: number, end = start, inRepository = true): ReviewFinding {
  const codeLocation = { path, lineRange: { start, end }, inRepository, inDiff: true };
  return { title: 'a title', body: 'a body', confidenceScore: 0.5, priority: 1, codeLocation };
}

async function observe(files: Record<string, string>, ...findings: ReviewFinding[]) {
  const readFiles: Ports['git']['readFiles'] = (_cwd, _commit, paths) =>
    Promise.resolve(new Map(Object.entries(files).filter(([path]) => paths.includes(path))));
  const git = { readFiles, track: () => Promise.reject(new Error('not asked for')) };
  return observeFindings({ git }, { cwd: '/repo', head: HEAD, findings }, signal);
}

const FILE = ['one', 'two', '', 'three', 'four', 'five', 'six', 'seven'].join('\n');

describe('a finding that is observed', () => {
  it('has the lines of its place and a few around them', async () => {
    const [one] = await observe({ 'a.ts': FILE }, finding('a.ts', 5));
    expect(one).toMatchObject({
      ...{ title: 'a title', body: 'a body', priority: 1, confidenceScore: 0.5 },
      location: { path: 'a.ts', startLine: 5, endLine: 5 },
      code: { text: 'two\n\nthree\nfour\nfive\nsix\nseven', startLine: 2 },
    });
  });

  it('has the same hashes wherever its code stands and however it is indented, and others where it is another', async () => {
    const moved = FILE.replaceAll(/^(?=.)/gm, '\t').replace('two', 'two\n\n\n');
    const files = {
      'a.ts': FILE,
      'b.ts': moved,
      'c.ts': FILE.replace('four', '4'),
      'd.ts': FILE.replace('three', '3'),
    };
    const [a, b, c, d] = await observe(
      files,
      finding('a.ts', 5),
      finding('b.ts', 8),
      finding('c.ts', 5),
      finding('d.ts', 5),
    );
    expect([b?.codeHash, b?.context]).toEqual([a?.codeHash, a?.context]);
    expect(c?.codeHash).not.toBe(a?.codeHash);
    expect(c?.context).toEqual(a?.context);
    expect(d?.context).toEqual({
      before: expect.not.stringMatching(a?.context.before ?? '') as string,
      after: a?.context.after,
    });
  });

  it('goes to the last line of its file at the most, and has no code if there is none', async () => {
    const [whole, beyond, blank, missing, outside] = await observe(
      { 'a.ts': `${FILE}\n` },
      finding('a.ts', 1, 1_000_000),
      finding('a.ts', 100),
      finding('a.ts', 3),
      finding('gone.ts', 1),
      finding('/etc/passwd', 1, 1, false),
    );
    expect(whole).toMatchObject({ location: { endLine: 8 }, context: { before: null, after: null } });
    expect(beyond).toMatchObject({ location: { startLine: 8, endLine: 8 }, code: null, codeHash: null });
    expect(blank).toMatchObject({ codeHash: null, context: { before: whole && (expect.any(String) as string) } });
    expect(missing).toMatchObject({ location: { path: 'gone.ts' }, code: null, codeHash: null });
    expect(outside).toMatchObject({ location: null, code: null, codeHash: null });
  });

  it('shows no more of long lines and long places than a page holds', async () => {
    const long = `${'x'.repeat(10_000)}\n`.repeat(1_000);
    const [one] = await observe({ 'a.ts': long }, finding('a.ts', 1, 1_000));
    expect(one?.code?.text.length).toBeLessThan(6_000);
  });
});

describe('known findings', () => {
  it('are followed from the commits in which they have their places; what has none is left out', async () => {
    const known = (findingId: string, startLine: number | null): KnownFinding => ({
      ...{ findingId, fingerprint: '', title: '', state: 'open', head: findingId.repeat(20) },
      location: startLine === null ? null : { path: 'a.ts', startLine, endLine: startLine },
    });
    const asked: unknown[] = [];
    const git = {
      readFiles: () => Promise.reject(new Error('not asked for')),
      track: ((_cwd, head, places) => {
        asked.push(head, places);
        return Promise.resolve([{ location: null, near: null, changed: true, gone: true }, null]);
      }) satisfies Ports['git']['track'],
    };
    const all = [known('f1', 1), known('f2', null), known('f3', 3)];
    const tracked = await trackFindings({ git }, { cwd: '/repo', head: HEAD, known: all }, signal);
    expect(tracked).toEqual([{ findingId: 'f1', location: null, near: null, changed: true, gone: true }]);
    expect(asked).toEqual([
      HEAD,
      [
        { head: 'f1'.repeat(20), location: { path: 'a.ts', startLine: 1, endLine: 1 } },
        { head: 'f3'.repeat(20), location: { path: 'a.ts', startLine: 3, endLine: 3 } },
      ],
    ]);
  });
});
