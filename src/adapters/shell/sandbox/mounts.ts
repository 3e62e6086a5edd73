/** The file system of a command in the sandbox, as mounts on top of the read-only root. */
import { lstatSync, mkdirSync, realpathSync, rmSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { isInsideReal } from '../../../folders/folders.ts';
import type { MountSources } from './mount-sources.ts';

/** Paths are real ones: absolute and without symbolic links. */
export type Mount =
  /** As it is outside, and can be written. */
  | { path: string; how: 'write' }
  /** As it is outside, and can only be read. */
  | { path: string; how: 'read' }
  /** The content of another folder, which can be written. */
  | { path: string; how: 'scratch'; from: string }
  /** An empty folder. */
  | { path: string; how: 'empty' }
  /** The content of another file, which is empty. */
  | { path: string; how: 'blank'; from: string }
  /** A file that is mounted there already, and can only be read. */
  | { path: string; how: 'covered' }
  /** A symbolic link, in an empty folder. */
  | { path: string; how: 'link'; to: string };

/**
 * The arguments of bubblewrap. Of two mounts on one path the later one counts, and a mount below another one lies on top
 * of it, whatever their order.
 *
 * A folder that can be written must not be moved away from under a mount: a new folder of its name would then be what
 * everybody outside finds there. So each folder on the way to a mount is a mount itself, which the kernel does not move.
 */
export function toMountArguments(mounts: readonly Mount[], sources: Pick<MountSources, 'bind'>): string[] {
  const byPath = new Map(mounts.map((mount) => [mount.path, mount]));
  const kept: Mount[] = [];
  const args: string[] = [];
  const last: string[] = [];
  const pinned = new Set<string>();
  for (const path of [...byPath.keys()].sort(byWay)) {
    const mount = byPath.get(path) as Mount;
    const under = kept.findLast((other) => isBelow(path, other.path));
    if (isNeedless(mount, under)) continue;
    for (const step of toPins(mount, under)) {
      if (pinned.has(step.path)) continue;
      pinned.add(step.path);
      args.push(...toArguments(step, sources));
      // It is in memory, which no limit on files would bound.
      if (step.how === 'empty') last.push('--remount-ro', step.path);
    }
    kept.push(mount);
    // The root is mounted by the caller, before everything that the sandbox brings itself.
    if (path !== '/') args.push(...toArguments(mount, sources));
    if (mount.how === 'empty') last.push('--remount-ro', path);
  }
  return [...args, ...last];
}

/** A folder comes before what lies in it. */
function byWay(a: string, b: string): number {
  const [left, right] = [a.split(sep).join('\0'), b.split(sep).join('\0')];
  return left < right ? -1 : left > right ? 1 : 0;
}

function isNeedless(mount: Mount, under: Mount | undefined): boolean {
  const isShown = mount.how !== 'empty' && mount.how !== 'blank';
  if (under === undefined) return mount.how === 'read';
  if (under.how === 'read') return mount.how === 'read';
  // The content of a replaced folder is not visible anyway.
  if (under.how === 'empty' || under.how === 'scratch') return !isShown;
  return mount.how === 'write' && under.how === 'write';
}

function toPins(mount: Mount, under: Mount | undefined): Mount[] {
  if (under === undefined || (under.how !== 'write' && under.how !== 'scratch')) return [];
  const names = relative(under.path, mount.path).split(sep);
  if (under.how === 'write') {
    return names
      .slice(0, -1)
      .map((_, index) => join(under.path, ...names.slice(0, index + 1)))
      .map((path) => ({ path, how: 'write' }));
  }
  // In a folder that commands fill, bubblewrap must not follow a link of theirs to where it makes the next mount.
  const first = names[0] ?? '';
  makeRealFolder(join(under.from, first));
  return names.length === 1 ? [] : [{ path: join(under.path, first), how: 'empty' }];
}

function makeRealFolder(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  rmSync(path, { force: true });
  mkdirSync(path, { mode: 0o700 });
}

function toArguments(mount: Mount, sources: Pick<MountSources, 'bind'>): string[] {
  switch (mount.how) {
    case 'write':
      return sources.bind('--bind', mount.path);
    case 'read':
      return sources.bind('--ro-bind', mount.path);
    case 'covered':
      return ['--ro-bind', mount.path, mount.path];
    case 'scratch':
      return ['--bind', mount.from, mount.path];
    case 'empty':
      return ['--tmpfs', mount.path];
    case 'blank':
      return ['--ro-bind', mount.from, mount.path];
    case 'link':
      return ['--symlink', mount.to, mount.path];
  }
}

/**
 * Hides whatever is at the path; nothing if it does not exist.
 * @param blank an empty file.
 */
export function hide(path: string, blank: string): Mount[] {
  const real = toRealPath(path);
  const stats = real === undefined ? undefined : lstatSync(real, { throwIfNoEntry: false });
  if (real === undefined || stats === undefined) return [];
  return [stats.isDirectory() ? { path: real, how: 'empty' } : { path: real, how: 'blank', from: blank }];
}

/** Undefined if it does not exist, or this process may not reach it. */
export function toRealPath(path: string): string | undefined {
  try {
    // Most paths do not exist. This check finds that a hundred times faster.
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

function isBelow(path: string, folder: string): boolean {
  return path !== folder && isInsideReal(path, folder);
}
