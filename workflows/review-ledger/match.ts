/**
 * Matches the findings of a run with the known ones. Pure.
 *
 * A pair is judged by four properties: where the known finding is now, according to the changes since; its code; the
 * lines around it; and its text. If there is a place, text alone never makes a pair, and a place alone never does
 * either: one line may have two defects. The best match is paired first, and each finding is paired once.
 */
import type { FindingLocation, ObservedFinding, TrackedFinding } from '../../src/contract/index.ts';
import type { KeptFinding } from './state.ts';
import { likeness, overlap, wordsOf } from './words.ts';

/** Id of the known finding for each observed one, or null for a new one, in the order of `observed`. */
export function matchFindings(
  known: readonly KeptFinding[],
  observed: readonly ObservedFinding[],
  tracked: readonly TrackedFinding[],
): (string | null)[] {
  const places = new Map(tracked.map((one) => [one.findingId, one]));
  const olds = withRanks(known.map((finding) => ({ finding, words: wordsOfFinding(finding) })));
  const news = withRanks(observed.map((finding) => ({ finding, words: wordsOfFinding(finding) })));
  const pairs = olds.flatMap((old, k) =>
    news.flatMap((seen, o) => {
      const score = scoreOf(old, seen, places.get(old.finding.findingId));
      return score === 0 ? [] : [{ k, o, score, shift: Math.abs(old.rank - seen.rank) }];
    }),
  );
  pairs.sort((a, b) => b.score - a.score || a.shift - b.shift || a.k - b.k || a.o - b.o);
  const matched = news.map((): string | null => null);
  const taken = new Set<number>();
  for (const { k, o } of pairs) {
    if (taken.has(k) || matched[o] !== null) continue;
    taken.add(k);
    matched[o] = olds[k]?.finding.findingId ?? null;
  }
  return matched;
}

/** Whether two findings of one run say the same about the same place. */
export function isSaidTwice(a: ObservedFinding, b: ObservedFinding): boolean {
  return isSamePlace(a.location, b.location) && likeness(wordsOf(a.title), wordsOf(b.title)) >= SAID_TWICE;
}

function isSamePlace(a: FindingLocation | null, b: FindingLocation | null): boolean {
  if (a === null || b === null) return a === b;
  return a.path === b.path && a.startLine === b.startLine && a.endLine === b.endLine;
}

// ------------------------------------------------------------------------------------------------------------ words

interface Words {
  title: Set<string>;
  all: Set<string>;
}

interface Candidate<F> {
  finding: F;
  words: Words;
  /** Its position among those with the same code in the same file, from the top. */
  rank: number;
}

type Described = Pick<ObservedFinding, 'title' | 'body' | 'code' | 'location'>;

/** Names from the code identify the line, and not the defect. */
function wordsOfFinding({ title, body, code, location }: Described): Words {
  const fromCode = wordsOf(placeLines(code, location));
  const without = (words: Set<string>) => new Set([...words].filter((word) => !fromCode.has(word)));
  const titleWords = wordsOf(title);
  const own = without(titleWords);
  return { title: own.size === 0 ? titleWords : own, all: without(wordsOf(`${title} ${body}`)) };
}

function placeLines(code: Described['code'], location: FindingLocation | null): string {
  if (code === null || location === null) return '';
  const from = location.startLine - code.startLine;
  return code.text
    .split('\n')
    .slice(Math.max(0, from), Math.max(0, from) + location.endLine - location.startLine + 1)
    .join('\n');
}

/** From 0 to 1: of the titles, or of the whole texts if those are more alike. */
function textLikeness(a: Words, b: Words): number {
  const titles = Math.max(likeness(a.title, b.title), overlap(a.title, b.title) * OVERLAP_WORTH);
  return Math.max(titles, likeness(a.all, b.all));
}

// ------------------------------------------------------------------------------------------------------------ score

/** How alike the texts must be, depending on what else supports a pair. */
const SAME_CODE_AND_PLACE = 0.08;
const SAME_PLACE = 0.2;
const SAME_CODE = 0.3;
const SAME_CONTEXT = 0.5;
const IN_PLACE_OF_IT = 0.5;
const NO_PLACE = 0.5;
const SAID_TWICE = 0.9;
const OVERLAP_WORTH = 0.6;
/** Number of lines by which a reviewer may be off. */
const NEAR = 2;

