/** Follows places from the commits in which they were seen to another one, through changes and renames. */
import type { PlaceInCommit, TrackedPlace } from '../../../activities/ports.ts';
import { toStatus } from './changed-lines.ts';
import { type FileHunks, readHunks } from './diff-hunks.ts';
import { moveLines } from './moved-lines.ts';
import { findRepositoryPlace, readRepositoryAt } from './repository-place.ts';
import { type RepositoryView, withView } from './repository-view.ts';
import { toCommit } from './review-range.ts';

/** Commits that places are followed from in one call; those of further ones are not known. */
const MOST_COMMITS = 20;

const NAMES = ['--name-status', '-z', '--no-relative', '--find-renames', '--ignore-submodules'];
/** White space does not count: what is only indented anew is still there, line by line. */
const LINES = [
  ...['--no-color', '--no-ext-diff', '--no-textconv', '--no-relative', '--find-renames', '--ignore-submodules'],
  ...['--unified=0', '--inter-hunk-context=0', '--src-prefix=a/', '--dst-prefix=b/'],
  ...['--ignore-all-space', '--diff-algorithm=histogram'],
];

type Git = (args: readonly string[]) => Promise<string>;

/** See `GitPort.track`. */
export async function trackPlaces(
  cwd: string,
  head: string,
  places: readonly PlaceInCommit[],
  signal: AbortSignal,
): Promise<(TrackedPlace | null)[]> {
  const place = (await findRepositoryPlace(cwd)) ?? (await readRepositoryAt(cwd));
  if (place === null) return places.map(() => null);
  return withView(place, signal, (view) => trackIn(view, head, places));
}

async function trackIn(
  view: RepositoryView,
  head: string,
  places: readonly PlaceInCommit[],
): Promise<(TrackedPlace | null)[]> {
  const git: Git = async (args) => (await view.git(args)).stdout.toString();
  const byCommit = [...new Set(places.map(({ head: from }) => from))].map((from) => {
    return { from, those: places.filter((place) => place.head === from) };
  });
  const wanted = byCommit.sort((a, b) => b.those.length - a.those.length).slice(0, MOST_COMMITS);
  const found = new Map<PlaceInCommit, TrackedPlace>();
  for (const { from, those } of wanted) {
    if ((await toCommit(view, from)) === null) continue;
    const moves = await readMoves(git, from, head, new Set(those.map(({ location }) => location.path)));
    for (const place of those) found.set(place, moves(place.location));
  }
  return places.map((place) => found.get(place) ?? null);
}

type Moves = (location: PlaceInCommit['location']) => TrackedPlace;

async function readMoves(git: Git, from: string, head: string, paths: ReadonlySet<string>): Promise<Moves> {
  const status = from === head ? [] : toStatus(await git(['diff', ...NAMES, from, head, '--']));
  const concerned = status.filter(({ names: [old = ''] }) => paths.has(old));
  const names = concerned.flatMap((one) => one.names);
  const lines = names.length === 0 ? '' : await git(['diff', ...LINES, from, head, '--', ...names]);
  const changes = new Map(concerned.map((one) => [one.names[0] ?? '', one]));
  const hunks = new Map(readHunks(lines).map((file) => [file.oldPath ?? '', file]));
  return (location) => {
    const change = changes.get(location.path);
    if (change === undefined) return { location, near: null };
    return change.kind === 'D'
      ? { location: null, near: null }
      : move(location, change.names, hunks.get(location.path));
  };
}

/** @param names of the file: before, and after where that is another one. */
function move(
  location: PlaceInCommit['location'],
  names: readonly string[],
  file: FileHunks | undefined,
): TrackedPlace {
  const path = names.at(-1) ?? location.path;
  const { lines, near } = moveLines(location, file?.hunks ?? []);
  return { location: lines && { path, ...lines }, near: near && { path, ...near } };
}
