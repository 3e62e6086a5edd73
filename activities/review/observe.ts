/**
 * Reads how a ledger recognises findings: their code and the lines around it in the reviewed commit, and where known findings
 * have moved since. Only reads.
 */
import { createHash } from 'node:crypto';
import type {
  FindingLocation,
  KnownFinding,
  ObservedFinding,
  ReviewFinding,
  TrackedFinding,
} from '../../src/contract/index.ts';
import type { Ports } from '../ports.ts';

type Git = { git: Pick<Ports['git'], 'readFiles' | 'track'> };

/**
 * Adds the code to findings, in their order.
 * @param place `cwd` in the repository, `head` the full id of the reviewed commit
 */
export async function observeFindings(
  { git }: Git,
  { cwd, head, findings }: { cwd: string; head: string; findings: readonly ReviewFinding[] },
  signal: AbortSignal,
): Promise<ObservedFinding[]> {
  const places = findings.map(toPlace);
  const paths = places.flatMap((place) => place?.path ?? []);
  const lines = await readLines(git, { cwd, head, paths }, signal);
  return findings.map(({ title, body, priority, confidenceScore }, index) => {
    const place = places[index] ?? null;
    return { title, body, priority, confidenceScore, ...toCode(place, place && lines.get(place.path)) };
  });
}

/**
 * Finds the places of known findings in another commit, and the code there if their lines changed. Leaves out findings
 * without a place, and those whose commit is gone.
 * @param place `cwd` in the repository, `head` the full id of that commit
 */
export async function trackFindings(
  { git }: Git,
  { cwd, head, known }: { cwd: string; head: string; known: readonly KnownFinding[] },
  signal: AbortSignal,
): Promise<TrackedFinding[]> {
  // Only some commits are followed: those of open findings first, then the newest.
  const open = known.filter(({ state }) => state === 'open');
  const ordered = [...open, ...known.filter(({ state }) => state !== 'open').reverse()];
  const placed = ordered.flatMap(({ findingId, head: from, location }) =>
    location === null ? [] : [{ findingId, head: from, location }],
  );
  if (placed.length === 0) return [];
  const places = placed.map(({ head: from, location }) => ({ head: from, location }));
  const tracked = await git.track(cwd, head, places, signal);
  const found = placed.flatMap(({ findingId }, index): TrackedFinding[] => {
    const place = tracked[index] ?? null;
    return place === null ? [] : [{ findingId, ...place }];
  });
  const before = new Map(placed.map(({ findingId, location }) => [findingId, location.path]));
  const other = found.filter((one) => one.changed || placeOf(one)?.path !== before.get(one.findingId));
  const paths = other.flatMap((one) => placeOf(one)?.path ?? []);
  const lines = await readLines(git, { cwd, head, paths }, signal);
  return found.map((one) => {
    const place = placeOf(one);
    if (place === null || !other.includes(one)) return one;
    const { code, codeHash, context } = toCode(place, lines.get(place.path));
    return { ...one, now: { code, codeHash, context } };
  });
}

/** Its place, or the code that replaced it. */
export function placeOf({ location, near }: Pick<TrackedFinding, 'location' | 'near'>): FindingLocation | null {
  return location ?? near;
}

async function readLines(
  git: Pick<Ports['git'], 'readFiles'>,
  { cwd, head, paths }: { cwd: string; head: string; paths: readonly string[] },
  signal: AbortSignal,
): Promise<Map<string, string[]>> {
  if (paths.length === 0) return new Map();
  const files = await git.readFiles(cwd, head, paths, signal);
  return new Map([...files].map(([path, text]) => [path, text.split(/\r?\n/)]));
}

function toPlace({ codeLocation }: ReviewFinding): FindingLocation | null {
  if (codeLocation?.inRepository !== true) return null;
  const { path, lineRange } = codeLocation;
  return { path, startLine: lineRange.start, endLine: lineRange.end };
}

// -------------------------------------------------------------------------------------------------------------- code

type Observed = Pick<ObservedFinding, 'location' | 'code' | 'codeHash' | 'context'>;

/** Number of non-empty lines on each side of a place. */
const CONTEXT_LINES = 3;
const AROUND = 3;
const LONGEST_LINE = 200;
const MOST_LINES = 24;

/** @param lines of the whole file; undefined if it could not be read */
function toCode(location: FindingLocation | null, lines: readonly string[] | null | undefined): Observed {
  const none = { code: null, codeHash: null, context: { before: null, after: null } };
  if (location === null || lines == null) return { location, ...none };
  const { path, startLine } = location;
  const last = Math.max(1, lines.at(-1) === '' ? lines.length - 1 : lines.length);
  // The place does not exist, so it is unknown what the reviewer saw; the last line proves nothing.
  if (startLine > last) return { location: { path, startLine: last, endLine: last }, ...none };
  const endLine = Math.min(location.endLine, last);
  const before = lines.slice(0, startLine - 1).filter(isFilled);
  const after = lines.slice(endLine).filter(isFilled);
  return {
    location: { path, startLine, endLine },
    code: toShown(lines, startLine, endLine),
    codeHash: hashOf(lines.slice(startLine - 1, endLine)),
    context: { before: hashOf(before.slice(-CONTEXT_LINES)), after: hashOf(after.slice(0, CONTEXT_LINES)) },
  };
}

function toShown(lines: readonly string[], startLine: number, endLine: number): ObservedFinding['code'] {
  const first = Math.max(1, startLine - AROUND);
  const shown = lines.slice(first - 1, Math.min(endLine + AROUND, first - 1 + MOST_LINES));
  return { text: shown.map((line) => line.slice(0, LONGEST_LINE)).join('\n'), startLine: first };
}

function isFilled(line: string): boolean {
  return line.trim() !== '';
}

/** Ignores white space; null if there is nothing else. */
function hashOf(lines: readonly string[]): string | null {
  const text = lines.map((line) => line.replace(/\s+/g, '')).filter((line) => line !== '');
  if (text.length === 0) return null;
  return createHash('sha256').update(text.join('\n')).digest('hex').slice(0, 32);
}
