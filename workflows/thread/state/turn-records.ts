/** The ended turns that are remembered, and the snapshots that are kept for them. */
import type { ThreadState, TurnRecord, TurnSnapshot } from './state.ts';
import { cutToBytes } from './waiting.ts';

/** Names of snapshots that wait to be released, the newest ones. */
const RELEASED_AT_ONCE = 300;
/** Snapshots of ended turns that are kept, the newest ones. */
const KEPT = 100;

/** Adds a record, and releases the snapshots that exceed the limit or whose turn is forgotten. */
export function withRecord(state: ThreadState, record: TurnRecord, known: number): ThreadState {
  const all = [...state.turns, shortened(record)];
  const forgotten = all.slice(0, -known);
  const remembered = all.slice(-known);
  const holding = remembered.filter(isTaken);
  const old = new Set(holding.slice(0, Math.max(0, holding.length - KEPT)));
  const turns = remembered.map((one) => (old.has(one) ? { ...one, snapshot: TOO_OLD } : one));
  const gone = [...forgotten.filter(isTaken), ...old];
  return releaseLater(
    { ...state, turns },
    gone.map(({ turnId }) => turnId),
  );
}

const REASON_BYTES = 300;

function shortened(record: TurnRecord): TurnRecord {
  const { snapshot } = record;
  if (snapshot?.status !== 'missing') return record;
  return { ...record, snapshot: { ...snapshot, reason: cutToBytes(snapshot.reason, REASON_BYTES) } };
}

const TOO_OLD: TurnSnapshot = { status: 'missing', reason: `only the newest ${KEPT} snapshots of a thread are kept.` };

function isTaken({ snapshot }: TurnRecord): boolean {
  return snapshot?.status === 'taken';
}

/** Removes the records of these turns, and releases their snapshots. */
export function withoutRecords(state: ThreadState, turnIds: readonly string[]): ThreadState {
  const [going, staying] = [true, false].map((goes) =>
    state.turns.filter(({ turnId }) => turnIds.includes(turnId) === goes),
  ) as [TurnRecord[], TurnRecord[]];
  const names = going.filter(isTaken).map(({ turnId }) => turnId);
  return releaseLater({ ...state, turns: staying }, names);
}

/** Releases the snapshots under these names with the next step. */
export function releaseLater(state: ThreadState, names: readonly string[]): ThreadState {
  if (names.length === 0) return state;
  // The snapshots that are dropped here are released when the thread closes.
  const release = [...state.snapshots.release, ...names].slice(-RELEASED_AT_ONCE);
  return { ...state, snapshots: { ...state.snapshots, release } };
}

/** After the thread's snapshots were released. */
export function withoutSnapshots(state: ThreadState): ThreadState {
  return { ...state, turns: state.turns.map((one) => (isTaken(one) ? { ...one, snapshot: RELEASED } : one)) };
}

const RELEASED: TurnSnapshot = { status: 'missing', reason: 'it was let go of when the thread was closed.' };
