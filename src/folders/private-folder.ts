/** Folders that only this user may read, whatever the umask is. */
import { type Stats, chmodSync, lstatSync, mkdirSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

const FOLDER_MODE = 0o700;
const OTHERS = 0o077;
const OWNER = 0o700;

/** Names that any release has used in its data folder, in a folder of keys and in an archive. */
const OWN_NAMES = [
  /^(archive|clones|commands|keys|mcp|packs|pipes|rules|sandboxes|skills|snapshots|supervisors|targets|tmp|trusted-skills|worktrees)$/,
  /^(dev|host|http-tokens|mcp|reference-identity|temporal)\.json|^http-token$|^temporal\.(db|log)|\.lock|^worker\.log$|^workspaces\.jsonl$|^\.writable-/,
  /^(blank|seccomp\.bpf|git-link-[0-9a-f]{32})(\.\d+)?$|^proxy-[0-9a-f]+\.sock$|^instructions\.md$/,
  /^(current|next)$|\.(json|segment|tmp)$/,
];

/**
 * Makes a folder private: a new one, or an existing one that was open to others, with everything inside. Returns
 * whether it was open. Throws if the folder, or something in an open one, belongs to another user, and if an open one
 * contains foreign files: it may be somebody's home or /tmp.
 */
export function makePrivateFolder(path: string): { wasOpen: boolean } {
  mkdirSync(path, { recursive: true, mode: FOLDER_MODE });
  if (!knowsOwners()) return { wasOpen: false };
  const { uid, mode } = statSync(path);
  requireOwn(path, uid);
  if ((mode & OTHERS) === 0) return { wasOpen: false };
  const other = readdirSync(path).find((name) => !isOwnName(name));
  if (other !== undefined)
    throw new Error(
      `${path} is open to other users and holds ${other}, which Bobbin did not make: name a folder for Bobbin alone, or close it to others with chmod 700`,
    );
  chmodSync(path, FOLDER_MODE);
  closeToOthers(path);
  return { wasOpen: true };
}

/** Whether Bobbin may have made something of this name in one of its folders. */
export function isOwnName(name: string): boolean {
  return OWN_NAMES.some((pattern) => pattern.test(name));
}

/**
 * Whether nobody else can put something at this path, according to modes: it and all folders above it belong to this
 * user or to root, and others may write none of them. Code must be loaded only from such a place.
 */
export function isOnlyOurs(path: string): boolean {
  return !knowsOwners() || [path, realpathSync(path)].every((one) => isOurs(statSync(one), false) && aboveIsOurs(one));
}

function aboveIsOurs(path: string): boolean {
  const above = dirname(path);
  return above === path || (isOurs(statSync(above), true) && aboveIsOurs(above));
}

/** In a sticky folder, such as /tmp, nobody can replace what belongs to another user. */
function isOurs({ uid, mode }: Stats, maySticky: boolean): boolean {
  const isClosed = (mode & 0o022) === 0 || (maySticky && (mode & 0o1000) !== 0);
  return isClosed && (uid === process.getuid?.() || uid === 0);
}

/** Windows separates the folders of its users. */
function knowsOwners(): boolean {
  return process.getuid !== undefined;
}

function requireOwn(path: string, uid: number): void {
  if (uid !== process.getuid?.()) throw new Error(`${path} belongs to another user (uid ${uid})`);
}

/** Everything inside a folder. */
export function closeToOthers(folder: string): void {
  for (const entry of readdirSync(folder)) {
    const path = join(folder, entry);
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined || found.isSymbolicLink()) continue;
    requireOwn(path, found.uid);
    if ((found.mode & OTHERS) !== 0) chmodSync(path, found.mode & OWNER);
    if (found.isDirectory()) closeToOthers(path);
  }
}
