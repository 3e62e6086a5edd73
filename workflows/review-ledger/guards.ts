/**
 * Small guards for messages to a ledger: any client can send anything, and nothing may fail the workflow. The guards
 * for persons accept and refuse exactly what the schemas in `src/contract` do; a property test compares them. Texts of
 * a run that are too long are shortened, since the rest is worth keeping.
 */
import type {
  AbandonRun,
  BatchTarget,
  BeginRun,
  DismissFinding,
  FindingLocation,
  FindingVerdict,
  ObservedFinding,
  RecordedRun,
  ReopenFinding,
  ReviewPriority,
  TrackedFinding,
} from '../../src/contract/index.ts';
import {
  type Parsed,
  Refused,
  fields,
  flag,
  id,
  maybe,
  number,
  parse,
  text,
  wholeNumber,
} from '../sandbox/value-readers.ts';
import { readMessage } from '../sandbox/read-message.ts';
import { LIMITS } from '../../src/contract/plain/limits.ts';
import { shorten } from './bounds.ts';

/** A `recordRun` as it is read: with the number of findings that its sender had to leave out. */
export interface RunRecord extends Omit<RecordedRun, 'verdicts'> {
  /** Null from an earlier release, which asked its reviewers for none. */
  verdicts: FindingVerdict[] | null;
  findingsLeftOut: number;
}

export interface LedgerPlace {
  targetId: string;
  target: BatchTarget;
}

// ---------------------------------------------------------------------------------------------------------- messages

export function readPlace(value: unknown): Parsed<LedgerPlace> {
  return parse(() => {
    const from = fields(value, 'ledger');
    return { targetId: id(from['targetId'], 'targetId'), target: batchTarget(from['target']) };
  });
}

function batchTarget(value: unknown): BatchTarget {
  const from = fields(value, 'target');
  const word = (value: unknown, name: string) => text(value, `target.${name}`, LIMITS.idChars, 1);
  return {
    repository: text(from['repository'], 'target.repository', LIMITS.pathChars, 1),
    ...maybe(from, 'branch', word),
    ...maybe(from, 'base', word),
    ...maybe(from, 'host', word),
  };
}

export function readBeginRun(value: unknown): Parsed<BeginRun> {
  return parse(() => {
    const from = fields(value, 'run');
    return {
      runId: id(from['runId'], 'runId'),
      workflowId: text(from['workflowId'], 'workflowId', WORKFLOW_ID_CHARS, 1),
      instead: orNull(from['instead'], (instead) => text(instead, 'instead', WORKFLOW_ID_CHARS, 1)),
      head: commit(from['head'], 'head'),
      rulesId: text(from['rulesId'], 'rulesId', LIMITS.idChars, 1),
      fullPassEvery: wholeNumber(from['fullPassEvery'], 'fullPassEvery', 0),
      ...maybe(from, 'fullPass', flag),
      ...maybe(from, 'startedAt', (at, name) => wholeNumber(at, name, 0)),
    };
  });
}

export function readRecordRun(value: unknown): Parsed<RunRecord> {
  return parse(() => {
    const from = fields(value, 'run');
    const left = from['findingsLeftOut'];
    return {
      runId: id(from['runId'], 'runId'),
      base: commit(from['base'], 'base'),
      head: commit(from['head'], 'head'),
      full: flag(from['full'], 'full'),
      rulesId: text(from['rulesId'], 'rulesId', LIMITS.idChars, 1),
      findings: list(from['findings'], 'findings').map(observed),
      tracked: list(from['tracked'], 'tracked').map(trackedFinding),
      verdicts: orNull(from['verdicts'], (verdicts) => list(verdicts, 'verdicts').map(findingVerdict)),
      looked: orNull(from['looked'], (looked) => list(looked, 'looked').map((path) => text(path, 'looked', Infinity))),
      findingsLeftOut: left === undefined || left === null ? 0 : wholeNumber(left, 'findingsLeftOut', 0),
      ...maybe(from, 'startedAt', (at, name) => wholeNumber(at, name, 0)),
    };
  });
}

