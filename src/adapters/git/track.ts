/** Follows places from the commits in which they were seen to another one, through changes, renames and moves. */
import type { PlaceInCommit, TrackedPlace } from '../../../activities/ports.ts';
import { toStatus } from './changed-lines.ts';
import { type FileHunks, readHunks } from './diff-hunks.ts';
import { codeAt, findAmongNew, toLines } from './moved-code.ts';
import { moveLines } from './moved-lines.ts';
import { readBlobs } from './read-files.ts';
import { findRepository, findRepositoryOrBare, type ClosedFolders } from './repository-place.ts';
import { type RepositoryView, withView } from './repository-view.ts';
import { toCommit } from './review-range.ts';

/** Commits that places are followed from in one call; those of further ones are not known. */
const MOST_COMMITS = 20;
/** Changed files in which lines that were taken out are looked for. */
const MOST_SEARCHED = 500;

const NAMES = ['--name-status', '-z', '--no-relative', '--find-renames', '--ignore-submodules'];
/** White space does not count: what is only indented anew is still there, line by line. */
const LINES = [
  ...['--no-color', '--no-ext-diff', '--no-textconv', '--no-relative', '--find-renames', '--ignore-submodules'],
  ...['--unified=0', '--inter-hunk-context=0', '--src-prefix=a/', '--dst-prefix=b/'],
  ...['--ignore-all-space', '--diff-algorithm=histogram'],
];

interface Repository {
  git: (args: readonly string[]) => Promise<string>;
  read: (commit: string, paths: readonly string[]) => Promise<ReadonlyMap<string, string>>;
}

/** See `GitPort.track`. */
export async function trackPlaces(
  closed: ClosedFolders,
  cwd: string,
  head: string,
  places: readonly PlaceInCommit[],
  signal: AbortSignal,
): Promise<(TrackedPlace | null)[]> {
  const place = findRepository(cwd, closed) ?? findRepositoryOrBare(cwd, closed);
  if (place === null) return places.map(() => null);
  return withView(place, signal, (view) => trackIn(view, head, places));
}

async function trackIn(
  view: RepositoryView,
  head: string,
  places: readonly PlaceInCommit[],
): Promise<(TrackedPlace | null)[]> {
  const repository: Repository = {
    git: async (args) => (await view.git(args)).stdout.toString(),
    read: (commit, paths) => readBlobs(view.git, commit, paths),
  };
  const byCommit = [...new Set(places.map(({ head: from }) => from))].map((from) => {
    return { from, those: places.filter((place) => place.head === from) };
  });
  const wanted = byCommit.sort((a, b) => b.those.length - a.those.length).slice(0, MOST_COMMITS);
  const found = new Map<PlaceInCommit, TrackedPlace>();
  for (const { from, those } of wanted) {
    if ((await toCommit(view, from)) === null) continue;
    const tracked = await follow(repository, { from, head }, those.map(toLocation));
    for (const [index, place] of those.entries()) found.set(place, tracked[index] ?? intact(place.location));
  }
  return places.map((place) => found.get(place) ?? null);
}

type Location = PlaceInCommit['location'];
const toLocation = ({ location }: PlaceInCommit): Location => location;
const intact = (location: Location): TrackedPlace => ({ location, near: null, changed: false, gone: false });

/** The commits that places are followed between. */
interface Range {
  from: string;
  head: string;
}
type Change = ReturnType<typeof toStatus>[number];

/** In the order of the locations, all of which are in `from`. */
async function follow(repository: Repository, range: Range, locations: readonly Location[]): Promise<TrackedPlace[]> {
  const { from, head } = range;
  const status = from === head ? [] : toStatus(await repository.git(['diff', ...NAMES, from, head, '--']));
  const paths = new Set(locations.map(({ path }) => path));
  const concerned = status.filter(({ names: [old = ''] }) => paths.has(old));
  const changes = new Map(concerned.map((one) => [one.names[0] ?? '', one]));
  const hunks = new Map((await readChanges(repository, range, concerned)).map((file) => [file.oldPath ?? '', file]));
  const moved = locations.map((location) => {
    const change = changes.get(location.path);
    return change === undefined ? intact(location) : move(location, change, hunks.get(location.path));
  });
  return withMovedCode(repository, range, status, locations, moved);
}

async function readChanges({ git }: Repository, { from, head }: Range, changes: readonly Change[]) {
  const names = changes.flatMap((one) => one.names);
  return names.length === 0 ? [] : readHunks(await git(['diff', ...LINES, from, head, '--', ...names]));
}

function move(location: Location, { kind, names }: Change, file: FileHunks | undefined): TrackedPlace {
  if (kind === 'D') return { location: null, near: null, changed: true, gone: true };
  const path = names.at(-1) ?? location.path;
  const { lines, near, changed } = moveLines(location, file?.hunks ?? []);
  const gone = lines === null && near === null;
  return { location: lines && { path, ...lines }, near: near && { path, ...near }, changed, gone };
}

// -------------------------------------------------------------------------------------------------------- moved code

/** Lines that are not in their place any more may stand elsewhere; where that cannot be looked up, they are not gone. */
async function withMovedCode(
  repository: Repository,
  range: Range,
  status: readonly Change[],
  locations: readonly Location[],
  moved: readonly TrackedPlace[],
): Promise<TrackedPlace[]> {
  const lost = locations.filter((_, index) => moved[index]?.location === null);
  if (lost.length === 0) return [...moved];
  const search = await openSearch(repository, range, status, lost);
  return moved.map((place, index) => {
    const location = locations[index];
    if (place.location !== null || location === undefined) return place;
    const found = search(location);
    if (found === 'unknown') return { ...place, gone: false };
    return found === null ? place : intact(found);
  });
}

type Search = (location: Location) => Location | null | 'unknown';

async function openSearch(
  repository: Repository,
  range: Range,
  status: readonly Change[],
  lost: readonly Location[],
): Promise<Search> {
  const added = status.filter(({ kind }) => kind !== 'D');
  if (added.length > MOST_SEARCHED) return () => 'unknown';
  const before = toAllLines(
    await repository.read(
      range.from,
      lost.map(({ path }) => path),
    ),
  );
  const paths = added.map(({ names }) => names.at(-1) ?? '');
  const after = toAllLines(await repository.read(range.head, paths));
  const codes = new Map(lost.map((location) => [location, codeAt(before.get(location.path) ?? [], location)]));
  const sought = new Set([...codes.values()].flatMap(([first]) => first ?? []));
  const likely = added.filter(({ names }) => after.get(names.at(-1) ?? '')?.some(({ text }) => sought.has(text)));
  const hunks = await readChanges(repository, range, likely);
  return (location) => {
    const code = codes.get(location) ?? [];
    if (code.length === 0) return before.has(location.path) ? null : 'unknown';
    const own = status.find(({ names: [old] }) => old === location.path)?.names.at(-1);
    const nearFirst = hunks.toSorted((a, b) => Number(b.newPath === own) - Number(a.newPath === own));
    for (const file of nearFirst) {
      const found = findAmongNew(code, after.get(file.newPath ?? '') ?? [], file);
      if (found !== null && file.newPath !== null) return { path: file.newPath, ...found };
    }
    return paths.every((path) => after.has(path)) ? null : 'unknown';
  };
}

function toAllLines(files: ReadonlyMap<string, string>) {
  return new Map([...files].map(([path, text]) => [path, toLines(text)]));
}
