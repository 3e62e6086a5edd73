/** Batches of reviews, on the real service. */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchHandle } from '../src/client/index.ts';
import type { BatchRow, BatchTarget, StartBatch } from '../src/contract/index.ts';
import { type Stand, openStand } from './stand.ts';

let stand: Stand;
beforeAll(async () => {
  stand = await openStand();
});
afterAll(() => stand.close());

const git = (cwd: string, ...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.invalid', ...args], { cwd, encoding: 'utf8' });

function write(cwd: string, path: string, text: string | Buffer): void {
  mkdirSync(dirname(join(cwd, path)), { recursive: true });
  writeFileSync(join(cwd, path), text);
}

function commit(cwd: string, files: Record<string, string | Buffer>): string {
  for (const [path, text] of Object.entries(files)) write(cwd, path, text);
  git(cwd, 'add', '-A');
  git(cwd, 'commit', '-q', '-m', 'Change');
  return git(cwd, 'rev-parse', 'HEAD').trim();
}

/** A repository of this test alone, with one commit. */
function makeRepository(files: Record<string, string | Buffer> = { 'a.ts': 'one\n// TODO: two\n' }): string {
  const cwd = join(stand.data, `repo-${randomUUID()}`);
  mkdirSync(cwd, { recursive: true });
  git(cwd, 'init', '-q', '-b', 'main');
  commit(cwd, files);
  return cwd;
}

async function runBatch(targets: BatchTarget[], settings: Partial<StartBatch> = {}) {
  const batch = await stand.bobbin.batches.start({ targets, ...settings });
  const view = await batch.follow();
  return { batch, view, rows: await rowsOf(batch) };
}

async function rowsOf(batch: BatchHandle): Promise<BatchRow[]> {
  const rows: BatchRow[] = [];
  for await (const row of batch.rows()) rows.push(row);
  return rows;
}

describe('a batch', () => {
  it('reviews its targets, keeps what was found in their ledgers, and does not pay twice for the same', async () => {
    const [first, second] = [makeRepository(), makeRepository({ 'b.ts': 'fine\n' })];
    const targets = [{ repository: first }, { repository: second }];
    const { view, rows, batch } = await runBatch(targets);

    expect(view).toMatchObject({ status: 'completed', counts: { reviewed: 2 }, findings: { new: 1 } });
    expect(rows.map(({ outcome }) => outcome)).toMatchObject([
      { status: 'reviewed', full: true, counts: { new: 1 }, filesLeftOut: 0 },
      { status: 'reviewed', full: true, counts: { new: 0 } },
    ]);
    expect(view.spent.tokens).toBeGreaterThan(0);
    const { targets: recorded } = await batch.record();
    expect(recorded[0]?.ledger?.findings).toMatchObject([{ state: 'open', location: { path: 'a.ts', startLine: 2 } }]);

    const asked = stand.model.requests.length;
    const again = await runBatch(targets);
    expect(again.rows.map(({ outcome }) => outcome)).toMatchObject([
      { status: 'skipped', reason: 'alreadyReviewed' },
      { status: 'skipped', reason: 'alreadyReviewed' },
    ]);
    expect(stand.model.requests).toHaveLength(asked);

    const before = git(first, 'rev-parse', 'HEAD').trim();
    const head = commit(first, { 'c.ts': 'console.log(1)\n' });
    const third = await runBatch(targets);
    expect(third.rows[0]?.outcome).toMatchObject({
      status: 'reviewed',
      full: false,
      base: before,
      head,
      counts: { new: 1 },
    });
    expect(third.rows[1]?.outcome).toMatchObject({ status: 'skipped' });
  });
});
