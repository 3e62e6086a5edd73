import { mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { ReviewRecord } from '../../../contract/index.ts';
import { toReport } from '../../../reports/report.ts';
import { SAMPLE_RECORD, aFinding, aLedger, aRecord, aTarget, reviewed, runsOf } from '../../../reports/test-record.ts';
import type { Output } from '../text/output.ts';
import { toTerminal } from '../text/terminal-text.ts';
import { type ReportOptions, writeReport } from './report-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'bobbin-report-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function write(record: ReviewRecord, options: Partial<ReportOptions> = {}) {
  const told: string[] = [];
  const results: unknown[] = [];
  const nothing = () => undefined;
  const output: Output = {
    json: false,
    live: false,
    result: (value) => void results.push(value),
    event: nothing,
    say: nothing,
    write: nothing,
    fail: nothing,
    progress: (line) => void told.push(toTerminal(line)),
  };
  const path = join(folder, 'report');
  const chosen = {
    format: 'markdown',
    output: path,
    only: undefined,
    targets: undefined,
    failOn: 'never',
    ...options,
  } as const;
  const code = await writeReport(record, chosen, output);
  return { code, told, result: results[0], text: readFileSync(path, 'utf8') };
}

const record = (...findings: Parameters<typeof aFinding>[0][]) =>
  aRecord([
    aTarget(
      0,
      reviewed(),
      aLedger(
        'a',
        findings.map((changes, index) => aFinding({ findingId: `f${index}`, ...changes })),
        runsOf(0, [1]),
      ),
    ),
  ]);

describe('the exit code of a report', () => {
  it.each([
    ['P0', 0],
    ['P1', 0],
    ['P2', 7],
    ['P3', 7],
    ['never', 0],
  ] as const)('by --fail-on %s of a P2 is %i', async (failOn, code) => {
    expect((await write(record({ priority: 2 }), { failOn })).code).toBe(code);
  });

  it('takes a finding without a priority for one of the least urgent', async () => {
    expect((await write(record({ priority: null }), { failOn: 'P3' })).code).toBe(7);
    expect((await write(record({ priority: null }), { failOn: 'P2' })).code).toBe(0);
  });

  it('counts nothing that was fixed or dismissed, and with --only new nothing that was known', async () => {
    const over = record(
      { priority: 0, state: 'fixed', change: 'fixed' },
      { priority: 0, state: 'dismissed', change: 'dismissed' },
    );
    expect((await write(over, { failOn: 'P3', only: 'all' })).code).toBe(0);
    const known = record({ priority: 0, change: 'unchanged' });
    expect((await write(known, { failOn: 'P3', only: 'new' })).code).toBe(0);
    expect((await write(known, { failOn: 'P3' })).code).toBe(7);
  });

  it.each([
    { status: 'failed', code: 'repositoryGone', message: 'gone', spent: null },
    { status: 'notReviewed', reason: 'budget', spent: null },
    { status: 'running' },
  ] as const)('is 7 where a target is $status: nobody knows what would have been found', async (outcome) => {
    const unknown = aRecord([aTarget(0, outcome, null)]);
    expect(await write(unknown, { failOn: 'P0' })).toMatchObject({
      code: 7,
      told: ['1 target was not reviewed to the end'],
    });
    expect((await write(unknown)).code).toBe(0);
  });
});

describe('the file of a report', () => {
  it('holds the report, and the result says what was written', async () => {
    const { text, result } = await write(SAMPLE_RECORD, { format: 'sarif' });
    expect(text).toBe(toReport(SAMPLE_RECORD, 'sarif'));
    expect(result).toEqual({
      batchId: 'nightly-2026-11-21',
      format: 'sarif',
      counting: 0,
      unknown: 2,
      output: join(folder, 'report'),
      bytes: Buffer.byteLength(text),
    });
  });

  it('is of the chosen targets alone', async () => {
    const { text, code } = await write(SAMPLE_RECORD, { targets: ['search-main-77b0'], failOn: 'P0' });
    expect(text).toContain('Query text reaches the shell');
    expect(text).not.toContain('Refund');
    expect(text).toContain('completed, 1 target: **0 new**');
    expect(code).toBe(0);
    await expect(write(SAMPLE_RECORD, { targets: ['nowhere'] })).rejects.toThrow(
      /--target nowhere: .* checkout-main-1f3a/,
    );
  });

  it('says beside rdjson what has no place in it', async () => {
    const placeless = aFinding({ findingId: 'p', location: null });
    const mixed = aRecord([...SAMPLE_RECORD.targets, aTarget(5, reviewed(), aLedger('x', [placeless]))]);
    expect((await write(mixed, { format: 'rdjson' })).told).toEqual([
      '1 finding without a place left out: rdjson needs one',
      'findings of 3 targets: a path does not say which target it belongs to; --target selects one',
      'target-2: failed',
      'target-3: notReviewed',
    ]);
  });

  it('is refused where it cannot be written', async () => {
    await expect(write(SAMPLE_RECORD, { output: join(folder, 'no', 'where') })).rejects.toThrow(
      /--output .* cannot be written/,
    );
  });
});

describe('the file of a report', () => {
  const precious = join(folder, 'precious');
  it('takes the place of a link, and leaves what that leads to', async () => {
    writeFileSync(precious, 'precious');
    rmSync(join(folder, 'report'), { force: true });
    symlinkSync(precious, join(folder, 'report'));
    const { text } = await write(SAMPLE_RECORD);
    expect(text).toContain('## Review');
    expect(readFileSync(precious, 'utf8')).toBe('precious');
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});
