/**
 * The newest snapshot of a workspace with the state of each file on disk, so that the next one reads only changed
 * files. It is kept in memory, and in a file for the next process: first the whole in lines of some entries each, and
 * then one line for each later snapshot.
 */
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RawPath } from '../process/git-process.ts';
import type { Slices } from '../process/slices.ts';
import { replacePrivateFile } from '../../../folders/private-file.ts';
import type { Entry } from './entry.ts';
import type { SnapshotFacts, SnapshotStore } from './snapshot-store.ts';

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

/** The lines up to one with a head are one snapshot. */
interface StoredLine {
  gone?: readonly RawPath[] | undefined;
  entries?: StoredEntry[] | undefined;
  /** `after`: the commit of the lines before, of which this is a change; null at the end of a whole manifest. */
  head?: { after: string | null; commit: string; tree: string; facts: SnapshotFacts };
}

const ENTRIES_PER_LINE = 500;
/** The file is rewritten once the changes exceed this many entries, and half of all entries. */
const LEAST_CHANGES = 2_000;

interface Remembered {
  manifest: Manifest;
  /** Entries in the file after the whole. */
  changes: number;
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
  let head: StoredLine['head'];
  let changes = 0;
  for (let at = 0; at < text.length;) {
    const end = text.indexOf('\n', at);
    if (end === -1) return null;
    const line = JSON.parse(text.slice(at, end)) as StoredLine;
    at = end + 1;
    for (const path of line.gone ?? []) entries.delete(path);
    for (const [path, kind, id, mode, size, mtimeMs, ctimeMs, ino] of line.entries ?? [])
      entries.set(path, { kind, id, mode, size, mtimeMs, ctimeMs, ino });
    if (line.head !== undefined) {
      if (line.head.after !== (head?.commit ?? null)) return null;
      if (head !== undefined) changes += (line.gone?.length ?? 0) + (line.entries?.length ?? 0);
      head = line.head;
    }
    await slices.rest();
  }
  if (head === undefined) return null;
  const { commit, tree, facts } = head;
  return { manifest: { commit, tree, facts, entries }, changes };
}

export async function writeManifest(
  { gitDir }: SnapshotStore,
  manifest: Manifest,
  { known, taken, gone }: ManifestChange,
  slices: Slices,
): Promise<void> {
  const path = join(gitDir, MANIFEST);
  const before = remembered.get(gitDir);
  const follows = known !== null && before?.manifest === known;
  const changes = (before?.changes ?? 0) + taken.length + gone.length;
  const isShort = follows && changes <= Math.max(LEAST_CHANGES, manifest.entries.size / 2);
  // One character per byte, like the paths in it.
  if (isShort) await appendFile(path, toLine({ gone, taken, after: known.commit }, manifest));
  else await replacePrivateFile(path, await toLines(manifest, slices));
  if (known?.commit !== manifest.commit) await replacePrivateFile(join(gitDir, NEWEST), `${manifest.commit}\n`);
  remember(gitDir, { manifest, changes: isShort ? changes : 0 });
}

interface Part {
  gone?: readonly RawPath[];
  taken?: readonly RawPath[];
  /** Left out if further lines of the same snapshot follow. */
  after?: string | null;
}

/** One character per byte, like the paths in it. */
function toLine({ gone, taken, after }: Part, { entries, commit, tree, facts }: Manifest): Buffer {
  const head = after === undefined ? {} : { head: { after, commit, tree, facts } };
  const line: StoredLine = { gone, entries: taken?.flatMap((path) => toStored(entries, path)), ...head };
  return Buffer.from(`${JSON.stringify(line)}\n`, 'latin1');
}

async function toLines(manifest: Manifest, slices: Slices): Promise<Buffer> {
  const lines: Buffer[] = [];
  let some: RawPath[] = [];
  for (const path of manifest.entries.keys()) {
    if (some.push(path) < ENTRIES_PER_LINE) continue;
    lines.push(toLine({ taken: some }, manifest));
    some = [];
    await slices.rest();
  }
  return Buffer.concat([...lines, toLine({ taken: some, after: null }, manifest)]);
}

function toStored(entries: Manifest['entries'], path: RawPath): StoredEntry[] {
  const entry = entries.get(path);
  if (entry === undefined) return [];
  const { kind, id, mode, size, mtimeMs, ctimeMs, ino } = entry;
  return [[path, kind, id, mode, size, mtimeMs, ctimeMs, ino]];
}
