/**
 * A complete repository of one thread, copied from a mirror. Nothing in it refers to the mirror: what a command does to
 * its repository reaches no other thread.
 */
import { constants } from 'node:fs';
import { copyFile, mkdir, readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makePrivateTemp } from '../../../folders/private-temp.ts';
import { replacePrivateFile } from '../../../folders/private-file.ts';
import { runGit } from '../process/git-process.ts';
import { makePrivateGitDir } from '../process/private-git-dir.ts';
import type { Mirror } from './mirror.ts';
import { tooLarge } from './refusals.ts';

/** Without files. @param folder a new one, absolute */
export async function copyRepository(mirror: Mirror, folder: string, repository: string): Promise<void> {
  const { gitDir, objectFormat, commit, branch } = mirror;
  const own = join(folder, '.git');
  for (const part of ['objects/info', 'objects/pack', 'refs/heads', 'refs/tags', 'info'])
    await mkdir(join(own, part), { recursive: true });
  const packs = join(gitDir, 'objects', 'pack');
  // A file system that can share the blocks does.
  for (const name of await readdir(packs))
    await copyFile(join(packs, name), join(own, 'objects', 'pack', name), constants.COPYFILE_FICLONE);
  await copyFile(join(gitDir, 'shallow'), join(own, 'shallow')).catch(() => undefined);
  const files = {
    config: toConfig(repository, objectFormat, branch),
    'packed-refs': toOwnRefs(await readFile(join(gitDir, 'packed-refs'), 'utf8')),
    ...(branch === null ? {} : { [`refs/heads/${branch}`]: `${commit}\n` }),
    HEAD: branch === null ? `${commit}\n` : `ref: refs/heads/${branch}\n`,
  };
  for (const [name, content] of Object.entries(files)) await replacePrivateFile(join(own, name), content);
}

/** As `git clone` names them. */
function toOwnRefs(packed: string): string {
  const lines = packed.split('\n').filter((line) => line !== '');
  const own = lines.map((line) => line.replace(/^(\S+) refs\/heads\//, '$1 refs/remotes/origin/'));
  return own.map((line) => `${line}\n`).join('');
}

function toConfig(repository: string, objectFormat: 'sha1' | 'sha256', branch: string | null): string {
  const isNew = objectFormat === 'sha256';
  return [
    `[core]\n\trepositoryFormatVersion = ${isNew ? 1 : 0}\n\tbare = false\n\tlogAllRefUpdates = true\n`,
    isNew ? '[extensions]\n\tobjectFormat = sha256\n' : '',
    `[remote "origin"]\n\turl = ${quoted(repository)}\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n`,
    branch === null
      ? ''
      : `[branch ${quoted(branch)}]\n\tremote = origin\n\tmerge = ${quoted(`refs/heads/${branch}`)}\n`,
  ].join('');
}

/** An address and a branch have no control characters. */
function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** Whether the commit has a folder at that path. */
export async function hasFolder({ gitDir, commit }: Mirror, path: string, signal: AbortSignal): Promise<boolean> {
  const call = { cwd: gitDir, gitDir, signal, answers: [0, 1, 128] };
  const { stdout } = await runGit(['cat-file', '-t', `${commit}:${path}`], call);
  return stdout.toString() === 'tree\n';
}

/** What a file takes at least on a disk. */
const BLOCK = 4_096;

/** Throws `repositoryTooLarge`: a small pack can have files without end. */
export async function assertSize(
  { gitDir, commit }: Mirror,
  { repository, maxBytes }: { repository: string; maxBytes: number },
  signal: AbortSignal,
): Promise<void> {
  const full = new AbortController();
  let bytes = 0;
  let rest = '';
  const count = (chunk: Buffer): void => {
    const lines = `${rest}${chunk.toString('latin1')}`.split('\0');
    rest = lines.pop() ?? '';
    for (const line of lines) bytes += Math.max(BLOCK, Number(/^\d+ \w+ \w+ +(\d+)\t/.exec(line)?.[1] ?? 0));
    if (bytes > maxBytes) full.abort();
  };
  const call = { cwd: gitDir, gitDir, onStdout: count, signal: AbortSignal.any([signal, full.signal]) };
  try {
    await runGit(['ls-tree', '-r', '-z', '--long', '--full-tree', commit], { ...call, deadlineMs: 600_000 });
  } catch (error) {
    if (signal.aborted || !full.signal.aborted) throw error;
  }
  if (bytes > maxBytes) throw tooLarge(repository, 'its files have', maxBytes);
}

/** Writes every file as it is in the commit. No filter, hook or program of the repository runs. */
export async function checkOut(
  folder: string,
  { objectFormat, commit }: Pick<Mirror, 'objectFormat' | 'commit'>,
  signal: AbortSignal,
): Promise<void> {
  const tmp = await makePrivateTemp('bobbin-checkout-');
  try {
    const gitDir = join(tmp, 'git');
    const index = join(tmp, 'index');
    makePrivateGitDir(gitDir, { alternates: [join(folder, '.git', 'objects')], objectFormat });
    const git = (...args: string[]) =>
      runGit(['--work-tree=.', ...args], { cwd: folder, gitDir, index, signal, deadlineMs: 1_800_000 });
    await git('read-tree', commit);
    await git('checkout-index', '--all', '--force', '--index', '--quiet');
    await copyFile(index, join(folder, '.git', 'index'));
  } finally {
    await rm(tmp, { recursive: true, force: true });
  }
}
