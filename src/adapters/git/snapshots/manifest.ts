/**
 * The newest snapshot of a workspace with the state of each file on disk, so that the next one reads only changed
 * files. It is kept in memory, and in a file for the next process: first the whole in lines of some entries each, and
 * then one line with the changes of each later snapshot. It is rewritten once these are as long as the whole.
 */
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RawPath } from '../process/git-process.ts';
import type { Slices } from '../process/slices.ts';
import { replacePrivateFile } from '../../../folders/private-file.ts';
import type { Entry } from './entry.ts';
import { kindsOf, listChanged, toModes } from './snapshot-facts.ts';
import { type SnapshotFacts, type SnapshotStore, type StoredFacts, fromStored, toStored } from './snapshot-store.ts';

export interface Manifest {
  commit: string;
  tree: string;
  facts: SnapshotFacts;
  entries: ReadonlyMap<RawPath, Entry>;
}

/** The changes from another manifest to this one. */
export interface ManifestChange {
  known: Manifest | null;
  /** Paths whose entry differs. */
  taken: readonly RawPath[];
  gone: readonly RawPath[];
}

const MANIFEST = 'manifest.jsonl';
const NEWEST = 'refs/newest';

type StoredEntry = [path: RawPath, ...of: [string, string, number, number, number, number, number]];

/** Permissions of files are those of the entries. */
type Facts = Partial<StoredFacts>;

interface Head {
  /** The commit of the lines before, of which this is a change; null at the end of a whole manifest. */
  after: string | null;
  commit: string;
  tree: string;
}

/** The lines up to one with a state or a head are one snapshot. */
interface StoredLine {
  gone?: readonly RawPath[] | undefined;
  entries?: StoredEntry[] | undefined;
  /** `facts`: those that differ from the lines before; null for one that is not there any more. */
  state?: Head & { facts: { [Name in keyof Facts]: Facts[Name] | null } };
  /** As earlier releases wrote it: with all facts. */
  head?: Head & { facts: Facts };
}

const ENTRIES_PER_LINE = 500;
/** Changes are shorter than this, or than the whole. */
const LEAST_BYTES = 256 * 1024;

/** What the file has. */
interface Stored {
  facts: Facts;
  /** Length of the whole, and of the changes after it. */
  whole: number;
  changes: number;
}

interface Remembered extends Stored {
  manifest: Manifest;
}

/**
 * The last ones that this process has read or written, by store. Another process may have written a newer one: see
 * `refs/newest`.
 */
const remembered = new Map<string, Remembered>();
/** Files that are remembered of all workspaces; each takes some hundred bytes. */
const REMEMBERED_ENTRIES = 400_000;

function remember(gitDir: string, own: Remembered): void {
  remembered.delete(gitDir);
  remembered.set(gitDir, own);
  let total = 0;
  for (const [dir, { manifest }] of [...remembered].reverse()) {
    total += manifest.entries.size;
    if (total > REMEMBERED_ENTRIES && dir !== gitDir) remembered.delete(dir);
  }
}

/** Null if there is none, or if it does not belong to the newest snapshot. */
export async function readManifest({ gitDir }: SnapshotStore, slices: Slices): Promise<Manifest | null> {
  try {
    const newest = (await readFile(join(gitDir, NEWEST), 'latin1')).trim();
    const known = remembered.get(gitDir);
    if (known?.manifest.commit === newest) {
      remember(gitDir, known);
      return known.manifest;
    }
    const read = await parseManifest(await readFile(join(gitDir, MANIFEST), 'latin1'), slices);
    if (read?.manifest.commit !== newest) return null;
    remember(gitDir, read);
    return read.manifest;
  } catch {
    slices.signal.throwIfAborted();
    return null;
  }
}

