/** The names that a remote repository has, and the one to check out. */
import type { WantedWorkspace } from '../../../../activities/ports.ts';
import { isRemoteRefName } from '../../../contract/plain/ref-name.ts';
import { runGit } from '../process/git-process.ts';
import type { Remote } from '../remote/remote-source.ts';
import { explain, refMissing } from './refusals.ts';

export interface RemoteRefs {
  objectFormat: 'sha1' | 'sha256';
  /** What its HEAD refers to: a branch, or a commit if it is detached. */
  head: string | null;
  names: ReadonlySet<string>;
}

/** What to check out: a full name or the full id of a commit. */
export interface WantedHead {
  name: string;
  /** The branch that it names, without `refs/heads/`; null for anything else. */
  branch: string | null;
}

/** @param folder an existing one, for git to run in */
export async function listRefs(
  folder: string,
  { from, remote }: Remote,
  { repository, ref }: WantedWorkspace,
  bounds: { deadlineMs: number; idleMs: number },
  signal: AbortSignal,
): Promise<RemoteRefs> {
  const patterns = ['HEAD', 'refs/heads/*', 'refs/tags/*', ...(ref?.startsWith('refs/') === true ? [ref] : [])];
  const call = { cwd: folder, gitDir: folder, about: folder, signal, remote, ...bounds };
  try {
    const { stdout } = await runGit(['ls-remote', '--symref', '--', from, ...patterns], call);
    return readRefs(stdout.toString());
  } catch (error) {
    throw signal.aborted ? error : explain(error, repository, ref);
  }
}

function readRefs(output: string): RemoteRefs {
  const names = new Map<string, string>();
  let branch: string | undefined;
  for (const line of output.split('\n')) {
    const [id = '', name = ''] = line.split('\t');
    if (name === 'HEAD' && id.startsWith('ref: ')) branch = id.slice('ref: '.length);
    else if (name !== '') names.set(name, id);
  }
  const [first = ''] = names.values();
  const head = branch !== undefined && names.has(branch) ? branch : (names.get('HEAD') ?? null);
  return { objectFormat: first.length === 64 ? 'sha256' : 'sha1', head, names: new Set(names.keys()) };
}

/** Throws `repositoryRefMissing`. */
export function findHead({ head, names }: RemoteRefs, { repository, ref, commit }: WantedWorkspace): WantedHead {
  const found = [ref ?? '', `refs/heads/${ref ?? ''}`, `refs/tags/${ref ?? ''}`].find((name) => names.has(name));
  const name = ref === undefined || ref === 'HEAD' ? head : (found ?? (isId(ref) ? ref : null));
  if (commit !== undefined) return { name: commit, branch: toBranch(name ?? '') };
  if (name === null) throw refMissing(repository, ref);
  return { name, branch: toBranch(name) };
}

function toBranch(name: string): string | null {
  const branch = name.startsWith('refs/heads/') ? name.slice('refs/heads/'.length) : '';
  return isRemoteRefName(branch) ? branch : null;
}

function isId(ref: string): boolean {
  return /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(ref);
}
