/**
 * Small guards for what reaches a ledger: any client can send anything, and nothing may fail the workflow. Those for
 * persons accept and refuse exactly what the schemas in `src/contract` do; a property test holds them to it. What is too
 * long of what a run says is shortened, since the rest of it is worth keeping.
 */
import type {
  AbandonRun,
  BatchTarget,
  BeginRun,
  DismissFinding,
  FindingLocation,
  ObservedFinding,
  RecordedRun,
  ReopenFinding,
  ReviewPriority,
  TrackedFinding,
} from '../../src/contract/index.ts';
import { BOUNDS } from '../thread/bounds.ts';
import { unreadableReason } from '../unreadable.ts';
import { shorten } from './bounds.ts';

/** How a `recordRun` is read: with what had to be left out, which is counted by whoever sends it. */
export interface RunRecord extends RecordedRun {
  findingsLeftOut: number;
}

export interface LedgerPlace {
  targetId: string;
  target: BatchTarget;
}

export type Read<T> = { ok: true; value: T } | { ok: false; code: 'malformed'; reason: string };

/** Thrown and caught inside this file only. */
class Refused extends Error {}

type Fields = Record<string, unknown>;

function read<T>(body: () => T): Read<T> {
  try {
    return { ok: true, value: body() };
  } catch (error) {
    if (error instanceof Refused) return { ok: false, code: 'malformed', reason: error.message };
    throw error;
  }
}

// ---------------------------------------------------------------------------------------------------------- messages

export function readPlace(value: unknown): Read<LedgerPlace> {
  return read(() => {
    const from = fields(value, 'ledger');
    return { targetId: id(from['targetId'], 'targetId'), target: batchTarget(from['target']) };
  });
}

function batchTarget(value: unknown): BatchTarget {
  const from = fields(value, 'target');
  const words = (name: string, max: number) =>
    from[name] === undefined || from[name] === null ? {} : { [name]: text(from[name], `target.${name}`, max, 1) };
  return {
    repository: text(from['repository'], 'target.repository', BOUNDS.pathChars, 1),
    ...words('branch', BOUNDS.idChars),
    ...words('base', BOUNDS.idChars),
  };
}

export function readBeginRun(value: unknown): Read<BeginRun> {
  return read(() => {
    const from = fields(value, 'run');
    return {
      runId: id(from['runId'], 'runId'),
      workflowId: text(from['workflowId'], 'workflowId', WORKFLOW_ID_CHARS, 1),
      instead: orNull(from['instead'], (instead) => text(instead, 'instead', WORKFLOW_ID_CHARS, 1)),
      head: commit(from['head'], 'head'),
      rulesId: text(from['rulesId'], 'rulesId', BOUNDS.idChars, 1),
      fullPassEvery: wholeNumber(from['fullPassEvery'], 'fullPassEvery', 0),
    };
  });
}

export function readRecordRun(value: unknown): Read<RunRecord> {
  return read(() => {
    const from = fields(value, 'run');
    const left = from['findingsLeftOut'];
    return {
      runId: id(from['runId'], 'runId'),
      base: commit(from['base'], 'base'),
      head: commit(from['head'], 'head'),
      full: flag(from['full'], 'full'),
      rulesId: text(from['rulesId'], 'rulesId', BOUNDS.idChars, 1),
      findings: list(from['findings'], 'findings').map(observed),
      tracked: list(from['tracked'], 'tracked').map(trackedFinding),
      looked: orNull(from['looked'], (looked) => list(looked, 'looked').map((path) => text(path, 'looked', Infinity))),
      findingsLeftOut: left === undefined || left === null ? 0 : wholeNumber(left, 'findingsLeftOut', 0),
    };
  });
}

export function readAbandonRun(value: unknown): Read<AbandonRun> {
  return read(() => {
    const from = fields(value, 'run');
    const reason = from['reason'];
    return { runId: id(from['runId'], 'runId'), reason: typeof reason === 'string' ? reason : '' };
  });
}