/** 0 if they are two findings. By weight, place comes before code, code before context, and context before text. */
function scoreOf(
  old: Candidate<KeptFinding>,
  seen: Candidate<ObservedFinding>,
  tracked: TrackedFinding | undefined,
): number {
  const evidence = compare(old.finding, seen.finding, tracked);
  const needed = neededLikeness(evidence);
  if (needed === null) return 0;
  const text = textLikeness(old.words, seen.words);
  if (text < needed) return 0;
  return evidence.place * 4 + (evidence.code ? 3 : 0) + evidence.context + text * 4;
}

interface Evidence {
  /** 0 elsewhere, 1 near or as its replacement, 2 lines in common, 3 the same lines. */
  place: 0 | 1 | 2 | 3;
  code: boolean;
  /** Number of sides around the place that are unchanged. */
  context: 0 | 1 | 2;
  samePath: boolean;
  /** Whether neither has a place. */
  placeless: boolean;
}

function compare(old: KeptFinding, seen: ObservedFinding, tracked: TrackedFinding | undefined): Evidence {
  const sides = [
    isSameHash(old.context.before, seen.context.before),
    isSameHash(old.context.after, seen.context.after),
  ];
  return {
    place: placeOf(old, seen, tracked),
    code: isSameHash(old.codeHash, seen.codeHash),
    context: sides.filter(Boolean).length as Evidence['context'],
    samePath: seen.location !== null && pathsOf(old, tracked).includes(seen.location.path),
    placeless: old.location === null && seen.location === null,
  };
}

function neededLikeness({ place, code, context, samePath, placeless }: Evidence): number | null {
  if (placeless) return NO_PLACE;
  if (code && (place >= 2 || context === 2)) return SAME_CODE_AND_PLACE;
  if (place >= 2) return SAME_PLACE;
  if (code && (context > 0 || samePath)) return SAME_CODE;
  if (context === 2) return SAME_CONTEXT;
  return place === 1 ? IN_PLACE_OF_IT : null;
}

function placeOf(
  old: KeptFinding,
  { location }: ObservedFinding,
  tracked: TrackedFinding | undefined,
): Evidence['place'] {
  if (location === null || tracked === undefined) return 0;
  if (tracked.location !== null) {
    if (isSamePlace(tracked.location, location)) return 3;
    if (overlaps(tracked.location, location, 0)) return 2;
    return overlaps(tracked.location, location, NEAR) ? 1 : 0;
  }
  return tracked.near !== null && old.location !== null && overlaps(tracked.near, location, 0) ? 1 : 0;
}

function pathsOf(old: KeptFinding, tracked: TrackedFinding | undefined): string[] {
  return [old.location, tracked?.location ?? null, tracked?.near ?? null].flatMap((place) => place?.path ?? []);
}

function overlaps(a: FindingLocation, b: FindingLocation, margin: number): boolean {
  return a.path === b.path && a.startLine <= b.endLine + margin && b.startLine <= a.endLine + margin;
}

function isSameHash(a: string | null, b: string | null): boolean {
  return a !== null && a === b;
}

// ------------------------------------------------------------------------------------------------------------ ranks

type Ranked = Pick<ObservedFinding, 'location' | 'codeHash'>;

/** The first of equal lines matches the first of them, wherever they moved together. */
function withRanks<F extends Ranked>(candidates: readonly Omit<Candidate<F>, 'rank'>[]): Candidate<F>[] {
  const lineOf = ({ finding }: { finding: F }) => finding.location?.startLine ?? 0;
  const keyOf = ({ finding }: { finding: F }) => JSON.stringify([finding.codeHash, finding.location?.path ?? null]);
  const counts = new Map<string, number>();
  const ranks = new Map<object, number>();
  for (const candidate of [...candidates].sort((a, b) => lineOf(a) - lineOf(b))) {
    const rank = counts.get(keyOf(candidate)) ?? 0;
    counts.set(keyOf(candidate), rank + 1);
    ranks.set(candidate, rank);
  }
  return candidates.map((candidate) => ({ ...candidate, rank: ranks.get(candidate) ?? 0 }));
}
