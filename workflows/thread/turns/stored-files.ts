/**
 * The files of a managed workspace in the store that hosts share, so that a thread outlives its host. At the end of every
 * turn that may have written, a step stores the snapshots that the store does not have; the end does not wait for it. What
 * could not be stored is tried again, and is part of the next pack otherwise.
 */
import type { NamedSnapshots, StoredPack } from '../../../activities/ports.ts';
import type { StoredFilesView } from '../../../src/contract/index.ts';
import { CONVERSATION } from '../../../src/contract/plain/turn-kinds.ts';
import { type Action, actionIds } from '../state/actions.ts';
import { emit } from '../state/log.ts';
import {
  type StoreRequest,
  type StoredState,
  type ThreadState,
  type TurnRecord,
  type TurnSnapshot,
  storesFresh,
} from '../state/state.ts';
import { type StepEvent, retried, toSummary, workspaceIds } from '../state/steps.ts';

/** A chain that is longer, or has this many times the bytes of its first pack, is replaced by one pack. */
const MAX_PACKS = 20;
const MAX_GROWTH = 4;
/** Turns whose snapshots a new pack is compared with, so that it has only what is new. */
const COMPARED_TURNS = 5;
/** Replaced packs that wait to be removed. */
const MAX_REPLACED = 100;
/** Attempts of a step: a store that is down for a minute delays it. */
const ATTEMPTS = 12;
const FIRST_PAUSE_MS = 30_000;
const LONGEST_PAUSE_MS = 600_000;

const NOTHING_STORED: StoredState = {
  ...{ packs: [], newest: null, number: 0, failures: 0, request: null, isDue: false, retryAt: null, replaced: [] },
  told: null,
};

export function storedOf({ stored }: ThreadState): StoredState {
  return stored ?? NOTHING_STORED;
}

type Taken = Extract<TurnSnapshot, { status: 'taken' }>;

// ----------------------------------------------------------------------------------------------------------- requests

/** An agent works in the folder of its thread, which stores it. */
function isStored({ settings }: ThreadState): boolean {
  return settings.managed !== undefined && settings.parent === null;
}

/** A turn has ended. @param record that of the turn, which is in the state */
export function noteWritten(state: ThreadState, at: number, record: TurnRecord): ThreadState {
  if (!isStored(state)) return state;
  return mayHaveWritten(state, record) ? requestStore(state, at, knownCommit(state, record)) : storeChanges(state, at);
}

/** A turn without snapshots may have written, so the step looks itself. */
function mayHaveWritten(state: ThreadState, { kind, snapshot }: TurnRecord): boolean {
  if (snapshot === null) return kind !== CONVERSATION || (storesFresh(state) && !state.settings.snapshots);
  return snapshot.status !== 'taken' || snapshot.after !== snapshot.commit;
}

/** The thread begins in files that others have made, so that a fresh clone is not what it has begun with. */
export function storeStart(state: ThreadState, at: number): ThreadState {
  if (!isStored(state) || !storesFresh(state)) return state;
  return requestStore({ ...state, stored: { ...storedOf(state), joined: true } }, at);
}

/** Whether a fresh clone has other files than those in which the thread began, and nothing else is stored. */
export function lacksStart(state: ThreadState): boolean {
  const { newest, joined } = storedOf(state);
  return newest === null && (joined === true || state.forkedFrom !== null);
}

/** Something that outlives its turn, such as an agent, may have written. */
export function noteChanged(state: ThreadState): ThreadState {
  if (!isStored(state) || !storesFresh(state)) return state;
  return { ...state, stored: { ...storedOf(state), isDue: true } };
}

/** Stores what {@link noteChanged} has noted if the thread is at rest. Otherwise its turn, move or end does so. */
export function storeChanges(state: ThreadState, at: number): ThreadState {
  const { isDue, retryAt } = storedOf(state);
  const rests = state.status === 'open' && state.active === null && state.moving === undefined;
  return storesFresh(state) && isDue && retryAt === null && rests ? beginStore(state, at) : state;
}

