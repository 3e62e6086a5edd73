/** What it takes for a finding to count as fixed, from real commits to the ledger. */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchRow, LedgerFinding, StartBatch } from '../../src/contract/index.ts';
import { REPORT_FORMATS, toReport } from '../../src/reports/report.ts';
import { commit, git, makeRepository } from '../parts/repositories.ts';
import { type TestEnvironment, openEnvironment } from '../environment.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment();
});
afterAll(() => environment.close());

const HEADER = Array.from({ length: 5 }, (_, line) => `// header ${line}\n`).join('');
const TWO = 'one\n// TODO: two\nthree\n// FIXME: four\nfive\n';

interface Reviewed {
  outcome: BatchRow['outcome'] | undefined;
  findings: LedgerFinding[];
}

async function review(repository: string, settings: Partial<StartBatch> = {}): Promise<Reviewed> {
  const batch = await environment.bobbin.batches.start({ targets: [{ repository }], ...settings });
  await batch.follow();
  const [target] = (await batch.record()).targets;
  return { outcome: target?.row.outcome, findings: target?.ledger?.findings ?? [] };
}

const placesOf = ({ findings }: Reviewed) =>
  findings.map(({ state, location }) => [state, location?.path, location?.startLine]).sort();

describe('lines that are put in above two findings', () => {
  it('fix nothing: the nightly run has both still there, moved, and a full pass finds them there', async () => {
    const repository = makeRepository(join(environment.data, '..', `repo-${randomUUID()}`), { 'a.ts': TWO });
    expect((await review(repository)).outcome).toMatchObject({ counts: { new: 2 } });
    commit(repository, { 'a.ts': `${HEADER}${TWO}` });
    const moved = [
      ['open', 'a.ts', 7],
      ['open', 'a.ts', 9],
    ];
    const nightly = await review(repository);
    expect(nightly.outcome).toMatchObject({ full: false, counts: { new: 0, unchanged: 2, fixed: 0 } });
    expect(placesOf(nightly)).toEqual(moved);
    const full = await review(repository, { fullPassEvery: 1 });
    expect(full.outcome).toMatchObject({ status: 'reviewed', full: true, counts: { new: 0, unchanged: 2, fixed: 0 } });
    expect(placesOf(full)).toEqual(moved);
  });
});

describe('a finding whose lines were changed', () => {
  const CHANGED = TWO.replace('// FIXME: four', '// FIXME: four, later');

  const answer = (known: string) =>
    `say: {"findings":[],"known_findings":[${known}],"overall_correctness":"patch is correct"}`;

  it.each([
    ['stays where its reviewer is silent', answer(''), 'open'],
    ['stays where its reviewer cannot say', answer('{"id":"f1","verdict":"cannot_say"}'), 'open'],
    ['stays where its reviewer sees it there', answer('{"id":"f1","verdict":"still_there"}'), 'open'],
    [
      'is fixed where its reviewer says so',
      answer('{"id":"f1","verdict":"fixed"},{"id":"f2","verdict":"fixed"}'),
      'fixed',
    ],
  ])('%s', async (_what, instructions, state) => {
    const repository = makeRepository(join(environment.data, '..', `repo-${randomUUID()}`), { 'a.ts': TWO });
    const { findings } = await review(repository);
    expect(findings.map(({ findingId }) => findingId).sort()).toEqual(['f1', 'f2']);
    commit(repository, { 'a.ts': CHANGED });
    const second = await review(repository, { instructions });
    const found = (id: string) => second.findings.find(({ findingId }) => findingId === id);
    expect(found('f1')).toMatchObject({ state, location: { path: 'a.ts', startLine: 4 } });
    // Nobody touched the line of the other one, whatever the reviewer says.
    expect(found('f2')).toMatchObject({ state: 'open', change: 'unchanged' });
  });

  it('is gone with its file; one whose function went to another file is there', async () => {
    const repository = makeRepository(join(environment.data, '..', `repo-${randomUUID()}`), {
      'a.ts': TWO,
      'b.ts': '// FIXME: b\n',
    });
    expect((await review(repository)).outcome).toMatchObject({ counts: { new: 3 } });
    git(repository, 'rm', '-q', 'a.ts', 'b.ts');
    const silent = { instructions: 'say: {"findings":[],"overall_correctness":"patch is correct"}' };
    commit(repository, { 'c.ts': 'zero\n// FIXME: four\n' });
    const second = await review(repository, silent);
    expect(placesOf(second)).toEqual([
      ['fixed', 'a.ts', 2],
      ['fixed', 'b.ts', 1],
      ['open', 'c.ts', 2],
    ]);
  });
});

describe('a full pass', () => {
  it('of one run is made by --full-pass, also if nothing is new; without it nothing is', async () => {
    const repository = makeRepository(join(environment.data, '..', `repo-${randomUUID()}`), { 'a.ts': TWO });
    await review(repository);
    expect((await review(repository)).outcome).toMatchObject({ status: 'skipped', open: 2 });
    const outcome = { status: 'reviewed', full: true, open: 2, counts: { new: 0, unchanged: 2, fixed: 0 } };
    expect((await review(repository, { fullPass: true })).outcome).toMatchObject(outcome);
    expect((await review(repository)).outcome).toMatchObject({ status: 'skipped' });
  });
});

describe('a folder that is moved while a review looks at it', () => {
  it.each([
    ['to another commit', (cwd: string) => git(cwd, 'checkout', '-q', 'HEAD~1')],
    ['by an edit', (cwd: string) => writeFileSync(join(cwd, 'a.ts'), 'edited\n')],
  ])('%s fails the row, and the next run reviews it again', async (_how, move) => {
    const repository = makeRepository(join(environment.data, '..', `repo-${randomUUID()}`), { 'a.ts': 'one\n' });
    commit(repository, { 'a.ts': TWO });
    const batch = await environment.bobbin.batches.start({
      targets: [{ repository, branch: 'main' }],
      instructions: 'run: until test -e moved; do sleep 0.1; done',
    });
    await environment.model.waitForRequest(({ body }) => JSON.stringify(body).includes(batch.batchId));
    move(repository);
    writeFileSync(join(repository, 'moved'), '');
    await batch.follow();
    const [target] = (await batch.record()).targets;
    expect(target?.row.outcome).toMatchObject({ status: 'failed', code: 'reviewMoved' });
    git(repository, 'checkout', '-qf', 'main');
    expect((await review(repository)).outcome).toMatchObject({ status: 'reviewed', counts: { new: 2 } });
  });
});

describe('the record of a batch', () => {
  it('is closed with it: neither a dismissal nor a later run changes what its reports say', async () => {
    const repository = makeRepository(join(environment.data, '..', `repo-${randomUUID()}`), { 'a.ts': TWO });
    const batch = await environment.bobbin.batches.start({
      targets: [{ repository }, { repository: '/nowhere/at/all' }],
    });
    await batch.follow();
    const before = await batch.record();
    const reports = REPORT_FORMATS.map((format) => toReport(before, format));
    const { targetId = '' } = before.targets[0]?.row ?? {};
    await environment.bobbin.ledgers.get(targetId).dismiss({ findingId: 'f1', by: 'ann', why: 'by design' });
    commit(repository, { 'a.ts': `${HEADER}one\n`, 'b.ts': 'console.log(1)\n' });
    expect((await review(repository)).outcome).toMatchObject({ open: 1, counts: { new: 1, fixed: 1 } });
    const after = await batch.record();
    expect(after).toEqual(before);
    expect(REPORT_FORMATS.map((format) => toReport(after, format))).toEqual(reports);
  });
});
