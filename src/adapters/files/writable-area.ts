import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { Failure } from '../../../activities/failures.ts';
import type { PathLead, SandboxPolicy } from '../../../activities/ports.ts';
import { isInside } from '../../folders/folders.ts';
import { type ClosedPaths, createClosedPaths } from './closed-paths.ts';
import { isKnown, toShown } from './path-leads.ts';
import { followLinks } from '../../folders/real-path.ts';

/** Folders inside of a writable root that no patch may write, at any depth. */
const PROTECTED = new Set(['.git', '.codex', '.bobbin']);

export interface WritableArea {
  /**
   * The real path of a patch's path, with relative paths taken from the working directory. Follows symbolic links,
   * including the file itself unless `entry` is set, which is for paths to remove. Throws `patchOutsideWorkspace` if
   * the policy does not allow writing there.
   */
  resolve(path: string, options?: { entry: boolean }): string;
  /** As a report shows it: relative if it is inside of the working directory. */
  show(realPath: string): string;
}

export interface AreaOptions {
  /** Folders that stay closed at any place. */
  closed?: readonly string[];
  /** Paths that commands cannot read either. */
  denied?: readonly string[];
  /** The working directory as the person who accepted the patch saw it, and the targets of its paths then. */
  shown?: { cwd: string; leads: readonly PathLead[] };
}

/**
 * The same area that the sandbox opens to commands, except their private /tmp, for files that are written without a
 * command.
 *
 * A path that was resolved here must be written through `safe-folder.ts`: it has no links now, and may have one later.
 */
export function createWritableArea(
  cwd: string,
  policy: SandboxPolicy,
  { closed = [], denied = [], shown = { cwd, leads: [] } }: AreaOptions = {},
): WritableArea {
  const realCwd = followLinks(cwd);
  const roots = [realCwd, ...policy.writableRoots.map((root) => followLinks(resolve(root)))];
  const kept = closed.map((folder) => followLinks(resolve(folder)));
  const secret = createClosedPaths(denied, realCwd);
  const complainOf = (path: string, real: string): string | undefined => {
    const inSandbox = complain(real, roots, policy, kept) ?? complainOfSecret(real, secret);
    if (policy.mode !== 'danger-full-access' || inSandbox === undefined) return inSandbox;
    return complainOfLead(toShown(path, shown.cwd), real, realCwd, shown);
  };
  return {
    resolve(path, { entry } = { entry: false }) {
      const wanted = resolve(realCwd, path);
      const real = entry ? join(followLinks(dirname(wanted)), basename(wanted)) : followLinks(wanted);
      const complaint = complainOf(path, real);
      if (complaint === undefined) return real;
      throw new Failure('patchOutsideWorkspace', `The patch may not write ${path}: ${complaint}`, {
        details: { path, realPath: real, mode: policy.mode },
      });
    },
    show: (realPath) => (isInside(realPath, realCwd) ? relative(realCwd, realPath) : realPath),
  };
}

/** Why a sandbox does not let it be written; with full access, why the narrower mode would not. */
function complain(real: string, roots: string[], policy: SandboxPolicy, closed: string[]): string | undefined {
  if (policy.mode === 'read-only')
    return 'the sandbox is read-only. Ask for mode workspace-write, or answer without a change.';
  if (closed.some((folder) => isInside(real, folder))) return 'what lies there is for the worker alone.';
  const around = roots.filter((root) => isInside(real, root));
  if (around.length === 0) {
    const tmp = isInside(real, '/tmp') ? ' Only commands have a /tmp: it is private to the thread.' : '';
    return `${real} lies outside of ${roots.join(', ')}. Keep to these, or add a writable root.${tmp}`;
  }
  const kept = around
    .flatMap((root) => relative(root, real).split(sep))
    .find((part) => PROTECTED.has(part.toLowerCase()));
  return kept === undefined ? undefined : `what lies in ${kept} is protected.`;
}

function complainOfSecret(real: string, secret: ClosedPaths): string | undefined {
  if (!secret.has(real)) return undefined;
  return 'it is closed to commands and patches, as keys, sign-ins and what BOBBIN_DENY_READ names.';
}

function complainOfLead(
  path: string,
  real: string,
  realCwd: string,
  { cwd, leads }: NonNullable<AreaOptions['shown']>,
): string | undefined {
  if (isKnown(path, real, leads, cwd, realCwd)) return undefined;
  return `it leads to ${real} now, which nobody was shown. Name that path if it is what you mean.`;
}
