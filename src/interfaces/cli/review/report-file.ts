/** Writes a report to its file, and what its format cannot contain to standard error. */
import { randomUUID } from 'node:crypto';
import { rename, rm, stat, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { BobbinError } from '../../../client/bobbin-error.ts';
import type { ReviewRecord } from '../../../contract/index.ts';
import { narrow } from '../../../reports/narrow.ts';
import { isUnknown } from '../../../reports/outcome.ts';
import { type ReportFormat, toReport } from '../../../reports/report.ts';
import { type Selection, selectFindings } from '../../../reports/selection.ts';
import { EXIT } from '../exit-codes.ts';
import { type Output, printDocument } from '../text/output.ts';
import { type Threshold, countsAt } from './threshold.ts';
import { plural } from '../../../contract/plain/plural.ts';

export interface ReportOptions {
  format: ReportFormat;
  /** A path, or `-` for standard output. */
  output: string;
  /** Undefined for the default of the format. */
  only: Selection | undefined;
  /** Undefined for all. */
  targets: readonly string[] | undefined;
  failOn: Threshold;
}

/** Returns the exit code of {@link exitCodeOfRecord} for the selected findings. */
export async function writeReport(whole: ReviewRecord, options: ReportOptions, output: Output): Promise<number> {
  const record = chooseTargets(whole, options.targets);
  const { format, only } = options;
  refuseMixture(options, output);
  const text = toReport(record, format, only);
  const verdict = judge(record, options);
  if (options.output === '-') printDocument(text);
  else await write(options.output, text, output, { batchId: record.batch.batchId, format, ...verdict });
  for (const line of [...describeOmissions(record, format, only), ...describeVerdict(verdict, options.failOn)])
    output.progress(line);
  return toExitCode(verdict, options.failOn);
}

/**
 * 7 if an open finding is at the threshold, or if a target was not reviewed to the end: nobody knows what it would have
 * found. `never` is always 0.
 */
export function exitCodeOfRecord(record: ReviewRecord, failOn: Threshold): number {
  return toExitCode(judge(record, { only: undefined, failOn }), failOn);
}

function toExitCode({ counting, unknown }: Verdict, failOn: Threshold): number {
  return failOn !== 'never' && counting + unknown > 0 ? EXIT.findings : EXIT.ok;
}

/** Standard output takes one document. */
function refuseMixture({ format, output: path }: ReportOptions, { json }: Output): void {
  if (json && path === '-' && format !== 'json')
    throw new BobbinError(
      'invalid',
      `--json cannot be combined with --format ${format} on standard output; write ${format} to a file with --output.`,
    );
}

function chooseTargets(record: ReviewRecord, targets: readonly string[] | undefined): ReviewRecord {
  if (targets === undefined) return record;
  const known = new Set(record.targets.map(({ row }) => row.targetId));
  const unknown = targets.filter((targetId) => !known.has(targetId));
  if (unknown.length === 0) return narrow(record, targets);
  const some = [...known].slice(0, 5).join(', ');
  throw new BobbinError(
    'invalid',
    `--target ${unknown.join(' ')}: the batch has no such target. Its targets: ${some || 'none'}.`,
  );
}

interface Verdict {
  /** Findings at the threshold. */
  counting: number;
  /** Targets that were not reviewed to the end. */
  unknown: number;
}

function judge(record: ReviewRecord, { only, failOn }: Pick<ReportOptions, 'only' | 'failOn'>): Verdict {
  const open = selectFindings(record, only === 'new' ? 'new' : 'open');
  return {
    counting: open.filter(({ finding }) => countsAt(failOn, finding)).length,
    unknown: record.targets.filter(({ row }) => isUnknown(row)).length,
  };
}

async function write(path: string, text: string, output: Output, summary: object): Promise<void> {
  const file = resolve(path);
  try {
    await replace(file, text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BobbinError('invalid', `--output ${path} cannot be written: ${reason}`, error);
  }
  output.result({ ...summary, output: file, bytes: Buffer.byteLength(text) }, []);
}

/** Replaces a file or a link, never what the link points to. Writes into pipes and devices. */
async function replace(file: string, text: string): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  if (found !== undefined && !found.isFile()) return writeFile(file, text);
  const draft = `${file}.${randomUUID()}.tmp`;
  try {
    await writeFile(draft, text, { flag: 'wx' });
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/** The information that a format cannot contain. */
function describeOmissions(record: ReviewRecord, format: ReportFormat, only: Selection | undefined): string[] {
  if (format !== 'rdjson') return [];
  const open = selectFindings(record, only === 'new' ? 'new' : 'open');
  const placeless = open.filter(({ finding }) => finding.location === null).length;
  const withFindings = new Set(open.map(({ index }) => index)).size;
  const unknown = record.targets.filter(({ row }) => isUnknown(row));
  return [
    ...(placeless === 0
      ? []
      : [`${plural(placeless, 'finding', 'findings')} without a place left out: rdjson needs one`]),
    ...(withFindings < 2
      ? []
      : [
          `findings of ${plural(withFindings, 'target')}: a path does not say which target it belongs to; --target selects one`,
        ]),
    ...unknown.map(({ row }) => `${row.targetId}: ${row.outcome.status}`),
  ];
}

function describeVerdict({ counting, unknown }: Verdict, failOn: Threshold): string[] {
  if (failOn === 'never') return [];
  return [
    ...(counting === 0 ? [] : [`${plural(counting, 'open finding', 'open findings')} at or above ${failOn}`]),
    ...(unknown === 0 ? [] : [`${plural(unknown, 'target was', 'targets were')} not reviewed to the end`]),
  ];
}
