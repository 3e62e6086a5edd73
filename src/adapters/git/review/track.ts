/** Follows places from their commits to another one, through changes, renames and moves. */
import type { PlaceInCommit, TrackedPlace } from '../../../../activities/ports.ts';
import { toStatus } from './changed-lines.ts';
import { type FileHunks, readHunks } from './diff-hunks.ts';
import { type Code, type FoundLines, codeAt, findCopies, findRemains, isNew, toLines } from './moved-code.ts';
import { moveLines } from './moved-lines.ts';
import { findBlobs, readBlobs } from './read-files.ts';
import { findRepository, findRepositoryOrBare, type ClosedFolders } from '../repository/repository-place.ts';
import { type RepositoryView, withView } from '../repository/repository-view.ts';
import { toCommit } from './review-range.ts';
import { findInTree } from './tree-lines.ts';

/** Commits from which places are followed in one call; places of further ones count as unknown. */
const MOST_COMMITS = 20;
const NAMES = ['--name-status', '-z', '--no-relative', '--find-renames', '--ignore-submodules'];
/** White space does not count: a line that was only indented differently still exists. */
const LINES = [
  ...['--no-color', '--no-ext-diff', '--no-textconv', '--no-relative', '--find-renames', '--ignore-submodules'],
  ...['--unified=0', '--inter-hunk-context=0', '--src-prefix=a/', '--dst-prefix=b/'],
  ...['--ignore-all-space', '--diff-algorithm=histogram'],
];

interface Repository {
  git: (args: readonly string[]) => Promise<string>;
  read: (commit: string, paths: readonly string[]) => Promise<ReadonlyMap<string, string>>;
  ids: (commit: string, paths: readonly string[]) => Promise<ReadonlyMap<string, string>>;
  find: (commit: string, lines: ReadonlySet<string>) => Promise<FoundLines[] | null>;
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
    ids: async (commit, paths) => {
      const blobs = await findBlobs(view.git, commit, paths);
      return new Map(blobs.map(({ path, id }) => [path, id]));
    },
    find: (commit, lines) => findInTree(view.git, commit, lines),
  };
  const followed = new Map<PlaceInCommit, Followed>();
  for (const from of [...new Set(places.map((place) => place.head))].slice(0, MOST_COMMITS)) {
    if ((await toCommit(view, from)) === null) continue;
    const those = places.filter((place) => place.head === from);
    for (const one of await follow(repository, { from, head }, those)) followed.set(one.place, one);
  }
  const tracked = await withMovedCode(repository, head, [...followed.values()]);
  return places.map((place) => tracked.get(place) ?? null);
}

type Location = PlaceInCommit['location'];
const intact = (location: Location): TrackedPlace => ({ location, near: null, changed: false, gone: false });

/** The commits that places are followed between. */
interface Range {
  from: string;
  head: string;
}
type Change = ReturnType<typeof toStatus>[number];

/** A place, the position of its lines according to the changes of its file, and the other changes in between. */
interface Followed {
  place: PlaceInCommit;
  moved: TrackedPlace;
  range: Range;
  status: readonly Change[];
}

async function follow(repository: Repository, range: Range, places: readonly PlaceInCommit[]): Promise<Followed[]> {
  const { from, head } = range;
  const status = from === head ? [] : toStatus(await repository.git(['diff', ...NAMES, from, head, '--']));
  const paths = new Set(places.map(({ location }) => location.path));
  const concerned = status.filter(({ names: [old = ''] }) => paths.has(old));
  const changes = new Map(concerned.map((one) => [one.names[0] ?? '', one]));
  const hunks = new Map((await readChanges(repository, range, concerned)).map((file) => [file.oldPath ?? '', file]));
  return places.map((place) => {
    const { location } = place;
    const change = changes.get(location.path);
    const moved = change === undefined ? intact(location) : move(location, change, hunks.get(location.path));
    return { place, moved, range, status };
  });
}

const isNoText = (name: string): boolean => name.includes('\ufffd');

