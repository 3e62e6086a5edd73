/** The input of a walk through a workspace, its working data, and its result. */
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

/** Paths end with a slash. */
export interface WalkedFolders {
  /** The empty ones. */
  empty: RawPath[];
  /** By permissions, in octal, other than 755. */
  modes: Record<string, RawPath[]>;
}

export interface Walked {
  files: ReadonlySet<RawPath>;
  /** Those that differ from their known state. */
  changed: RawPath[];
  leftOut: LeftOut;
  heads: Tracked['heads'];
  /** Ignored paths, each with a value that changes with it. The value of a folder does not depend on deeper content. */
  ignored: Record<RawPath, string>;
  /** There are more ignored paths than are remembered. */
  ignoredIsCut?: boolean;
  /** Folders with a `.git` in them. */
  repositories: RawPath[];
  folders: WalkedFolders;
  /** The repositories' other data. */
  git: RepositoryStates;
  /** Whether large untracked folders are left out. Without a repository all files are equally important. */
  isLimited: boolean;
  /** Paths of files with more than one hard link, grouped by file; set if there are some. */
  links?: RawPath[][];
  /** Files whose rules were not read completely; set if there are some. */
  cutRules?: RawPath[];
}

export interface WalkOptions {
  /** Folders of the worker, absolute: they are never read, wherever they are. */
  apart: readonly string[];
  /** Absolute paths that commands cannot read: no repository in them counts, and no snapshot contains them. */
  closed: readonly string[];
  /** The state of the files when they were last stored. */
  known: ReadonlyMap<RawPath, Entry> | undefined;
  /** Set if the files are compared with those of an earlier snapshot. */
  since?: EarlierWalk;
}

/**
 * A turn may change which files are tracked and which are ignored. If those changes counted, existing files would look
 * new, or new files would be invisible. So every decision is the same as before.
 */
export interface EarlierWalk {
  /** These count as tracked. */
  paths: ReadonlySet<RawPath>;
  isLimited: boolean;
  /** The rules of a folder, which replace those on disk. */
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
  /** Whether they are left out is decided when all of them are known. */
  untracked: Map<RawPath, Stats>;
  seen: number;
  seenTracked: number;
  leftOut: LeftOut;
  ignored: Walked['ignored'];
  ignoredSeen: number;
  repositories: RawPath[];
  folders: WalkedFolders;
  /** By file. */
  links: Map<string, RawPath[]>;
  linked: number;
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

/** The kernel's limit for a path. */
const MAX_PATH_BYTES = 4_096;

export function isTooLong(folder: string, path: RawPath): boolean {
  return toFileName(folder, path).length >= MAX_PATH_BYTES;
}

/** Nested folders; a person does not make more. */
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
