/**
 * The mounted paths of a sandbox, each opened once: bubblewrap gets descriptors and compares its mounts with them, so
 * that nobody can replace a folder by a link after the check.
 */
import { closeSync, constants, fstatSync, openSync, readlinkSync } from 'node:fs';

export interface MountSources {
  /** The arguments that mount a path on itself. Throws `MountChanged` if it is gone, or leads through a symbolic link. */
  bind(option: '--bind' | '--ro-bind', path: string): string[];
  /** In the order of their numbers in the bubblewrap process. */
  readonly descriptors: readonly number[];
  close(): void;
}

/** Somebody has replaced or removed a path between the listing and the mount. */
export class MountChanged extends Error {}

const { O_NOFOLLOW } = constants;
/** Needs no permission to read. Linux; Node has no constant for it. */
const O_PATH = 0o10000000;

/** @param first the number that the first descriptor has in the bubblewrap process. */
export function openMountSources(first: number): MountSources {
  const descriptors: number[] = [];
  return {
    descriptors,
    bind(option, path) {
      const descriptor = openPath(path);
      const number = first + descriptors.push(descriptor) - 1;
      const now = readlinkSync(`/proc/self/fd/${descriptor}`);
      if (now !== path || fstatSync(descriptor).isSymbolicLink()) throw new MountChanged(`${path} is a link`);
      return [`${option}-fd`, String(number), path];
    },
    close: () => descriptors.splice(0).forEach((descriptor) => closeSync(descriptor)),
  };
}

function openPath(path: string): number {
  try {
    return openSync(path, O_PATH | O_NOFOLLOW);
  } catch (cause) {
    throw new MountChanged(cause instanceof Error ? cause.message : path, { cause });
  }
}

/** For a bubblewrap that accepts no descriptors (before 0.9, unless its distribution has fixed CVE-2024-42472). */
export const mountByPath: MountSources = {
  bind: (option, path) => [option, path, path],
  descriptors: [],
  close: () => undefined,
};
