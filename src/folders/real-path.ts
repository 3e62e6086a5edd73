import { lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/** The same limit as Linux. */
const MAX_LINKS = 40;

/**
 * The target of a path, whether it exists or not: links are followed in the existing part, including a link whose
 * target does not exist yet. A program that writes to the path creates that file.
 */
export function followLinks(path: string, linksLeft = MAX_LINKS): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    if (parent === path) return path;
    const place = join(followLinks(parent, linksLeft), basename(path));
    const target = linksLeft === 0 ? undefined : targetOf(place);
    return target === undefined ? place : followLinks(resolve(dirname(place), target), linksLeft - 1);
  }
}

function targetOf(path: string): string | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true ? readlinkSync(path) : undefined;
  } catch {
    return undefined;
  }
}

/** The real path of a folder that is no link itself: links above it are those of the person, one of its own could lead anywhere. */
export function realPlace(path: string): string {
  return join(followLinks(dirname(path)), basename(path));
}

/** Whether something exists at a path, including a broken link. */
export function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}