async function parseManifest(text: string, slices: Slices): Promise<Remembered | null> {
  const entries = new Map<RawPath, Entry>();
  let last: Head | undefined;
  let facts: Facts = {};
  let whole = 0;
  for (let at = 0; at < text.length;) {
    const end = text.indexOf('\n', at);
    if (end === -1) return null;
    const line = JSON.parse(text.slice(at, end)) as StoredLine;
    at = end + 1;
    for (const path of line.gone ?? []) entries.delete(path);
    for (const [path, kind, id, mode, size, mtimeMs, ctimeMs, ino] of line.entries ?? [])
      entries.set(path, { kind, id, mode, size, mtimeMs, ctimeMs, ino });
    const next = line.state ?? line.head;
    if (next !== undefined) {
      if (next.after !== (last?.commit ?? null)) return null;
      if (last === undefined) whole = at;
      last = next;
      facts = withChanges(line.head === undefined ? facts : {}, next.facts);
    }
    await slices.rest();
  }
  if (last === undefined) return null;
  const { commit, tree } = last;
  const manifest = { commit, tree, facts: toFull(facts, entries), entries };
  return { manifest, facts, whole, changes: text.length - whole };
}

function withChanges(facts: Facts, changes: object): Facts {
  const all: Record<string, unknown> = { ...facts, ...changes };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
}

function toFull(facts: Facts, entries: Manifest['entries']): SnapshotFacts {
  const modes = toModes(entries);
  return { ...fromStored({ ...(facts as StoredFacts), modes: {} }, kindsOf(entries)), modes };
}

function toShort({ facts, entries }: Manifest): Facts {
  const { modes: _, ...others } = toStored({ ...facts, modes: {} }, () => kindsOf(entries));
  return others;
}

export async function writeManifest(
  { gitDir }: SnapshotStore,
  manifest: Manifest,
  { known, taken, gone }: ManifestChange,
  slices: Slices,
): Promise<void> {
  const path = join(gitDir, MANIFEST);
  const facts = toShort(manifest);
  const before = remembered.get(gitDir);
  const line =
    before !== undefined && before.manifest === known ? toChange(manifest, before, facts, { taken, gone }) : null;
  const { whole = 0, changes = 0 } = before ?? {};
  let stored: Stored;
  if (line !== null && changes + line.length <= Math.max(LEAST_BYTES, whole)) {
    await appendFile(path, line);
    stored = { facts, whole, changes: changes + line.length };
  } else {
    const lines = await toLines(manifest, facts, slices);
    await replacePrivateFile(path, lines);
    stored = { facts, whole: lines.length, changes: 0 };
  }
  if (known?.commit !== manifest.commit) await replacePrivateFile(join(gitDir, NEWEST), `${manifest.commit}\n`);
  remember(gitDir, { manifest, ...stored });
}

function toChange(
  { commit, tree, entries }: Manifest,
  before: Remembered,
  facts: Facts,
  { taken, gone }: Pick<ManifestChange, 'taken' | 'gone'>,
): Buffer {
  const changed = listChanged(before.facts, facts).map((name) => [name, facts[name] ?? null]);
  const state = { after: before.manifest.commit, commit, tree, facts: Object.fromEntries(changed) as Facts };
  return toBytes({ gone, entries: toEntries(entries, taken), state });
}

async function toLines({ commit, tree, entries }: Manifest, facts: Facts, slices: Slices): Promise<Buffer> {
  const lines: Buffer[] = [];
  let some: RawPath[] = [];
  for (const path of entries.keys()) {
    if (some.push(path) < ENTRIES_PER_LINE) continue;
    lines.push(toBytes({ entries: toEntries(entries, some) }));
    some = [];
    await slices.rest();
  }
  const state = { after: null, commit, tree, facts };
  return Buffer.concat([...lines, toBytes({ entries: toEntries(entries, some), state })]);
}

/** One character per byte, like the paths in it. */
function toBytes(line: StoredLine): Buffer {
  return Buffer.from(`${JSON.stringify(line)}\n`, 'latin1');
}

function toEntries(entries: Manifest['entries'], paths: readonly RawPath[]): StoredEntry[] {
  return paths.flatMap((path): StoredEntry[] => {
    const entry = entries.get(path);
    if (entry === undefined) return [];
    const { kind, id, mode, size, mtimeMs, ctimeMs, ino } = entry;
    return [[path, kind, id, mode, size, mtimeMs, ctimeMs, ino]];
  });
}
