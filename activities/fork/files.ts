/** The files that a fork begins with: those of its source, or a separate work tree with the files as of the fork. */
import { runsBeside } from '../../src/contract/plain/turn-kinds.ts';
import type { ForkRequest } from '../contract.ts';
import { Failure } from '../failures.ts';
import type { Ports, ThreadPast } from '../ports.ts';
import type { Cut } from './cut.ts';

export interface ForkAttempt {
  /** The same for each attempt of a fork, and for no other fork. */
  forkId: string;
  /** There was an earlier attempt. */
  retried: boolean;
}

type ForkPorts = Pick<Ports, 'git' | 'requireWorkspace' | 'rootOf' | 'worktreeOf'>;

export async function placeFiles(
  ports: ForkPorts,
  request: ForkRequest,
  { past, cut, forkId, retried }: ForkAttempt & { past: ThreadPast; cut: Cut },
  signal: AbortSignal,
): Promise<{ cwd: string; root: string; warnings: string[] }> {
  const { cwd, root } = past.settings;
  if (request.source.files !== 'worktree') {
    const same = request.cwd === cwd ? root : undefined;
    return { cwd: request.cwd, root: same ?? ports.rootOf(request.cwd), warnings: [] };
  }
  ports.requireWorkspace(cwd, root);
  const { threadId } = request.source;
  const name = `fork ${forkId}`;
  const names = [nameOfCut(name, cut), name];
  const first = await findFirst(ports, { cwd, threadId, names });
  const { commit, warnings } = await snapshotAfter(ports, { threadId, past, cut, first }, signal);
  // A fork into its source's folder has no folder in its request.
  const path = request.cwd === cwd ? ports.worktreeOf(request.threadId) : request.cwd;
  const where = { cwd, path, commit, actionId: name, retried };
  const made = await ports.git.worktree(
    { ...where, ...(first === null ? { keepAs: { threadId, names } } : {}) },
    signal,
  );
  return { cwd: made.cwd, root: ports.rootOf(made.cwd), warnings: [...warnings, ...made.warnings] };
}

/** No turn has an id with a space. */
function nameOfCut(name: string, { end }: Cut): string {
  return `${name} at ${end}`;
}

interface FirstAttempt {
  commit: string;
  /** It copied as much of the source. */
  isSameCut: boolean;
}

/** A later attempt must find the files that the first one has written. */
async function findFirst(
  { git }: Pick<Ports, 'git'>,
  { names, ...place }: { cwd: string; threadId: string; names: readonly string[] },
): Promise<FirstAttempt | null> {
  const [ofCut, commit = null] = await Promise.all(names.map((name) => git.kept({ ...place, name })));
  return commit === null ? null : { commit, isSameCut: ofCut === commit };
}

const OLDER_FILES =
  'The files are those of a first attempt at the fork; what the source has changed since is in the conversation alone.';

interface Source {
  threadId: string;
  past: ThreadPast;
  cut: Cut;
  first: FirstAttempt | null;
}

/** The snapshot of the next turn that has one contains the files before it; if there is none, the current files do. */
async function snapshotAfter(
  { git }: Pick<Ports, 'git'>,
  { threadId, past, cut, first }: Source,
  signal: AbortSignal,
): Promise<{ commit: string; warnings: string[] }> {
  const later = turnsAfter(past, cut);
  const at = later.findIndex(({ snapshot }) => snapshot?.status === 'taken' || snapshot?.status === 'missing');
  const warnings = later
    .slice(0, at === -1 ? undefined : at)
    .filter(({ kind }) => runsBeside(kind))
    .map(
      ({ turnId }) => `Turn ${turnId}, a command of the person, came after the fork; what it changed is in the files.`,
    );
  if (first !== null)
    return { commit: first.commit, warnings: [...warnings, ...(first.isSameCut ? [] : [OLDER_FILES])] };
  const next = later[at];
  if (next?.snapshot?.status === 'taken') return { commit: next.snapshot.commit, warnings };
  if (next?.snapshot?.status === 'missing') {
    const message = `The files of thread ${threadId} as of the fork are not known: of turn ${next.turnId} there is no snapshot: ${next.snapshot.reason}`;
    throw new Failure('snapshotMissing', message, { details: { threadId, turnId: next.turnId } });
  }
  const now = await git.snapshot(past.settings.cwd, null, signal);
  if (now.status === 'taken') return { commit: now.commit, warnings: [...warnings, ...now.warnings] };
  const message = `No work tree can be made for a fork of thread ${threadId}: ${now.reason}`;
  throw new Failure('snapshotMissing', message, { details: { threadId } });
}

/** A turn that is cut off at the fork has already changed files, so the current files include its changes. */
function turnsAfter(past: ThreadPast, cut: Cut) {
  const taken = new Set(cut.turns.map(({ turnId }) => turnId));
  const later = [...past.turns, ...past.running].filter(
    ({ turnId, firstItem }) => !taken.has(turnId) && firstItem >= cut.end,
  );
  return later.sort((a, b) => a.firstItem - b.firstItem);
}