export function readAbandonRun(value: unknown): Parsed<AbandonRun> {
  return parse(() => {
    const from = fields(value, 'run');
    const reason = from['reason'];
    return { runId: id(from['runId'], 'runId'), reason: typeof reason === 'string' ? reason : '' };
  });
}

export const readDismissFinding = (value: unknown) => readMessage<DismissFinding>('dismissFinding', value, 'dismissal');

export const readReopenFinding = (value: unknown) => readMessage<ReopenFinding>('reopenFinding', value, 'reopening');

// ---------------------------------------------------------------------------------------------------------- findings

/** Code units that are kept. */
const KEPT = { title: 200, body: 2_000, code: 1_500 };
const WORKFLOW_ID_CHARS = 1_000;
const HASH_CHARS = 128;

function observed(value: unknown): ObservedFinding {
  const from = fields(value, 'finding');
  return {
    title: shorten(text(from['title'], 'title', Infinity), KEPT.title),
    body: shorten(text(from['body'], 'body', Infinity), KEPT.body),
    priority: orNull(from['priority'], (priority) => wholeNumber(priority, 'priority', 0, 3) as ReviewPriority),
    confidenceScore: orNull(from['confidenceScore'], (score) => number(score, 'confidenceScore', 0, 1)),
    location: orNull(from['location'], location),
    ...standing(from, 'finding'),
  };
}

function standing(value: unknown, name: string): NonNullable<TrackedFinding['now']> {
  const from = fields(value, name);
  const context = fields(from['context'], 'context');
  return {
    code: orNull(from['code'], code),
    codeHash: orNull(from['codeHash'], hash),
    context: { before: orNull(context['before'], hash), after: orNull(context['after'], hash) },
  };
}

function code(value: unknown): NonNullable<ObservedFinding['code']> {
  const from = fields(value, 'code');
  return {
    text: shorten(text(from['text'], 'code.text', Infinity), KEPT.code),
    startLine: wholeNumber(from['startLine'], 'code.startLine', 1),
  };
}

/** Earlier releases do not report whether lines changed, or the code that is there now. */
function trackedFinding(value: unknown): TrackedFinding {
  const from = fields(value, 'tracked');
  const place = { location: orNull(from['location'], location), near: orNull(from['near'], location) };
  return {
    findingId: id(from['findingId'], 'findingId'),
    ...place,
    changed: place.location === null,
    gone: place.location === null && place.near === null,
    ...maybe(from, 'changed', flag),
    ...maybe(from, 'gone', flag),
    ...maybe(from, 'whole', flag),
    ...maybe(from, 'now', standing),
  };
}

function findingVerdict(value: unknown): FindingVerdict {
  const from = fields(value, 'verdict');
  const { verdict } = from;
  if (verdict !== 'stillThere' && verdict !== 'fixed') throw new Refused('verdict: stillThere or fixed is needed');
  return { findingId: id(from['findingId'], 'findingId'), verdict };
}

function location(value: unknown): FindingLocation {
  const from = fields(value, 'location');
  const startLine = wholeNumber(from['startLine'], 'startLine', 1);
  return {
    path: text(from['path'], 'path', LIMITS.pathChars, 1),
    startLine,
    endLine: wholeNumber(from['endLine'], 'endLine', startLine),
  };
}

// -------------------------------------------------------------------------------------------------------------- parts

function list(value: unknown, name: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw new Refused(`${name}: a list is needed`);
}

function orNull<T>(value: unknown, body: (value: unknown) => T): T | null {
  return value === undefined || value === null ? null : body(value);
}

function commit(value: unknown, name: string): string {
  const string = text(value, name, HASH_CHARS, 1);
  if (/^[0-9a-f]{40,64}$/.test(string)) return string;
  throw new Refused(`${name}: the full id of a commit is needed`);
}

function hash(value: unknown): string {
  return text(value, 'hash', HASH_CHARS, 1);
}
