/**
 * A snapshot beside a model call. A turn that only talks pays nothing for it: it begins a little after the call, and is
 * called off where the answer has no tool calls. Where it has some, the answer waits for the snapshot, and so does every
 * tool. What goes wrong with it is said and stops nothing.
 */
import { Failure } from '../failures.ts';
import type { GitPort, Snapshot } from '../ports.ts';

/** An answer that comes sooner than this without tool calls is spared the processes of a snapshot. */
const HEAD_START_MS = 25;
/** Longer than this no tool waits. */
const LONGEST_MS = 60_000;

export interface SnapshotPlace {
  threadId: string;
  cwd: string;
  name: string;
  /** Names of snapshots that may go. */
  release: readonly string[];
  /** An earlier snapshot that this one is to be compared with; null for none. */
  after?: string | null;
}

export interface SnapshotBeside {
  /** The snapshot, kept. Rejects only with the reason of the signal. */
  whenTaken(): Promise<Snapshot>;
  /** It is not needed. */
  callOff(): void;
}

/** @param signal fires when the step is to end. */
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

/** Takes a snapshot and keeps it. Rejects only with the reason of the signal. */
export async function takeAndKeep(git: GitPort, place: SnapshotPlace, signal: AbortSignal): Promise<Snapshot> {
  const made = await makeSnapshot(git, place, signal);
  const snapshot = made.status === 'taken' ? await keepSnapshot(git, place, made, signal) : made;
  signal.throwIfAborted();
  return snapshot;
}

/** Never rejects: where the signal has fired nobody reads what comes of it. */
async function makeSnapshot(git: GitPort, place: SnapshotPlace, signal: AbortSignal): Promise<Snapshot> {
  const { threadId, cwd, release, after = null } = place;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(LONGEST_MS)]);
  const [snapshot] = await Promise.all([
    orSkipped(cwd, () => git.snapshot(cwd, after, limit)),
    // What cannot be let go of now goes when the thread closes.
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