/**
 * Stores the files as they are now, as soon as no other request is under way.
 * @param known a snapshot that has them, unless they have to wait; null to take one
 */
export function requestStore(state: ThreadState, at: number, known: string | null = null): ThreadState {
  const stored = storedOf(state);
  return beginStore({ ...state, stored: { ...stored, isDue: true, retryAt: null } }, at, known);
}

/** @param at the time of the files, in milliseconds since the epoch */
function beginStore(state: ThreadState, at: number, known: string | null = null): ThreadState {
  const stored = storedOf(state);
  if (stored.request !== null || !stored.isDue) return state;
  const whole = isLong(stored.packs);
  const turnIds = takenTurns(state).flatMap(({ turnId, snapshot }) =>
    whole || snapshot.stored !== true ? [turnId] : [],
  );
  const commit = storesFresh(state) ? known : knownCommit(state, state.turns.at(-1));
  const request = { commit, turnIds, whole, at };
  return { ...state, stored: { ...stored, request, isDue: false, number: stored.number + 1 } };
}

function isLong(packs: readonly StoredPack[]): boolean {
  const [first, ...rest] = packs;
  if (first === undefined) return true;
  return rest.length + 1 >= MAX_PACKS || rest.reduce((sum, { bytes }) => sum + bytes, 0) > MAX_GROWTH * first.bytes;
}

function takenTurns({ turns }: ThreadState): (TurnRecord & { snapshot: Taken })[] {
  return turns.flatMap((record) => {
    const { snapshot } = record;
    return snapshot?.status === 'taken' ? [{ ...record, snapshot }] : [];
  });
}

/** The snapshot from the end of a turn, if no other one is under way. */
function knownCommit({ active }: ThreadState, record: TurnRecord | undefined): string | null {
  const snapshot = record?.snapshot;
  return active === null && snapshot?.status === 'taken' ? (snapshot.after ?? null) : null;
}

// -------------------------------------------------------------------------------------------------------------- steps

/** Whether a step that stores files is under way. */
export function isStoring(state: ThreadState): boolean {
  return storedOf(state).request !== null;
}

/** Whether the files may have changed since they were stored. */
export function isUnstored(state: ThreadState): boolean {
  const { isDue, request, retryAt } = storedOf(state);
  return isDue || request !== null || retryAt !== null;
}

export function wantedStore(state: ThreadState): Action[] {
  const { request, number, packs, newest, replaced } = storedOf(state);
  if (request === null) return [];
  const id = actionIds.store(number);
  const place = { ...workspaceIds(state, id), cwd: state.settings.cwd, commit: request.commit };
  const known = request.whole ? [] : storedCommits(state);
  const needed = storesFresh(state) ? { packs: request.whole ? [] : packs.map((pack) => pack.id) } : {};
  return [
    {
      type: 'step',
      id,
      activity: 'storeSnapshots',
      input: {
        ...{ ...place, snapshots: namedSnapshots(state, request), known, ...needed },
        ...{ newest: newest?.commit ?? null, replaced },
      },
      options: retried('30m', ATTEMPTS),
      summary: toSummary('store', state.settings.cwd),
      ...(request.commit === null && { onWorkspace: true }),
    },
  ];
}

function namedSnapshots(state: ThreadState, { turnIds }: Pick<StoreRequest, 'turnIds'>): NamedSnapshots[] {
  const wanted = new Set(turnIds);
  return takenTurns(state).flatMap((record) => (wanted.has(record.turnId) ? [toNamed(record)] : []));
}

function toNamed({ turnId, snapshot: { commit, after } }: { turnId: string; snapshot: Taken }): NamedSnapshots {
  return { name: turnId, commits: typeof after === 'string' && after !== commit ? [commit, after] : [commit] };
}

