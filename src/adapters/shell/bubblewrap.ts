/**
 * The sandbox of commands, by bubblewrap (https://github.com/containers/bubblewrap). `docs/sandbox.md` says what it
 * holds and what it does not.
 *
 * - `read-only`: the file system can be read and nothing of it written, except /tmp, /var/tmp and /dev/shm.
 * - `workspace-write`: the workspace and the writable roots can be written, too. `.git`, `.codex` and `.bobbin` at the
 *   top of each stay read-only if they exist.
 * - In both, /tmp and /var/tmp are the thread's own, /run is empty, and what holds credentials or leads out of the
 *   sandbox is hidden. Processes live in namespaces that end with the command, without capabilities (as root: with those
 *   that concern files), and without a network unless the policy grants it.
 */
import { execFile } from 'node:child_process';
import { existsSync, lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { assertWorkspace } from '../files/workspace.ts';
import type { SandboxPolicy } from '../../../activities/ports.ts';
import { type Mount, hide, isInside, toMountArguments, toRealPath } from './mounts.ts';
import { PROXY_SOCKET } from './network-forwarder.ts';
import type { Scratch } from './scratch.ts';

export type SandboxState = { available: true; name: string } | { available: false; reason: string };

/** Names at the top of a writable root that stay read-only: programs outside read them as code or configuration. */
const PROTECTED = ['.git', '.codex', '.bobbin'];
/** As root, bubblewrap leaves every capability in place, with which the mounts could be undone. */
const ROOT_CAPABILITIES = ['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FOWNER'];
/** Of /proc, what root could change for the whole machine, and others for their namespaces. */
const MACHINE_SETTINGS = ['sys', 'sysrq-trigger', 'irq', 'bus', 'fs', 'acpi', 'mtrr', 'scsi', 'dynamic_debug'];
/** Folders of programs on systems that keep a link to them in /run. */
const SYSTEM_LINKS = ['/run/current-system', '/run/booted-system', '/run/opengl-driver'];
const IS_ROOT = process.getuid?.() === 0;

export interface SandboxPlace {
  /** Absolute; the command starts here. */
  cwd: string;
  /** The real path that `workspace` must have; left out, any. */
  root: string | undefined;
  /** Absolute; what may be written in mode `workspace-write`. A `cwd` outside of it does not become writable. */
  workspace: string;
  /** Absolute; what the command neither reads nor connects to, if it exists. A workspace in it is shown all the same. */
  hidden: readonly string[];
  /** Absolute; folders in what is hidden that can be read. */
  shown: readonly string[];
  scratch: Scratch;
  /** Absolute; an empty file. */
  blank: string;
  /** Absolute; the socket of a proxy, the one way to a network. */
  proxy: string | undefined;
  /** Descriptor of the bubblewrap process with a filter of system calls. */
  filter: number | undefined;
}

/** The arguments after `bwrap`, up to and including `--`; the program and its own arguments follow. */
export function toBubblewrapArguments(policy: SandboxPolicy, place: SandboxPlace): string[] {
  const workspace = place.root ?? realpathSync(place.workspace);
  assertWorkspace(workspace, workspace);
  const writable = policy.mode === 'read-only' ? [] : [...policy.writableRoots.flatMap(toReal), workspace];
  const mounts: Mount[] = [
    // On some systems /var/tmp is a link to /tmp.
    ...toReal('/var/tmp').map((path): Mount => ({ path, how: 'scratch', from: place.scratch.varTmp })),
    { path: '/tmp', how: 'scratch', from: place.scratch.tmp },
    { path: '/dev/shm', how: 'scratch', from: place.scratch.shm },
    { path: '/run', how: 'empty' },
    ...(place.proxy === undefined ? [] : [{ path: PROXY_SOCKET, how: 'scratch', from: place.proxy } as const]),
    ...SYSTEM_LINKS.flatMap(toLink),
    ...(policy.networkAccess ? toReal('/etc/resolv.conf').map((path): Mount => ({ path, how: 'read' })) : []),
    ...place.hidden.flatMap((path) => hide(path, place.blank)),
    ...place.shown.flatMap(toReal).map((path): Mount => ({ path, how: 'read' })),
    { path: workspace, how: 'read' },
    ...writable.map((path): Mount => ({ path, how: 'write' })),
    ...writable.flatMap(toProtected),
  ];
  return [
    ...[writable.includes('/') ? '--bind' : '--ro-bind', '/', '/', ...BASE],
    ...['--remount-ro', '/dev', ...toMountArguments(mounts)],
    ...(policy.networkAccess ? [] : ['--unshare-net']),
    ...(place.filter === undefined ? [] : ['--seccomp', String(place.filter)]),
    ...['--setenv', 'TMPDIR', '/tmp', '--chdir', toRealPath(place.cwd) ?? place.cwd, '--'],
  ];
}

const BASE = [
  ...['--dev', '/dev', '--proc', '/proc', ...coverMachine()],
  ...['--unshare-pid', '--unshare-ipc', '--die-with-parent', '--new-session'],
  ...(IS_ROOT ? ['--cap-drop', 'ALL', ...ROOT_CAPABILITIES.flatMap((name) => ['--cap-add', name])] : []),
];

function coverMachine(): string[] {
  const paths = MACHINE_SETTINGS.map((name) => `/proc/${name}`).filter((path) => existsSync(path));
  return paths.flatMap((path) => ['--ro-bind', path, path]);
}

function toProtected(root: string): Mount[] {
  return PROTECTED.flatMap((name) => toReal(join(root, name))).map((path) => ({ path, how: 'read' }));
}

function toReal(path: string): string[] {
  const real = toRealPath(path);
  return real === undefined ? [] : [real];
}

function toLink(path: string): Mount[] {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return [];
  return [{ path, how: 'link', to: readlinkSync(path) }];
}

/** Where a path of the command lies outside of the sandbox. */
export function toOutsidePath(path: string, roots: readonly string[], { tmp, varTmp }: Scratch): string {
  if (roots.some((root) => isInside(path, root))) return path;
  for (const [inside, outside] of [
    ['/tmp', tmp],
    ['/var/tmp', varTmp],
  ] as const) {
    if (isInside(path, inside)) return join(outside, path.slice(inside.length));
  }
  return path;
}

const INSTALL = 'Install it with your package manager (for example `apt install bubblewrap`)';

/** Runs the sandbox once for real, with all it will be asked for later. Never rejects. */
export async function probeBubblewrap(program: string | undefined): Promise<SandboxState> {
  if (program === undefined) {
    return { available: false, reason: `bubblewrap (bwrap) is not on the PATH. ${INSTALL}.` };
  }
  const complaint = await runOnce(program, [
    '--ro-bind',
    '/',
    '/',
    ...BASE,
    '--unshare-net',
    '--tmpfs',
    '/tmp',
    '--',
    'true',
  ]);
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
