/**
 * The sandbox of commands, by bubblewrap (https://github.com/containers/bubblewrap).
 *
 * - `read-only`: the whole file system can be read and nothing of it written. /tmp is a fresh and private folder in
 *   memory, so that tools which need a place for scratch files work; what they leave there is gone with the command.
 * - `workspace-write`: the workspace, the writable roots and /tmp can be written. `.git`, `.codex` and `.bobbin` at the
 *   top of each stay read-only where they exist.
 * - In both, processes live in a process namespace that ends with the command, without capabilities (as root: with those
 *   that concern files), and without a network unless the policy grants it.
 *
 * What it does not do: it hides no file that the worker may read but those it is told to hide, and a Unix socket that can
 * be reached by its path can be connected to. The sockets of container engines, which would hand out the machine, are
 * covered up.
 */
import { execFile } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import type { SandboxPolicy } from '../../../activities/ports.ts';
import { findProgram } from '../programs.ts';

export type SandboxState = { available: true; name: string } | { available: false; reason: string };

/** Folders at the top of a writable root that stay read-only. */
const PROTECTED = ['.git', '.codex', '.bobbin'];
const ENGINE_SOCKETS = ['/run/docker.sock', '/run/containerd/containerd.sock', '/run/podman/podman.sock'];
/** As root, bubblewrap leaves every capability in place, with which the mounts could be undone. */
const ROOT_CAPABILITIES = ['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FOWNER'];
const TMP = '/tmp';

export interface SandboxPlace {
  /** Absolute; the command starts here. */
  cwd: string;
  /** Absolute; what may be written in mode `workspace-write`. A `cwd` outside of it does not become writable. */
  workspace: string;
  /** Absolute; folders that are empty for the command, where they exist. */
  hidden: string[];
}

/** The arguments after `bwrap`, up to and including `--`; the program and its own arguments follow. */
export function toBubblewrapArguments(policy: SandboxPolicy, place: SandboxPlace): string[] {
  const cwd = realpathSync(place.cwd);
  const workspace = realpathSync(place.workspace);
  const files = policy.mode === 'read-only' ? toReadOnly(cwd, workspace) : toWorkspaceWrite(policy, cwd, workspace);
  return [
    ...BASE,
    ...files,
    ...existing(place.hidden).flatMap((path) => ['--tmpfs', path]),
    ...existing(ENGINE_SOCKETS).flatMap((socket) => ['--ro-bind', '/dev/null', socket]),
    ...(policy.networkAccess ? [] : ['--unshare-net']),
    ...['--setenv', 'TMPDIR', TMP, '--chdir', cwd, '--'],
  ];
}

const BASE = [
  ...['--ro-bind', '/', '/', '--dev', '/dev', '--proc', '/proc'],
  ...['--unshare-pid', '--die-with-parent', '--new-session'],
  ...(process.getuid?.() === 0
    ? ['--cap-drop', 'ALL', ...ROOT_CAPABILITIES.flatMap((name) => ['--cap-add', name])]
    : []),
];

function toReadOnly(cwd: string, workspace: string): string[] {
  // A workspace below /tmp would be hidden by the private /tmp, so it is shown again.
  const hidden = [...new Set([workspace, cwd])].filter((path) => isInside(path, TMP)).sort();
  return ['--tmpfs', TMP, ...hidden.flatMap((path) => ['--ro-bind', path, path])];
}

function toWorkspaceWrite(policy: SandboxPolicy, cwd: string, workspace: string): string[] {
  const roots = [...new Set([...existing([TMP, ...policy.writableRoots]), workspace])].sort();
  const guarded = cwdIsWritable(cwd, roots) ? [...roots, cwd] : roots;
  const kept = [...new Set(existing(guarded.flatMap((root) => PROTECTED.map((name) => join(root, name)))))].sort();
  return [
    // Sorted, so that a root comes before what lies inside it and does not cover it again.
    ...roots.flatMap((root) => ['--bind', root, root]),
    ...kept.flatMap((path) => ['--ro-bind', path, path]),
  ];
}

function cwdIsWritable(cwd: string, roots: string[]): boolean {
  return roots.some((root) => isInside(cwd, root));
}

function existing(paths: string[]): string[] {
  return paths.filter((path) => existsSync(path)).map((path) => realpathSync(path));
}

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`));
}

const INSTALL = 'Install it with your package manager (for example `apt install bubblewrap`)';

/** Runs the sandbox once for real, with all it will be asked for later. Never rejects. */
export async function probeBubblewrap(program = findProgram('bwrap', [])): Promise<SandboxState> {
  if (program === undefined) {
    return { available: false, reason: `bubblewrap (bwrap) is not on the PATH. ${INSTALL}.` };
  }
  const complaint = await runOnce(program, [...BASE, '--unshare-net', '--tmpfs', TMP, '--', 'true']);
  if (complaint === undefined) return { available: true, name: 'bubblewrap' };
  return {
    available: false,
    reason:
      `bubblewrap (${program}) is installed but does not work here: ${complaint}. It needs user namespaces: allow them ` +
      '(sysctl kernel.unprivileged_userns_clone=1, or kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu), ' +
      'or in a container, run it with --security-opt seccomp=unconfined.',
  };
}

/** What the program complained about; undefined where it did its work. */
function runOnce(program: string, args: string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(program, args, { timeout: 10_000 }, (error, _stdout, stderr) => {
      if (error === null) resolve(undefined);
      else resolve(stderr.trim().split('\n')[0] || error.message);
    });
  });
}