/** A name that is not text cannot be an argument of a process: such files are compared by their ids. */
async function readChanges(
  { git, ids }: Repository,
  { from, head }: Range,
  changes: readonly Change[],
): Promise<FileHunks[]> {
  const odd = changes.filter(({ kind, names }) => /[MR]/.test(kind) && names.some(isNoText));
  const names = changes.flatMap((one) => (one.names.some(isNoText) ? [] : one.names));
  const found = names.length === 0 ? [] : readHunks(await git(['diff', ...LINES, from, head, '--', ...names]));
  for (const {
    names: [oldPath = '', newPath = oldPath],
  } of odd) {
    const [old, now] = [(await ids(from, [oldPath])).get(oldPath), (await ids(head, [newPath])).get(newPath)];
    if (old === undefined || now === undefined) continue;
    const [file] = readHunks(await git(['diff', ...LINES, old, now, '--']));
    found.push({ oldPath, newPath, hunks: file?.hunks ?? [] });
  }
  return found;
}

function move(location: Location, { kind, names }: Change, file: FileHunks | undefined): TrackedPlace {
  if (kind === 'D') return { location: null, near: null, changed: true, gone: true };
  const path = names.at(-1) ?? location.path;
  const { lines, near, changed } = moveLines(location, file?.hunks ?? []);
  const gone = lines === null && near === null;
  return { location: lines && { path, ...lines }, near: near && { path, ...near }, changed, gone };
}

// -------------------------------------------------------------------------------------------------------- moved code

/** Lines that left their place may be elsewhere; if the search is not possible, they do not count as gone. */
async function withMovedCode(
  repository: Repository,
  head: string,
  followed: readonly Followed[],
): Promise<Map<PlaceInCommit, TrackedPlace>> {
  const changed = followed.filter(({ moved }) => moved.changed);
  const codes = await readCodes(repository, changed);
  const sought = new Set([...codes.values()].flatMap((code) => code?.lines ?? []));
  const files = sought.size === 0 ? [] : await repository.find(head, sought);
  const tracked = new Map(followed.map(({ place, moved }) => [place, moved]));
  for (const one of changed) {
    const code = codes.get(one.place) ?? null;
    const found = code !== null && files !== null ? await find(repository, code, files, one) : undefined;
    tracked.set(one.place, found ?? { ...one.moved, gone: false });
  }
  return tracked;
}

/** The code of each place in its commit; null if it has no significant line. */
async function readCodes(
  { read }: Repository,
  followed: readonly Followed[],
): Promise<Map<PlaceInCommit, Code | null>> {
  const codes = new Map<PlaceInCommit, Code | null>();
  for (const from of new Set(followed.map(({ range }) => range.from))) {
    const places = followed.flatMap(({ place }) => (place.head === from ? [place] : []));
    const texts = await read(from, [...new Set(places.map(({ location }) => location.path))]);
    for (const place of places) codes.set(place, codeAt(toLines(texts.get(place.location.path) ?? ''), place.location));
  }
  return codes;
}

async function find(
  repository: Repository,
  code: Code,
  files: readonly FoundLines[],
  { place, moved, range, status }: Followed,
): Promise<TrackedPlace> {
  const own = status.find(({ names: [old] }) => old === place.location.path)?.names.at(-1) ?? place.location.path;
  const copies = findCopies(code, files).sort(
    (a, b) => Number(b.location.path === own) - Number(a.location.path === own),
  );
  const [copy] = copies;
  if (moved.location !== null) {
    if (copy?.together === true && overlaps(copy.location, moved.location)) return intact(copy.location);
    return copy === undefined ? moved : { ...moved, whole: true };
  }
  const together = copies.filter((one) => one.together);
  const paths = new Set(together.map(({ location }) => location.path));
  const changes = status.filter(({ kind, names }) => kind !== 'D' && paths.has(names.at(-1) ?? ''));
  const hunks = new Map((await readChanges(repository, range, changes)).map((file) => [file.newPath, file]));
  const put = together.find((one) => isNew(one, hunks.get(one.location.path) ?? { hunks: [] }));
  if (put !== undefined) return intact(put.location);
  if (copy !== undefined) return { ...moved, near: copy.location, gone: false, whole: true };
  const remains = findRemains(code, files);
  return remains.type === 'none' ? moved : { ...moved, near: moved.near ?? remains.near, gone: false };
}

function overlaps(a: Location, b: Location): boolean {
  return a.path === b.path && a.startLine <= b.endLine && b.startLine <= a.endLine;
}