export function readDismissFinding(value: unknown): Read<DismissFinding> {
  return read(() => {
    const from = fields(value, 'dismissal');
    return {
      findingId: id(from['findingId'], 'findingId'),
      by: trimmed(from['by'], 'by', BOUNDS.idChars),
      why: trimmed(from['why'], 'why', BOUNDS.shortChars),
    };
  });
}

export function readReopenFinding(value: unknown): Read<ReopenFinding> {
  return read(() => {
    const from = fields(value, 'reopening');
    return { findingId: id(from['findingId'], 'findingId'), by: trimmed(from['by'], 'by', BOUNDS.idChars) };
  });
}

// ---------------------------------------------------------------------------------------------------------- findings

/** Code units that are kept. */
const KEPT = { title: 200, body: 2_000, code: 1_500 };
const WORKFLOW_ID_CHARS = 1_000;
const HASH_CHARS = 128;

function observed(value: unknown): ObservedFinding {
  const from = fields(value, 'finding');
  const context = fields(from['context'], 'context');
  return {
    title: shorten(text(from['title'], 'title', Infinity), KEPT.title),
    body: shorten(text(from['body'], 'body', Infinity), KEPT.body),
    priority: orNull(from['priority'], (priority) => wholeNumber(priority, 'priority', 0, 3) as ReviewPriority),
    confidenceScore: orNull(from['confidenceScore'], (score) => number(score, 'confidenceScore', 0, 1)),
    location: orNull(from['location'], location),
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

function trackedFinding(value: unknown): TrackedFinding {
  const from = fields(value, 'tracked');
  return {
    findingId: id(from['findingId'], 'findingId'),
    location: orNull(from['location'], location),
    near: orNull(from['near'], location),
  };
}

function location(value: unknown): FindingLocation {
  const from = fields(value, 'location');
  const startLine = wholeNumber(from['startLine'], 'startLine', 1);
  return {
    path: text(from['path'], 'path', BOUNDS.pathChars, 1),
    startLine,
    endLine: wholeNumber(from['endLine'], 'endLine', startLine),
  };
}

// -------------------------------------------------------------------------------------------------------------- parts

function fields(value: unknown, name: string): Fields {
  const unreadable = unreadableReason(value);
  if (unreadable !== null) {
    throw new Refused(`${name}: the payload cannot be read: ${shorten(unreadable, BOUNDS.idChars)}`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new Refused(`${name}: an object is needed`);
}

function list(value: unknown, name: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw new Refused(`${name}: a list is needed`);
}

function orNull<T>(value: unknown, body: (value: unknown) => T): T | null {
  return value === undefined || value === null ? null : body(value);
}

function text(value: unknown, name: string, max: number, min = 0): string {
  if (typeof value !== 'string') throw new Refused(`${name}: a string is needed`);
  if (value.length < min) throw new Refused(`${name}: must not be empty`);
  if (value.length > max) throw new Refused(`${name}: at most ${max} characters`);
  return value;
}

function trimmed(value: unknown, name: string, max: number): string {
  return text(typeof value === 'string' ? value.trim() : value, name, max, 1);
}

function id(value: unknown, name: string): string {
  const string = text(value, name, BOUNDS.idChars, 1);
  if (/^[A-Za-z0-9._:@/-]+$/.test(string)) return string;
  throw new Refused(`${name}: only letters, digits and . _ : @ / - are allowed`);
}

function commit(value: unknown, name: string): string {
  const string = text(value, name, HASH_CHARS, 1);
  if (/^[0-9a-f]{40,64}$/.test(string)) return string;
  throw new Refused(`${name}: the full id of a commit is needed`);
}

function hash(value: unknown): string {
  return text(value, 'hash', HASH_CHARS, 1);
}

function flag(value: unknown, name: string): boolean {
  if (typeof value === 'boolean') return value;
  throw new Refused(`${name}: true or false is needed`);
}

function number(value: unknown, name: string, min: number, max: number): number {
  if (typeof value === 'number' && value >= min && value <= max) return value;
  throw new Refused(`${name}: a number is needed, from ${min} to ${max}`);
}

function wholeNumber(value: unknown, name: string, min: number, max = Infinity): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw new Refused(`${name}: a whole number is needed, ${min} or more${max === Infinity ? '' : `, at most ${max}`}`);
}
