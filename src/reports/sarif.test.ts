import { readFileSync } from 'node:fs';
import type { Result, Run } from 'sarif';
import { describe, expect, it } from 'vitest';
import type { LedgerFinding, ReviewRecord } from '../contract/index.ts';
import { toSarif } from './sarif.ts';
import { SAMPLE_RECORD, aFinding, aLedger, aRecord, aTarget, reviewed, runsOf } from './test-record.ts';
import { TOOL } from './tool.ts';

function runs(record: ReviewRecord): Run[] {
  return toSarif(record, 'all').runs;
}

function resultOf(finding: LedgerFinding): Result {
  const results = runs(aRecord([aTarget(0, reviewed(), aLedger('a', [finding], runsOf(0, [1])))]))[0]?.results;
  expect(results).toHaveLength(1);
  return results![0]!;
}

describe('SARIF', () => {
  it('has one run for each target, with its repository, branch and commit', () => {
    expect(runs(SAMPLE_RECORD).map(({ versionControlProvenance }) => versionControlProvenance?.[0])).toMatchObject(
      [
        { repositoryUri: 'https://git.example.com/shop/checkout.git', branch: 'main', revisionId: /^[0-9a-f]{40}$/ },
        { repositoryUri: 'ssh://git@git.example.com/shop/search.git', branch: 'main' },
        { repositoryUri: 'https://git.example.com/shop/legacy.git' },
        { repositoryUri: 'file:///srv/repositories/warehouse', branch: 'develop' },
        { repositoryUri: 'file:///srv/repositories/mail' },
      ].map((expected) =>
        'revisionId' in expected
          ? { ...expected, revisionId: expect.stringMatching(expected.revisionId) as string }
          : expected,
      ),
    );
  });

  it('gives a finding the same fingerprints in every run, whatever becomes of its words and its place', () => {
    const one = resultOf(aFinding());
    const other = resultOf(
      aFinding({ title: 'Other words', location: { path: 'b.ts', startLine: 90, endLine: 91 }, priority: 3 }),
    );
    expect(Object.keys(one.partialFingerprints ?? {})).toEqual(['bobbinFinding/v1', 'primaryLocationLineHash']);
    expect(other.partialFingerprints).toEqual(one.partialFingerprints);
    expect(other.ruleId).toBe(one.ruleId);
  });

  it('says how a finding stands to the run before', () => {
    const states = runs(SAMPLE_RECORD)[0]?.results?.map(({ baselineState, properties }) => [
      properties?.['change'] as unknown,
      baselineState,
    ]);
    expect(states).toEqual([
      ['new', 'new'],
      ['reopened', 'new'],
      ['unchanged', 'unchanged'],
      ['dismissed', 'unchanged'],
      ['fixed', 'absent'],
    ]);
  });

  it('suppresses what a person dismissed, and says who and why', () => {
    const results = runs(SAMPLE_RECORD)[0]?.results ?? [];
    expect(results.map(({ suppressions }) => suppressions?.length)).toEqual([0, 0, 0, 1, 0]);
    expect(results[3]?.suppressions?.[0]).toMatchObject({
      kind: 'external',
      status: 'accepted',
      justification: 'the log is scrubbed before it leaves the host',
      properties: { by: 'mira' },
    });
  });

  it('turns priorities into levels', () => {
    const levels = ([0, 1, 2, 3, null] as const).map((priority) => resultOf(aFinding({ priority })).level);
    expect(levels).toEqual(['error', 'error', 'warning', 'note', 'note']);
  });

  it('puts the code around the place only where it holds it', () => {
    const around = resultOf(aFinding()).locations?.[0]?.physicalLocation;
    expect(around?.region).toEqual({ startLine: 12, endLine: 13 });
    expect(around?.contextRegion).toMatchObject({ startLine: 10, endLine: 14 });
    const same = resultOf(aFinding({ code: { startLine: 12, text: 'one\ntwo\n' } })).locations?.[0]?.physicalLocation;
    expect(same).toMatchObject({ region: { startLine: 12, endLine: 13, snippet: { text: 'one\ntwo\n' } } });
    const short = resultOf(aFinding({ code: { startLine: 10, text: 'cut' } })).locations?.[0]?.physicalLocation;
    expect(short).toEqual({
      artifactLocation: { uri: 'src/store/reader.ts', uriBaseId: 'SRCROOT' },
      region: { startLine: 12, endLine: 13 },
    });
  });

  it('writes a path as an address', () => {
    const location = { path: 'docs/a b#c?.md', startLine: 1, endLine: 1 };
    expect(resultOf(aFinding({ location, code: null })).locations?.[0]?.physicalLocation?.artifactLocation?.uri).toBe(
      'docs/a%20b%23c%3F.md',
    );
  });

  it('has a finding of no place, too', () => {
    expect(resultOf(aFinding({ location: null, code: null }))).not.toHaveProperty('locations');
  });

  it('does not pass a target that failed, or was not reviewed, as one without findings', () => {
    const [, skipped, failed, notReviewed] = runs(SAMPLE_RECORD);
    expect(failed?.invocations?.[0]).toMatchObject({ executionSuccessful: false });
    expect(failed?.invocations?.[0]?.toolExecutionNotifications?.[0]).toMatchObject({
      level: 'error',
      message: { text: expect.stringContaining('repositoryGone') as string },
    });
    expect(failed).not.toHaveProperty('results');
    expect(notReviewed?.invocations?.[0]).toMatchObject({ executionSuccessful: false });
    expect(skipped?.invocations?.[0]).toMatchObject({ executionSuccessful: true });
    expect(skipped?.results).toHaveLength(1);
  });

  it('has the findings of a target that is listed twice once', () => {
    const ledger = aLedger('a', [aFinding()], runsOf(0, [1]));
    const twice = runs(
      aRecord([
        aTarget(0, reviewed(), ledger),
        aTarget(1, { status: 'skipped', reason: 'duplicate', head: null }, ledger),
      ]),
    );
    expect(twice.map(({ results }) => results?.length)).toEqual([1, 0]);
    expect(twice.map(({ automationDetails }) => automationDetails?.id)).toEqual([
      'bobbin/a/nightly-2026-11-21',
      undefined,
    ]);
  });

  it('says why a batch without targets has none', () => {
    const record = aRecord([]);
    record.batch = { ...record.batch, status: 'cancelled', reason: 'the workflow was cancelled' };
    expect(runs(record)[0]?.invocations?.[0]).toMatchObject({
      executionSuccessful: false,
      toolExecutionNotifications: [{ level: 'error', message: { text: 'cancelled: the workflow was cancelled' } }],
    });
  });

  it('shows no token that stands in the address of a repository', () => {
    const target = { repository: 'https://ghp_secret@git.example.com/shop/a.git' };
    expect(JSON.stringify(toSarif(aRecord([aTarget(0, reviewed(), null, target)]), 'all'))).not.toContain('ghp_secret');
  });

  it('names the version of this package', () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    expect(TOOL.semanticVersion).toBe(version);
  });
});
