/** SARIF 2.1.0: one run per target, so that each has its own repository, commit and result. */
import type { Invocation, Log, Run } from 'sarif';
import type { RecordedTarget, ReviewRecord } from '../contract/index.ts';
import { countOpen } from './finding-words.ts';
import { cut, toWellFormed } from './foreign-text.ts';
import { describeOutcome, headOf, isUnknown } from './outcome.ts';
import { withoutSecrets } from '../contract/plain/repository-address.ts';
import { encodePath, toRepositoryUri } from './repository.ts';
import { RULE, SOURCE_ROOT, toResult } from './sarif-result.ts';
import { type ReportedFinding, type Selection, isDuplicate, selectFindings } from './selection.ts';
import { TOOL } from './tool.ts';
import { plural } from '../contract/plain/plural.ts';

const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';

export function toSarif(record: ReviewRecord, only: Selection): Log {
  const selected: ReportedFinding[][] = record.targets.map(() => []);
  for (const reported of selectFindings(record, only)) selected[reported.index]?.push(reported);
  const runs = record.targets.map((target, index) => toRun(record, target, selected[index] ?? []));
  return { $schema: SCHEMA, version: '2.1.0', runs: runs.length > 0 ? runs : [toEmptyRun(record)] };
}

function toRun(record: ReviewRecord, target: RecordedTarget, findings: readonly ReportedFinding[]): Run {
  const { row, ledger } = target;
  const wasLookedAt = ledger !== null || row.outcome.status === 'reviewed';
  return {
    tool: { driver: { ...TOOL, rules: [RULE] } },
    ...(isDuplicate(target) ? {} : { automationDetails: { id: toAutomationId(row.targetId, record.batch.batchId) } }),
    invocations: [toInvocation(record, target)],
    versionControlProvenance: [toProvenance(target)],
    originalUriBaseIds: { [SOURCE_ROOT]: toRoot(row.target.repository) },
    ...(wasLookedAt ? { results: findings.map(toResult) } : {}),
    columnKind: 'utf16CodeUnits',
    properties: {
      batchId: record.batch.batchId,
      row: row.index,
      targetId: row.targetId,
      outcome: row.outcome.status,
      ...(row.target.base === undefined ? {} : { base: toWellFormed(row.target.base) }),
      ...('counts' in row.outcome ? { counts: row.outcome.counts } : {}),
      ...(ledger === null ? {} : { open: countOpen({ targets: [target] }) }),
    },
  };
}

/** The part before the last slash names the series, the part after it the run. */
function toAutomationId(targetId: string, batchId: string): string {
  return `bobbin/${targetId}/${batchId.replaceAll('/', ':')}`;
}

function toInvocation({ batch }: ReviewRecord, { row, ledger }: RecordedTarget): Invocation {
  const { label, detail } = describeOutcome(row.outcome);
  const level = row.outcome.status === 'failed' ? 'error' : isUnknown(row) ? 'warning' : 'note';
  const text = `${label}${detail === '' ? '' : `: ${detail}`}`;
  const forgotten = ledger?.findingsForgotten ?? 0;
  return {
    executionSuccessful: !isUnknown(row),
    ...toTimes(batch),
    toolExecutionNotifications: [
      { level, message: { text }, descriptor: { id: row.outcome.status } },
      ...(forgotten === 0
        ? []
        : [
            {
              level: 'warning' as const,
              message: { text: `${plural(forgotten, 'finding', 'findings')} more than are kept` },
            },
          ]),
    ],
  };
}

function toTimes({ startedAt, endedAt }: ReviewRecord['batch']): Pick<Invocation, 'startTimeUtc' | 'endTimeUtc'> {
  const start = toInstant(startedAt);
  // If a clock was set back, the end may be before the start.
  const end = toInstant(endedAt === null ? null : Math.max(endedAt, startedAt));
  return { ...(start === null ? {} : { startTimeUtc: start }), ...(end === null ? {} : { endTimeUtc: end }) };
}

function toInstant(at: number | null): string | null {
  const date = new Date(at ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

function toProvenance({ row, ledger }: RecordedTarget): NonNullable<Run['versionControlProvenance']>[number] {
  const revision = headOf(row) ?? ledger?.anchor?.head;
  return {
    repositoryUri: toRepositoryUri(row.target.repository),
    ...(revision === undefined ? {} : { revisionId: revision }),
    ...(row.target.branch === undefined ? {} : { branch: toWellFormed(row.target.branch) }),
    mappedTo: { uriBaseId: SOURCE_ROOT },
  };
}

/** Only known for a path: the reader of the report decides where the clone of a URL is. */
function toRoot(repository: string): { uri?: string; description: { text: string } } {
  const description = { text: cut(`The root of ${toWellFormed(withoutSecrets(repository))}`, 1_000) };
  return repository.startsWith('/')
    ? { uri: `file://${encodePath(repository.replace(/\/*$/, '/'))}`, description }
    : { description };
}

/** A batch without targets has one run that says why. */
function toEmptyRun({ batch }: ReviewRecord): Run {
  const text = toWellFormed(`${batch.status}${batch.reason === null ? '' : `: ${batch.reason}`}`);
  const succeeded = batch.status === 'completed';
  return {
    tool: { driver: { ...TOOL, rules: [RULE] } },
    invocations: [
      {
        executionSuccessful: succeeded,
        ...toTimes(batch),
        toolExecutionNotifications: [{ level: succeeded ? 'note' : 'error', message: { text } }],
      },
    ],
    originalUriBaseIds: {},
    columnKind: 'utf16CodeUnits',
    properties: { batchId: batch.batchId },
  };
}
