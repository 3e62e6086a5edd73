/**
 * Symbolic links that a command could remove, and through which programs outside read code or configuration. A file is
 * mounted over each before bubblewrap starts, since bubblewrap does not mount on a link itself; the kernel removes no
 * mount.
 */
import { lstatSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../../programs.ts';

export interface CoveredLink {
  /** Absolute; without links, except itself. */
  path: string;
  /** Undefined for a broken link. */
  target: string | undefined;
}

/** The links among these names in a folder. */
export function findLinks(folder: string, names: readonly string[]): CoveredLink[] {
  const paths = names.map((name) => join(folder, name));
  const isLink = (path: string) => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  return paths.filter(isLink).map((path) => ({ path, target: follow(path) }));
}

function follow(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

/** Numbers of the system calls unshare and mount; those of open_tree and move_mount are the same everywhere. */
const CALLS: Partial<Record<NodeJS.Architecture, [number, number]>> = { x64: [272, 165], arm64: [97, 40] };

/**
 * Makes a mount namespace, in a user namespace unless it is root's, mounts each file on the name after it, and becomes the
 * program after `--`. Flags: CLONE_NEWNS and CLONE_NEWUSER; MS_REC and MS_SLAVE; OPEN_TREE_CLONE and OPEN_TREE_CLOEXEC;
 * MOVE_MOUNT_F_EMPTY_PATH, which leaves links on the way to the name alone.
 */
const PERL = `
my ($unshare, $mount, $uid, $gid, @rest) = @ARGV;
sub fail { print STDERR "$_[0]: $!\\n"; exit 125 }
syscall($unshare, 0x20000 | ($uid ? 0x10000000 : 0)) == 0 or fail('unshare');
for ($uid ? (['setgroups', 'deny'], ['uid_map', "$uid $uid 1"], ['gid_map', "$gid $gid 1"]) : ()) {
  my ($name, $text) = @$_;
  open(my $file, '>', "/proc/self/$name") or fail($name);
  print($file $text) && close($file) or fail($name);
}
my ($none, $top, $empty) = ('none', '/', '');
syscall($mount, $none, $top, 0, 0x84000, 0) == 0 or fail('mount');
while ((my $file = shift @rest) ne '--') {
  my $name = shift @rest;
  my $tree = syscall(428, -100, $file, 0x80001);
  $tree >= 0 or fail("open_tree $file");
  syscall(429, $tree, $empty, -100, $name, 4) == 0 or fail("move_mount $name");
}
exec { $rest[0] } @rest or fail($rest[0]);`;

/**
 * The arguments before bubblewrap; none if there is nothing to cover. Throws if this machine cannot do it.
 * @param fileFor the file that is mounted over a link, absolute.
 */
export function toCover(
  links: readonly CoveredLink[],
  fileFor: (link: CoveredLink) => string,
  workspace: string,
): string[] {
  const [first] = links;
  if (first === undefined) return [];
  const calls = CALLS[process.arch];
  const perl = findProgram('perl', [workspace]);
  if (calls === undefined || perl === undefined || process.getuid === undefined || process.getgid === undefined) {
    const instead = first.target === undefined ? '' : ` Put what it leads to (${first.target}) in its place.`;
    throw new Error(`${first.path} is a symbolic link, which takes Perl to protect.${instead}`);
  }
  const ids = [process.getuid(), process.getgid()];
  const pairs = links.flatMap((link) => [fileFor(link), link.path]);
  return [perl, '-e', PERL, '--', ...[...calls, ...ids].map(String), ...pairs, '--'];
}
