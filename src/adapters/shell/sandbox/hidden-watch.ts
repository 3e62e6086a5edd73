/**
 * Hides paths again while a command runs. The kernel removes a mount whose name is replaced or removed elsewhere, and
 * what did not exist when the sandbox was made has no mount. So each path is compared with what it was, and covered in the mount
 * namespace of the command if it is another one.
 */
import { spawn } from 'node:child_process';
import { lstatSync, readlinkSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { isInsideReal } from '../../../folders/folders.ts';
import { findProgram } from '../../programs.ts';
import { withoutLoaders } from '../command-environment.ts';
import { toRealPath } from './mounts.ts';

/** What is at a path: its real path with its device and inode; undefined for nothing. */
type Identity = string | undefined;
export type Hidden = ReadonlyMap<string, Identity>;

interface Found {
  real: string;
  identity: string;
}

const LOOK_EVERY_MS = 250;
/** Numbers of the system call setns; those of the calls for mounts are the same everywhere. */
const SETNS: Partial<Record<NodeJS.Architecture, number>> = { x64: 308, arm64: 268 };

/**
 * Enters the namespaces of a process and covers each path, a folder with an empty one and a file with /dev/null. Prints the
 * paths that do not exist there. Ends with 75 if the sandbox is not complete: then /proc is not yet that of its processes. Numbers:
 * NS_GET_USERNS; CLONE_NEWUSER and CLONE_NEWNS; FSOPEN_CLOEXEC, FSCONFIG_CMD_CREATE, read-only without devices and set-user-ID
 * programs; OPEN_TREE_CLONE and OPEN_TREE_CLOEXEC; MOVE_MOUNT_F_EMPTY_PATH, which leaves a link at the path alone.
 */
const PERL = `
my ($setns, $pid, $namespace, @paths) = @ARGV;
sub fail { print STDERR "$_[0]: $!\\n"; exit 125 }
open(my $mounts, '<', "/proc/$pid/ns/mnt") or exit 75;
exit 75 if "mnt:[" . (stat $mounts)[1] . "]" ne $namespace;
my $owner = ioctl($mounts, 0xb701, 0) or fail('owner');
open(my $users, '<&=', $owner) or fail('owner');
my $others = (stat $users)[1] != (stat '/proc/self/ns/user')[1];
!$others or syscall($setns, $owner, 0x10000000) == 0 or fail('setns');
syscall($setns, fileno $mounts, 0x20000) == 0 or fail('setns');
exit 75 if !-e '/proc/1' || -e '/proc/self';
my ($null, $tmpfs, $empty) = ('/dev/null', 'tmpfs', '');
for my $path (@paths) {
  if (!lstat $path) { print "$path\\0"; next }
  my $tree;
  if (-d _) {
    my $made = syscall(430, $tmpfs, 1);
    $made >= 0 && syscall(431, $made, 6, 0, 0, 0) == 0 or fail('tmpfs');
    $tree = syscall(432, $made, 1, 7);
  } else {
    $tree = syscall(428, -100, $null, 0x80001);
  }
  $tree >= 0 && syscall(429, $tree, $empty, -100, $path, 4) == 0 or fail($path);
}`;

/**
 * Call it before the sandbox is made.
 * @param shown absolute real paths that the command sees although they may be in a hidden folder
 */
export function noteHidden(paths: readonly string[], shown: readonly string[]): Hidden {
  const isAround = (path: string) => shown.some((one) => isInsideReal(one, path));
  return new Map(
    paths.flatMap((path) => {
      const found = findAt(path);
      return isAround(found?.real ?? path) ? [] : [[path, found?.identity] as const];
    }),
  );
}

function findAt(path: string): Found | undefined {
  const real = toRealPath(path);
  if (real === undefined) return undefined;
  try {
    const { dev, ino } = lstatSync(real);
    return { real, identity: `${dev}:${ino} ${real}` };
  } catch {
    return undefined;
  }
}

export interface HiddenWatch {
  workspace: string;
  hidden: Hidden;
  /** Process id of the sandbox's first process; undefined before it is known. */
  sandboxPid: () => number | undefined;
  /** It could not be covered. */
  onFault: (path: string, why: string) => void;
}

/** The function returned ends the watch. */
export function watchHidden({ workspace, hidden, sandboxPid, onFault }: HiddenWatch): () => void {
  if (hidden.size === 0) return () => undefined;
  const known = new Map(hidden);
  const missing = new Map<string, string>();
  let namespace: string | undefined;
  let covering = false;
  let over = false;

  const look = async (): Promise<void> => {
    const pid = sandboxPid();
    if (covering || pid === undefined) return;
    namespace ??= namespaceOf(pid);
    const changed = [...known].flatMap(([path, identity]) => {
      const found = findAt(path);
      if (found === undefined) known.set(path, undefined);
      return found === undefined || found.identity === identity ? [] : [{ path, ...found }];
    });
    if (changed.length === 0 || namespace === undefined) return;
    covering = true;
    const end = await cover(
      changed.map(({ real }) => real),
      { pid, namespace, workspace },
    ).catch(toFailed);
    covering = false;
    if (over || end.type === 'later') return;
    if (end.type === 'failed') {
      onFault(changed[0]?.path ?? '', end.why);
      return;
    }
    for (const { path, real, identity } of changed) {
      // It was replaced at that moment, or the sandbox has nothing at this path, which the second look tells.
      if (end.absent.includes(real) && missing.get(path) !== identity) missing.set(path, identity);
      else known.set(path, identity);
    }
  };
  const timer = setInterval(() => void look(), LOOK_EVERY_MS).unref();
  return () => {
    over = true;
    clearInterval(timer);
  };
}

/** Undefined for one that has ended, and for one that is in no other namespace than this process. */
function namespaceOf(pid: number): string | undefined {
  try {
    const found = readlinkSync(`/proc/${pid}/ns/mnt`);
    return found === readlinkSync('/proc/self/ns/mnt') ? undefined : found;
  } catch {
    return undefined;
  }
}

type CoverEnd = { type: 'covered'; absent: string[] } | { type: 'later' } | { type: 'failed'; why: string };

const NOT_READY = 75;

function toFailed(error: unknown): CoverEnd {
  return { type: 'failed', why: error instanceof Error ? error.message : String(error) };
}

async function cover(
  paths: readonly string[],
  { pid, namespace, workspace }: { pid: number; namespace: string; workspace: string },
): Promise<CoverEnd> {
  const perl = findProgram('perl', [workspace]);
  const setns = SETNS[process.arch];
  if (perl === undefined || setns === undefined) return { type: 'failed', why: 'this machine has no Perl' };
  const args = ['-e', PERL, '--', String(setns), String(pid), namespace, ...paths];
  const child = spawn(perl, args, { env: withoutLoaders(process.env), cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | string | null>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code) => resolve(code));
  });
  const [end, absent, said] = await Promise.all([ended, readAll(child.stdout), readAll(child.stderr)]);
  if (end === NOT_READY) return { type: 'later' };
  if (end === 0) return { type: 'covered', absent: absent.split('\0').filter(Boolean) };
  return { type: 'failed', why: said.trim() || `it ended with ${end}` };
}

async function readAll(stream: Readable): Promise<string> {
  return text(stream).catch(() => '');
}
