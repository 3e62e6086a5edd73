/** The plan for one path, by its states before and after a change and its current state. */
import type { Stats } from 'node:fs';
import { type RawPath } from '../process/git-process.ts';
import { mergeTexts } from './merge-texts.ts';
import type { FileState } from '../process/open-tree.ts';
import { toBlobId, toKind } from '../snapshots/snapshot-files.ts';
import type { Contents } from '../snapshots/snapshot-contents.ts';

/**
 * The state of a path in a snapshot; null if it is not in it. Earlier releases did not store permissions (`mode` is
 * null), and stored files as their repository's filters made them (`isFiltered`).
 */
export type Side = { kind: string; id: string; mode: number | null; isFiltered?: boolean } | null;

export interface Difference {
  path: RawPath;
  before: Side;
  after: Side;
}

export type Plan =
  | { type: 'nothing'; outcome: 'restored' | 'deleted' | 'merged' }
  | { type: 'delete' }
  | { type: 'write'; outcome: 'restored' | 'merged'; kind: string; mode: number | null; content: Buffer }
  | { type: 'keep'; reason: string };

/** A state of a path, on disk or in a snapshot. */
export type Seen =
  Exclude<FileState, { content: Buffer }> | { type: 'file' | 'link'; content: Buffer; stats: Pick<Stats, 'mode'> };

export async function choose(now: Seen, before: Side, after: Side, contents: Contents): Promise<Plan> {
  if (now.type === 'unreadable') return { type: 'keep', reason: 'it cannot be read' };
  if (now.type === 'folder' && before === null) return { type: 'nothing', outcome: 'deleted' };
  if (now.type === 'folder') return { type: 'keep', reason: 'a folder is in its place' };
  if (now.type === 'other') return { type: 'keep', reason: 'something that is no file is in its place' };
  const side = toSide(now);
  if (isSame(side, before)) return { type: 'nothing', outcome: before === null ? 'deleted' : 'restored' };
  if (isSame(side, after)) {
    if (before === null) return { type: 'delete' };
    const content = await contents.of(before.id);
    const complaint = before.isFiltered === true ? complainOfFilter(now, content) : null;
    if (complaint !== null) return complaint;
    return { type: 'write', outcome: 'restored', kind: before.kind, mode: before.mode, content };
  }
  if (now.type === 'missing' || side === null) return { type: 'keep', reason: 'it was deleted since' };
  if (after === null) return { type: 'keep', reason: 'it was made anew since' };
  if (before === null) return { type: 'keep', reason: 'it was changed since' };
  if (now.type === 'link' || isLink(before) || isLink(after)) return { type: 'keep', reason: 'it was changed since' };
  if (side.mode !== after.mode) return { type: 'keep', reason: 'its permissions were changed since' };
  return merge(now.content, before, after, contents);
}

/** The original bytes are not known: line endings may differ, and Git LFS keeps only a pointer. */
function complainOfFilter(now: Seen, content: Buffer): Plan | null {
  const text = (bytes: Buffer) => bytes.toString('latin1').replaceAll('\r\n', '\n');
  if (content.subarray(0, 200).toString('latin1').startsWith('version https://git-lfs.github.com/'))
    return { type: 'keep', reason: 'its snapshot has a pointer of Git LFS and no content' };
  const same = now.type === 'file' && text(now.content) === text(content);
  return same ? { type: 'nothing', outcome: 'restored' } : null;
}

async function merge(
  ours: Buffer,
  before: NonNullable<Side>,
  after: NonNullable<Side>,
  contents: Contents,
): Promise<Plan> {
  if (before.id === after.id) return { type: 'keep', reason: 'its content was changed since' };
  const [base, theirs] = [await contents.of(after.id), await contents.of(before.id)];
  const content = await mergeTexts({ ours, base, theirs });
  if (content === 'binary') return { type: 'keep', reason: 'it was changed since, and is not text' };
  if (content === 'conflict') return { type: 'keep', reason: 'it was changed since in the same place' };
  if (content.equals(ours) && before.mode === after.mode) return { type: 'nothing', outcome: 'merged' };
  return { type: 'write', outcome: 'merged', kind: before.kind, mode: before.mode, content };
}

function isLink(side: NonNullable<Side>): boolean {
  return side.kind === '120000';
}

function toSide(state: Extract<Seen, { type: 'file' | 'link' | 'missing' }>): Side {
  if (state.type === 'missing') return null;
  const { content, stats, type } = state;
  const kind = toKind(type, stats.mode);
  return { kind, id: toBlobId(content), mode: kind === '120000' ? 0 : stats.mode & 0o7777 };
}

function isSame(one: Side, other: Side): boolean {
  if (one === null || other === null) return one === other;
  const sameMode = one.mode === null || other.mode === null || one.mode === other.mode;
  return one.kind === other.kind && one.id === other.id && sameMode;
}

/** An undo never makes a program run as its owner, even if it did before. */
export function withoutSpecialBits(side: Side): Side {
  return side === null || side.mode === null ? side : { ...side, mode: side.mode & 0o777 };
}

/** The permissions of a file whose snapshot knows only whether it is executable. */
export function toMode(kind: string, now: Seen): number {
  const isExecutable = kind === '100755';
  if (now.type !== 'file') return isExecutable ? 0o755 : 0o644;
  return isExecutable ? now.stats.mode | 0o111 : now.stats.mode & ~0o111;
}
