/** From a batch on the real service to the files that `bobbin report` writes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ReviewRecord } from '../../src/contract/index.ts';
import type { Log } from 'sarif';
import { makeRepository } from '../parts/repositories.ts';
import { runCli } from '../parts/run-cli.ts';
import { type TestEnvironment, openEnvironment } from '../environment.ts';

const BATCH = 'reported-batch';

let environment: TestEnvironment;
let repository: string;
beforeAll(async () => {
  environment = await openEnvironment();
  repository = makeRepository(join(environment.data, '..', 'reported'), { 'a.ts': 'one\n// TODO: two\n' });
  const targets = [{ repository }, { repository: join(environment.data, '..', 'nowhere') }];
  await (await environment.bobbin.batches.start({ targets }, { batchId: BATCH })).follow();
});
afterAll(() => environment.close());

const report = (...args: string[]) => runCli(['report', ...args], environment);

describe('bobbin report', () => {
  it('writes what a batch found, and what it did not review, in every format', async () => {
    const record = JSON.parse((await report(BATCH, '--json')).stdout) as ReviewRecord;
    expect(record.batch).toMatchObject({ batchId: BATCH, counts: { reviewed: 1, failed: 1 }, findings: { new: 1 } });
    const [finding] = record.targets[0]?.ledger?.findings ?? [];

    const sarif = JSON.parse((await report(BATCH, '--format', 'sarif')).stdout) as Log;
    expect(sarif.runs.map(({ invocations }) => invocations?.[0]?.executionSuccessful)).toEqual([true, false]);
    expect(sarif.runs[0]?.results).toMatchObject([
      {
        baselineState: 'new',
        partialFingerprints: { 'bobbinFinding/v1': finding?.fingerprint },
        locations: [{ physicalLocation: { artifactLocation: { uri: 'a.ts' }, region: { startLine: 2 } } }],
      },
    ]);
    const rdjson = await report(BATCH, '--format', 'rdjson');
    expect(JSON.parse(rdjson.stdout)).toMatchObject({ diagnostics: [{ location: { path: 'a.ts' } }] });
    expect(rdjson.stderr).toMatch(/: failed\n$/);

    const markdown = (await report(BATCH)).stdout;
    expect(markdown).toContain('`a.ts:2`');
    expect(markdown).toMatch(/### Not reviewed\n\n- nowhere: \*\*failed\*\*/);

    const file = join(environment.data, 'report.html');
    expect(await report(BATCH, '--format', 'html', '--output', file)).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(readFileSync(file, 'utf8')).toContain('// TODO: two');
  });

  it('ends with 7 at the threshold, and says why; with 2 for what cannot be; with 6 for a batch that is not there', async () => {
    expect(await report(BATCH, '--fail-on', 'P3')).toMatchObject({
      code: 7,
      stderr: '1 open finding at or above P3\n1 target was not reviewed to the end\n',
    });
    expect((await report(BATCH, '--format', 'pdf')).code).toBe(2);
    expect((await report(BATCH, '--format', 'html', '--json')).code).toBe(2);
    expect((await report('no-such-batch')).code).toBe(6);
  });
});
