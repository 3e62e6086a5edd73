/**
 * Takes a snapshot in parallel with a model call. A turn that only talks pays nothing for it: the snapshot starts a
 * little after the call, and is cancelled if the answer has no tool calls. If it has some, the answer waits for the
 * snapshot, and so does every tool. A failed snapshot is reported and stops nothing.
 */
import { Failure } from '../failures.ts';
import type { GitPort, Snapshot } from '../ports.ts';

/** A faster answer without tool calls does not pay for the processes of a snapshot. */
const HEAD_START_MS = 25;
/** Maximum time that tools wait for the snapshot. */
const LONGEST_MS = 60_000;

export interface SnapshotPlace {
  threadId: string;
  cwd: string;
  name: string;
  /** Names of the snapshots to release. */
  release: readonly string[];
  /** An earlier snapshot to compare with; null for none. */
  after?: string | null;
}

export interface SnapshotBeside {
  /** Resolves with the stored snapshot. Rejects only with the reason of the signal. */
  whenTaken(): Promise<Snapshot>;
  /** Cancels the snapshot. */
  callOff(): void;
}

/** @param signal ends the step */
export function beginSnapshotBeside(git: GitPort, place: SnapshotPlace, signal: AbortSignal): SnapshotBeside {
  const off = new AbortController();
  const until = AbortSignal.any([signal, off.signal]);
  let running: Promise<Snapshot> | undefined;
  const begin = () => (running ??= makeSnapshot(git, place, until));
  const timer = setTimeout(() => void begin(), HEAD_START_MS);
  return {
    async whenTaken() {
      clearTimeout(timer);
      const made = await begin();
      signal.throwIfAborted();
      const snapshot = made.status === 'taken' ? await keepSnapshot(git, place, made, until) : made;
      signal.throwIfAborted();
      return snapshot;
    },
    callOff() {
      clearTimeout(timer);
      off.abort(new Error('The snapshot was called off'));
    },
  };
}

/** Takes and stores a snapshot. Rejects only with the reason of the signal. */
export async function takeAndKeep(git: GitPort, place: SnapshotPlace, signal: AbortSignal): Promise<Snapshot> {
  const made = await makeSnapshot(git, place, signal);
  const snapshot = made.status === 'taken' ? await keepSnapshot(git, place, made, signal) : made;
  signal.throwIfAborted();
  return snapshot;
}

/** Never rejects: after the signal nobody reads the result. */
async function makeSnapshot(git: GitPort, place: SnapshotPlace, signal: AbortSignal): Promise<Snapshot> {
  const { threadId, cwd, release, after = null } = place;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(LONGEST_MS)]);
  const [snapshot] = await Promise.all([
    orSkipped(cwd, () => git.snapshot(cwd, after, limit)),
    // If this fails, they are released when the thread closes.
    release.length > 0 && git.release({ threadId, cwd, names: release }, limit).catch(() => undefined),
  ]);
  return snapshot;
}

function keepSnapshot(
  git: GitPort,
  place: SnapshotPlace,
  snapshot: Extract<Snapshot, { status: 'taken' }>,
  signal: AbortSignal,
): Promise<Snapshot> {
  return orSkipped(place.cwd, async () => {
    await git.keep(place, snapshot.commit, signal);
    return snapshot;
  });
}

async function orSkipped(cwd: string, body: () => Promise<Snapshot>): Promise<Snapshot> {
  try {
    return await body();
  } catch (error) {
    const said = isTimeout(error) ? `it took longer than ${LONGEST_MS / 1_000} s` : toMessage(error);
    const reason = error instanceof Failure ? said : `The snapshot of ${cwd} failed: ${said}`;
    return { status: 'skipped', reason };
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === 'TimeoutError';
}

function toMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