function storedCommits(state: ThreadState): string[] {
  const { newest } = storedOf(state);
  const turns = takenTurns(state).filter(({ snapshot }) => snapshot.stored === true);
  const commits = turns.slice(-COMPARED_TURNS).flatMap((record) => toNamed(record).commits);
  return [...new Set([...commits, ...(newest === null ? [] : [newest.commit])])];
}

/** The snapshots that the store has, for another host. */
export function storedSnapshots(state: ThreadState): NamedSnapshots[] {
  return takenTurns(state).flatMap((record) => (record.snapshot.stored === true ? [toNamed(record)] : []));
}

export function wantedStoreTimer(state: ThreadState): Action[] {
  const { retryAt, number } = storedOf(state);
  if (retryAt === null) return [];
  const about = { type: 'storeAgain' } as const;
  return [{ type: 'awaitTime', id: actionIds.storeAgain(number), at: retryAt, about, summary: 'store: again' }];
}

export function onStoreDue(state: ThreadState, at: number): ThreadState {
  return storedOf(state).retryAt === null ? state : requestStore(state, at);
}

// --------------------------------------------------------------------------------------------------------------- ends

export function onStored(state: ThreadState, { id, at, end }: StepEvent<'storeSnapshots'>): ThreadState {
  const stored = storedOf(state);
  const { request } = stored;
  if (request === null || actionIds.store(stored.number) !== id) return state;
  const over = { ...stored, request: null };
  if (end.type === 'done') return beginStore(withPack(state, over, request, end.value), at);
  const why = end.type === 'failed' ? end.failure.message : 'the step was stopped.';
  return onFailure({ ...state, stored: over }, at, why);
}

type Answer = Extract<StepEvent<'storeSnapshots'>['end'], { type: 'done' }>['value'];

function withPack(state: ThreadState, stored: StoredState, request: StoreRequest, answer: Answer): ThreadState {
  const newest = { ...answer.newest, at: request.at };
  const { pack, whole } = answer;
  const before = whole ? stored.packs.map((one) => one.id).filter((one) => one !== pack?.id) : [];
  const fresh = pack === null || stored.packs.some((one) => one.id === pack.id) ? [] : [pack];
  const packs = whole && pack !== null ? [pack] : [...stored.packs, ...fresh];
  const included = new Set(request.turnIds);
  const turns = state.turns.map((record): TurnRecord => {
    const { snapshot } = record;
    if (snapshot?.status !== 'taken') return record;
    const { stored: was, ...rest } = snapshot;
    const isStored = included.has(record.turnId) || (was === true && !whole);
    return { ...record, snapshot: { ...rest, ...(isStored && { stored: true }) } };
  });
  const replaced = before.slice(-MAX_REPLACED);
  const snapshots = request.commit === null ? { ...state.snapshots, kept: true } : state.snapshots;
  const { joined: _joined, ...rest } = stored;
  return { ...state, turns, snapshots, stored: { ...rest, packs, newest, replaced, failures: 0, told: null } };
}

/** A thread that closes does not try again. */
function onFailure(state: ThreadState, at: number, why: string): ThreadState {
  const stored = storedOf(state);
  const failures = stored.failures + 1;
  const pause = Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
  const retryAt = state.status === 'open' ? at + pause : null;
  const next = { ...state, stored: { ...stored, isDue: true, failures, retryAt, told: why } };
  if (stored.told === why) return next;
  return emit(next, at, { type: 'warning', message: `The newest files of this thread are not in the store: ${why}` });
}

/** Before a thread closes, its files are stored once more if they are not; it closes also if that fails. */
export function storeBeforeClose(state: ThreadState, at: number): ThreadState {
  const { isDue, failures, request } = storedOf(state);
  return isDue && failures === 0 && request === null ? beginStore(state, at) : state;
}

export function toStoredView(state: ThreadState): StoredFilesView | null {
  if (!isStored(state)) return null;
  const { newest, packs } = storedOf(state);
  const { at = null, ...files } = newest ?? {};
  return { ...{ commit: null, tree: null, files: null, ...files }, asOf: at, packs, isNewest: !isUnstored(state) };
}
