/**
 * The sandbox of commands, by bubblewrap (https://github.com/containers/bubblewrap). `docs/sandbox.md` says what it
 * holds and what it does not.
 *
 * - `read-only`: the file system can be read and nothing of it written, except /tmp, /var/tmp and /dev/shm.
 * - `workspace-write`: the workspace and the writable roots can be written, too. `.git`, `.codex` and `.bobbin` at the
 *   top of each stay read-only if they exist, and so does what they lead to in there.
 * - In both, /tmp and /var/tmp are the thread's own, /run is empty, and what holds credentials or leads out of the
 *   sandbox is hidden. Processes live in namespaces that end with the command, without capabilities (as root: with those
 *   that concern files), and without a network unless the policy grants it.
 */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, lstatSync, openSync, readlinkSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { assertWorkspace } from '../../files/workspace.ts';
import type { SandboxPolicy } from '../../../../activities/ports.ts';
import { repositoryAt } from '../../git/repository/repository-place.ts';
import { withoutLoaders } from '../command-environment.ts';
import { type CoveredLink, findLinks } from './covered-links.ts';
import type { MountSources } from './mount-sources.ts';
import { isInsideReal } from '../../../folders/folders.ts';
import { type Mount, hide, toMountArguments, toRealPath } from './mounts.ts';
import { PROXY_SOCKET } from '../network/network-forwarder.ts';
import type { Scratch } from './scratch.ts';

export type ProbedBubblewrap =
  { available: true; name: string; takesDescriptors: boolean } | { available: false; reason: string };

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
  /** Of the environment, what bubblewrap itself must not have. */
  variables: Record<string, string>;
  sources: MountSources;
}

/** Links at the top of what may be written, to be covered before bubblewrap starts. */
export function findProtectedLinks(policy: SandboxPolicy, workspace: string): CoveredLink[] {
  return toWritable(policy, workspace).flatMap((folder) => findLinks(folder, PROTECTED));
}

function toWritable(policy: SandboxPolicy, workspace: string): string[] {
  return policy.mode === 'read-only' ? [] : [...policy.writableRoots, workspace].flatMap(toReal);
}

/**
 * The arguments after `bwrap`, up to and including `--`; the program and its own arguments follow. Throws if something
 * that is mounted is replaced at that moment.
 */
export function toBubblewrapArguments(policy: SandboxPolicy, place: SandboxPlace): string[] {
  const workspace = place.root ?? realpathSync(place.workspace);
  assertWorkspace(workspace, workspace);
  const writable = toWritable(policy, workspace);
  const hidden = place.hidden.flatMap((path) => hide(path, place.blank));
  const mounts: Mount[] = [
    // On some systems /var/tmp is a link to /tmp.
    ...toReal('/var/tmp').map((path): Mount => ({ path, how: 'scratch', from: place.scratch.varTmp })),
    { path: '/tmp', how: 'scratch', from: place.scratch.tmp },
    { path: '/dev/shm', how: 'scratch', from: place.scratch.shm },
    { path: '/run', how: 'empty' },
    ...(place.proxy === undefined ? [] : [{ path: PROXY_SOCKET, how: 'scratch', from: place.proxy } as const]),
    ...SYSTEM_LINKS.flatMap(toLink),
    ...(policy.networkAccess ? toReal('/etc/resolv.conf').map((path): Mount => ({ path, how: 'read' })) : []),
    // The workspace chooses what is protected, so this must not reveal hidden paths.
    ...toProtected(writable, hidden),
    ...hidden,
    ...place.shown.flatMap(toReal).map((path): Mount => ({ path, how: 'read' })),
    { path: workspace, how: 'read' },
    ...writable.map((path): Mount => ({ path, how: 'write' })),
  ];
  return [
    ...[writable.includes('/') ? '--bind' : '--ro-bind', '/', '/', ...BASE],
    ...['--remount-ro', '/dev', ...toMountArguments(mounts, place.sources)],
    ...(policy.networkAccess ? [] : ['--unshare-net']),
    ...(place.filter === undefined ? [] : ['--seccomp', String(place.filter)]),
    ...Object.entries(place.variables).flatMap(([name, value]) => ['--setenv', name, value]),
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

/** Names at the top of what may be written, and what they lead to in there, as links or as the file `.git`. */
function toProtected(writable: readonly string[], hidden: readonly Mount[]): Mount[] {
  const links = writable.flatMap((root) => findLinks(root, PROTECTED));
  const covered = new Set(links.map(({ path }) => path));
  const named = writable.flatMap((root) => {
    const place = repositoryAt(root, []);
    const parts = place === null ? [] : [place.gitDir, place.commonDir, ...place.objects];
    return [...PROTECTED.map((name) => join(root, name)), ...parts];
  });
  const paths = named.flatMap(toReal);
  const places = [...hidden.map(({ path }) => ({ path, isOpen: false })), ...writable.map(toOpen)];
  const isOpen = (path: string) =>
    places
      .filter((place) => isInsideReal(path, place.path))
      .sort(byDepth)
      .at(-1)?.isOpen;
  return [
    ...paths.filter(isOpen).map((path): Mount => ({ path, how: 'read' })),
    ...[...covered].map((path): Mount => ({ path, how: 'covered' })),
  ];
}

const toOpen = (path: string) => ({ path, isOpen: true });
const byDepth = (one: { path: string }, other: { path: string }) => one.path.length - other.path.length;

function toReal(path: string): string[] {
  const real = toRealPath(path);
  return real === undefined ? [] : [real];
}

function toLink(path: string): Mount[] {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return [];
  return [{ path, how: 'link', to: readlinkSync(path) }];
}

const INSTALL = 'Install it with your package manager (for example `apt install bubblewrap`)';

/** Runs the sandbox once for real, with all it will be asked for later. Never rejects. */
export async function probeBubblewrap(program: string | undefined): Promise<ProbedBubblewrap> {
  if (program === undefined) {
    return { available: false, reason: `bubblewrap (bwrap) is not on the PATH. ${INSTALL}.` };
  }
  const args = ['--ro-bind', '/', '/', ...BASE, '--unshare-net', '--tmpfs', '/tmp'];
  const complaint = await runOnce(program, [...args, '--', 'true']);
  if (complaint === undefined) {
    const withDescriptor = await runOnce(program, [...args, '--ro-bind-fd', '3', '/tmp', '--', 'true']);
    return { available: true, name: 'bubblewrap', takesDescriptors: withDescriptor === undefined };
  }
  return {
    available: false,
    reason:
      `bubblewrap (${program}) is installed but does not work here: ${complaint}. It needs user namespaces: allow them ` +
      '(sysctl kernel.unprivileged_userns_clone=1, or kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu), ' +
      'or in a container, run it with --security-opt seccomp=unconfined.',
  };
}

const PROBE_MS = 10_000;

/** With `/` as descriptor 3. What the program complained about; undefined if it did its work. */
async function runOnce(program: string, args: string[]): Promise<string | undefined> {
  const top = openSync('/', 'r');
  try {
    const env = withoutLoaders(process.env);
    const child = spawn(program, args, { env, stdio: ['ignore', 'ignore', 'pipe', top], timeout: PROBE_MS });
    const ended = new Promise<string | undefined>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('close', (code, signal) => resolve(code === 0 ? undefined : `it ended with ${signal ?? code}`));
    });
    const [complaint, end] = await Promise.all([child.stderr === null ? '' : text(child.stderr), ended]);
    return end === undefined ? undefined : complaint.trim().split('\n')[0] || end;
  } finally {
    closeSync(top);
  }
}
