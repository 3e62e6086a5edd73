/**
 * `npm run check:reports`: what others' tools say of our reports. The sample record that the docs show, and records with anything
 * in them, always the same ones.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { DiagnosticResult } from '../../src/reports/rdjson.ts';
import { toReport } from '../../src/reports/report.ts';
import type { Log } from 'sarif';
import { anyRecord } from '../../src/reports/test-any-record.ts';
import { SAMPLE_RECORD } from '../../src/reports/test-record.ts';
import { ensureMultitool, ensureReviewdog, run } from './install.ts';

const records = [SAMPLE_RECORD, ...fc.sample(anyRecord, { numRuns: 20, seed: 5 })];
const folder = mkdtempSync(join(tmpdir(), 'bobbin-reports-'));
try {
  const failures = [...(await checkSarif()), ...(await checkRdjson())];
  for (const failure of failures) console.log(`  ${failure}`);
  process.exitCode = failures.length === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

interface Judgement {
  runs: { results?: Said[] }[];
}

interface Said {
  ruleId: string;
  level?: string;
  message: { text?: string; arguments?: string[] };
}

/** It takes an address with `%C3%A9` in it for none, which RFC 3986 and the schema do not. */
function isLetterOutsideAscii({ ruleId, message }: Said): boolean {
  const uri = message.arguments?.at(-1) ?? '';
  return (
    ruleId === 'SARIF1002' &&
    /^[a-z]+:\/\/(?:[\w\-.~:/?@!$&'()*+,;=]|%[0-9A-F]{2})*$/i.test(uri) &&
    /%[89A-F]/i.test(uri)
  );
}

async function checkSarif(): Promise<string[]> {
  const multitool = await ensureMultitool();
  const files = records.map((record, index) => {
    const file = join(folder, `${index}.sarif`);
    writeFileSync(file, toReport(record, 'sarif'));
    return file;
  });
  const judgement = join(folder, 'judgement.sarif');
  const { code, stdout, stderr } = await run(multitool, [
    'validate',
    ...files,
    '--output',
    judgement,
    '--log',
    'ForceOverwrite',
  ]);
  if (code !== 0) return [`sarif-multitool ended with ${code ?? 'a signal'}: ${(stdout + stderr).trim().slice(-500)}`];
  const said = (JSON.parse(readFileSync(judgement, 'utf8').replace(/^\ufeff/, '')) as Judgement).runs.flatMap(
    ({ results }) => results ?? [],
  );
  const errors = said.filter((one) => one.level === 'error' && !isLetterOutsideAscii(one));
  const rules = [...new Set(said.map(({ ruleId, level }) => `${ruleId} (${level ?? 'warning'})`))];
  const results = files.flatMap((file) =>
    (JSON.parse(readFileSync(file, 'utf8')) as Log).runs.flatMap((each) => each.results ?? []),
  );
  console.log(
    `sarif-multitool: ${files.length} files, ${results.length} results, ${errors.length} errors; said: ${rules.join(', ') || 'nothing'}`,
  );
  return errors.map(({ ruleId, message }) => `${ruleId}: ${message.text ?? (message.arguments ?? []).join(' ')}`);
}

/** It drops what it cannot read without a word: so what it understood is counted. */
async function checkRdjson(): Promise<string[]> {
  const reviewdog = await ensureReviewdog();
  await run('git', ['init', '-q', folder]);
  const failures: string[] = [];
  let understood = 0;
  for (const [index, record] of records.entries()) {
    const text = toReport(record, 'rdjson');
    const { diagnostics } = JSON.parse(text) as DiagnosticResult;
    const args = ['-f=rdjson', '-reporter=rdjson', '-filter-mode=nofilter', '-diff=true', '-fail-level=none'];
    const { code, stdout, stderr } = await run(reviewdog, args, { cwd: folder, input: text });
    const back = code === 0 ? ((JSON.parse(stdout) as Partial<DiagnosticResult>).diagnostics ?? []) : [];
    const same =
      back.length === diagnostics.length && back.every((one, at) => one.message === diagnostics[at]?.message);
    if (!same)
      failures.push(
        `reviewdog, record ${index}: ${back.length} of ${diagnostics.length}, code ${code ?? '-'}: ${stderr.trim().slice(-300)}`,
      );
    understood += back.length;
  }
  console.log(`reviewdog: ${records.length} files, ${understood} diagnostics understood`);
  return failures;
}
