/** The files that a fork begins with: those of its source, or a separate work tree with the files as of the fork. */
import { runsBeside } from '../../src/contract/plain/turn-kinds.ts';
import type { ForkRequest } from '../contract.ts';
import { Failure } from '../failures.ts';
import type { Ports, ThreadPast } from '../ports.ts';
import type { Cut } from './cut.ts';

export async function placeFiles(
  ports: Ports,
  request: ForkRequest,
  past: ThreadPast,
  cut: Cut,
  signal: AbortSignal,
): Promise<{ cwd: string; root: string; warnings: string[] }> {
  const { cwd, root } = past.settings;
  if (request.source.files !== 'worktree') {
    const same = request.cwd === cwd ? root : undefined;
    return { cwd: request.cwd, root: same ?? ports.rootOf(request.cwd), warnings: [] };
  }
  ports.requireWorkspace(cwd, root);
  const { commit, warnings } = await snapshotAfter(ports, request.source.threadId, past, cut, signal);
  // A fork into its source's folder has no folder in its request.
  const path = request.cwd === cwd ? ports.worktreeOf(request.threadId) : request.cwd;
  const made = await ports.git.worktree({ cwd, path, commit }, signal);
  return { cwd: made.cwd, root: ports.rootOf(made.cwd), warnings: [...warnings, ...made.warnings] };
}

/** The snapshot of the next turn that has one contains the files before it; if there is none, the current files do. */
async function snapshotAfter(
  ports: Ports,
  threadId: string,
  past: ThreadPast,
  cut: Cut,
  signal: AbortSignal,
): Promise<{ commit: string; warnings: string[] }> {
  const warnings: string[] = [];
  for (const { turnId, kind, snapshot } of turnsAfter(past, cut)) {
    if (snapshot?.status === 'taken') return { commit: snapshot.commit, warnings };
    if (snapshot?.status === 'missing') {
      const message = `The files of thread ${threadId} as of the fork are not known: of turn ${turnId} there is no snapshot: ${snapshot.reason}`;
      throw new Failure('snapshotMissing', message, { details: { threadId, turnId } });
    }
    if (runsBeside(kind)) {
      warnings.push(`Turn ${turnId}, a command of the person, came after the fork; what it changed is in the files.`);
    }
  }
  const now = await ports.git.snapshot(past.settings.cwd, null, signal);
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
