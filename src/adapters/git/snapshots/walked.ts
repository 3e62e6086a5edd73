/** What a walk through a workspace is asked for, what it knows on its way, and what it finds. */
import { type Stats, lstatSync } from 'node:fs';
import { relative } from 'node:path';
import { isInside } from '../../../folders/folders.ts';
import { createClosedPaths } from '../../files/closed-paths.ts';
import type { RawPath } from '../process/git-process.ts';
import type { LeftOut, Reason } from '../ignore/left-out.ts';
import type { Entry } from './entry.ts';
import { type Tracked, toFileName, toRaw } from '../repository/repository-data.ts';
import type { RepositoryStates } from '../repository/repository-state.ts';
import type { Slices } from '../process/slices.ts';

/** With a slash at their end. */
export interface WalkedFolders {
  /** Those with nothing in them. */
  empty: RawPath[];
  /** By permissions, in octal, other than 755. */
  modes: Record<string, RawPath[]>;
}

export interface Walked {
  files: ReadonlySet<RawPath>;
  /** Those of them that are not as they are known. */
  changed: RawPath[];
  leftOut: LeftOut;
  heads: Tracked['heads'];
  /** What is ignored, by path, with something that changes with it. Of a folder that is not what lies deeper in it. */
  ignored: Record<RawPath, string>;
  /** There are more ignored paths than are remembered. */
  ignoredIsCut?: boolean;
  /** Folders with a `.git` in them. */
  repositories: RawPath[];
  folders: WalkedFolders;
  /** What else the repositories keep. */
  git: RepositoryStates;
  /** Whether large untracked folders are left out. Without a repository every file is as wanted as any. */
  isLimited: boolean;
  /** Files whose rules were not all looked at; set if there are some. */
  cutRules?: RawPath[];
}

export interface WalkOptions {
  /** Folders of the worker, absolute: nothing in them is looked at, wherever they lie. */
  apart: readonly string[];
  /** What commands cannot read, absolute: no repository is looked for in it, and nothing of it is taken. */
  closed: readonly string[];
  /** How the files were when they were last taken. */
  known: ReadonlyMap<RawPath, Entry> | undefined;
  /** Set where the files are to be compared with those of an earlier snapshot. */
  since?: EarlierWalk;
}

/**
 * What a turn does may change which files are tracked and which are ignored. If that counted, files that were there before
 * it would look new, or files that it made would not be seen. So everything is decided as it was decided before.
 */
export interface EarlierWalk {
  /** These count as tracked. */
  paths: ReadonlySet<RawPath>;
  isLimited: boolean;
  /** Answers the rules of a folder in place of those on disk. */
  rulesOf(path: RawPath, onDisk: Buffer | null): Promise<Buffer | null>;
}

export interface Walker {
  folder: string;
  tracked: Tracked;
  isLimited: boolean;
  since: EarlierWalk | undefined;
  ours: ReadonlySet<string>;
  /** Each as a file and as a folder. */
  denied: ReadonlySet<RawPath>;
  known: ReadonlyMap<RawPath, Entry> | undefined;
  files: Set<RawPath>;
  changed: RawPath[];
  /** Whether they are left out is decided once all of them are known. */
  untracked: Map<RawPath, Stats>;
  seen: number;
  seenTracked: number;
  leftOut: LeftOut;
  ignored: Walked['ignored'];
  ignoredSeen: number;
  repositories: RawPath[];
  folders: WalkedFolders;
  cutRules: RawPath[];
  slices: Slices;
}

export function leaveOut({ leftOut }: Walker, reason: Reason, path: RawPath): void {
  (leftOut[reason] ??= []).push(path);
}

export function lookAt(folder: string, path: RawPath): Stats | undefined {
  try {
    return lstatSync(toFileName(folder, path), { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** What the kernel takes for a path. */
const MAX_PATH_BYTES = 4_096;

export function isTooLong(folder: string, path: RawPath): boolean {
  return toFileName(folder, path).length >= MAX_PATH_BYTES;
}

/** Folders in each other; more are no work of a person. */
const MAX_DEPTH = 128;

export function isTooDeep(path: RawPath): boolean {
  let depth = 0;
  for (let at = path.indexOf('/'); at !== -1 && depth <= MAX_DEPTH; at = path.indexOf('/', at + 1)) depth += 1;
  return depth > MAX_DEPTH;
}

export function toPlaces(folder: string, denied: readonly string[]): Set<RawPath> {
  const { places } = createClosedPaths(denied, folder);
  const inside = places.filter((place) => isInside(place, folder)).map((place) => toRaw(relative(folder, place)));
  return new Set(inside.flatMap((path) => [path, `${path}/`]));
}

export function isOurs({ folder, ours }: Walker, path: RawPath): boolean {
  if (ours.size === 0) return false;
  const stats = lookAt(folder, path);
  return stats !== undefined && ours.has(`${stats.dev}:${stats.ino}`);
}

export function toIdentity(folder: string): string[] {
  try {
    const { dev, ino } = lstatSync(folder);
    return [`${dev}:${ino}`];
  } catch {
    return [];
  }
}
