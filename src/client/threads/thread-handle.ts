/** Drives one thread. */
import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import {
  type CloseThread,
  CloseThreadSchema,
  type EditQueue,
  EditQueueSchema,
  type InterruptTurn,
  InterruptTurnSchema,
  type Item,
  type MoveThread,
  MoveThreadSchema,
  type OnBusy,
  type PartialEvent,
  type RepositoryRules,
  type ResolveRequest,
  ResolveRequestSchema,
  type ReviewOutput,
  type ReviewTarget,
  type RevokeRule,
  RevokeRuleSchema,
  type RollbackTurns,
  RollbackTurnsSchema,
  type SteerTurn,
  SteerTurnSchema,
  SubmitTurnSchema,
  type ThreadEvent,
  type ThreadOpening,
  type ThreadRequest,
  type ThreadRules,
  type ThreadView,
  type TreeEvent,
  type TurnCompletion,
  type UndoPreview,
  type TurnSubmission,
  type WorkspaceMove,
  toWorkflowId,
} from '../../contract/index.ts';
import {
  closeThreadSignal,
  editQueueSignal,
  editQueueUpdate,
  interruptTurnSignal,
  interruptUpdate,
  itemsQuery,
  moveUpdate,
  openingQuery,
  resolveRequestSignal,
  resolveUpdate,
  revokeRuleSignal,
  revokeRuleUpdate,
  rollbackTurnsSignal,
  previewUndoUpdate,
  rollbackTurnsUpdate,
  rulesQuery,
  startTurnUpdate,
  steerTurnUpdate,
  submitTurnSignal,
  threadQuery,
} from '../../../workflows/thread/shell/messages.ts';
import { callsOf } from '../calls.ts';
import { IdSchema } from '../../contract/shapes.ts';
import { BobbinError } from '../bobbin-error.ts';
import { toBobbinError } from '../errors.ts';
import { readRulesOf, revokeRuleOf } from '../rules/repository-rules.ts';
import { viewOnceOpen } from './opening.ts';
import { openSource } from './event-source.ts';
import { type EventStreamOptions, streamEvents } from './event-stream.ts';
import type { StepProgress } from './progress.ts';
import { type ReviewOptions, followReview, outputOf, toReviewTurn } from './review.ts';
import type { Service } from '../service.ts';
import { type TreeOptions, streamTree } from './tree-events.ts';
import { createTurnFollower } from './turn-end.ts';
import { toWholeRequest } from './whole-request.ts';

/** Longer than the time that a thread gives a step to end. */
const INTERRUPT_DEADLINE_MS = 30_000;

/** Hosts are waited for, and a workspace may have to be restored. */
const MOVE_DEADLINE_MS = 30 * 60_000;

export interface ThreadHandle {
  readonly threadId: string;
  readonly workflowId: string;
  /** Durable as soon as it resolves, even if no worker is up. The same `turnId` sent twice is one turn. */
  submit(turn: TurnSubmission): Promise<void>;
  /** Like `submit`, but needs a worker, and rejects with the reason if the thread refuses the turn. */
  startTurn(turn: TurnSubmission): Promise<void>;
  /**
   * Submits a turn of kind `compact`, which makes the context smaller. Durable as soon as it resolves. By default it replaces
   * the active turn; see `onBusy`.
   */
  compact(compact?: { turnId?: string; onBusy?: OnBusy }): Promise<{ turnId: string }>;
  /**
   * Reviews changes in a separate thread and resolves with the findings. Rejects with the reason if the thread refuses the
   * turn, and with `turnFailed` or `turnAborted` if there is no result.
   */
  review(target: ReviewTarget, options?: ReviewOptions): Promise<ReviewOutput>;
  /** Adds input to the active turn. The next model request contains it. */
  steer(steer: SteerTurn, options?: { steerId?: string }): Promise<void>;
  /** Edits, moves or drops a queued turn. Rejects with `turnNotQueued` if it is no longer queued. */
  editQueue(edit: EditQueue): Promise<void>;
  /** The same as a signal: durable without a worker. A late one is recorded as rejected. */
  requestQueueEdit(edit: EditQueue): Promise<void>;
  /**
   * Resolves when the terminal event of the turn is recorded; if the thread waits for its host to be opened, at once: the turn
   * ends before its first step then. Its `quiescent` says whether all processes have ended. */
  interrupt(interrupt?: InterruptTurn): Promise<{ turnId: string | null }>;
  /** The same without waiting, and without a worker. */
  requestInterrupt(interrupt?: InterruptTurn): Promise<void>;
  /** Answers a request. A second answer rejects with `requestNotOpen`. */
  resolve(answer: ResolveRequest): Promise<void>;
  /** The same as a signal: durable without a worker. A late answer is recorded as rejected. */
  requestResolve(answer: ResolveRequest): Promise<void>;
  /** The request with its whole text. An event or a view may contain only the beginning. */
  wholeRequest(request: ThreadRequest): Promise<ThreadRequest>;
  /** The remembered answers of the thread and its turn. */
  rules(): Promise<ThreadRules>;
  /** Revokes a rule. Rejects with `ruleUnknown` if there is no such rule. */
  revokeRule(revocation: RevokeRule): Promise<void>;
  /** The same as a signal: durable without a worker. It is recorded as rejected if there is no such rule. */
  requestRevokeRule(revocation: RevokeRule): Promise<void>;
  /** The remembered answers of its repository. Rejects with `rulesUnavailable`. */
  repositoryRules(): Promise<RepositoryRules>;
  /** Revokes one of them, for every thread of the repository, and returns the others. Rejects with `ruleUnknown`, too. */
  revokeRepositoryRule(revocation: RevokeRule): Promise<RepositoryRules>;
  /**
   * Waits for a moment if the thread is not open yet, then rejects with `threadOpening`. Rejects with `threadRefused` if it
   * never will be. @param options `wait: false` rejects at once
   */
  view(options?: { wait: boolean }): Promise<ThreadView>;
  /** Which host a thread waits for that is not open yet; null if it is open. */
  opening(): Promise<ThreadOpening | null>;
  /**
   * Every event after `after` in order, each once. Survives lost connections. Ends after `thread/closed`. With `partial`, also
   * what running steps show of their work.
   *
   * With `tree`, also those of every thread below, closed ones included, each with its place. The events of one thread are in
   * order, each once; there is no order between threads. Threads that start later are picked up. Ends when all have ended.
   * To continue, give a cursor that was kept with `advanceCursor`.
   */
  events(options: TreeOptions & { tree: true }): AsyncGenerator<TreeEvent, void, undefined>;
  events(options: EventStreamOptions & { partial: true }): AsyncGenerator<ThreadEvent | PartialEvent, void, undefined>;
  events(options?: EventStreamOptions): AsyncGenerator<ThreadEvent, void, undefined>;
  /** The whole history, including the archived part. @param options `after`: how many of the oldest to leave out */
  items(options?: { after?: number }): AsyncGenerator<Item, void, undefined>;
  /**
   * Waits for the terminal event of a turn, or of the turn that it steered. Rejects with the reason if the thread has refused it.
   */
  completion(turnId: string, options?: EventStreamOptions): Promise<TurnCompletion>;
  /** The partial text and output of the running steps. */
  progress(): Promise<StepProgress[]>;
  /**
   * Undoes the newest turn: its files, as far as the snapshots contain them, and its part of the conversation. Resolves when
   * the undo has ended. Rejects with `threadBusy` while a turn is active.
   */
  undo(): Promise<Undone>;
  /** Returns what `undo` would do, path by path. Changes nothing. Rejects with `threadBusy` or `notEnoughTurns`. */
  previewUndo(): Promise<UndoPreview>;
  /**
   * Reverses the newest undo, its files and its part of the conversation. The turn fails with `nothingToRedo` if another turn
   * that calls the model has started since. Rejects with `threadBusy` while a turn is active.
   */
  redo(): Promise<Redone>;
  /** Removes the newest turns from the conversation. Files stay. Rejects with `threadBusy` or `notEnoughTurns`. */
  rollback(rollback: RollbackTurns, options?: { rollbackId?: string }): Promise<{ dropped: string[] }>;
  /** The same as a signal: durable without a worker. It is recorded as rejected if it cannot be done. */
  requestRollback(rollback: RollbackTurns): Promise<void>;
  /**
   * Moves the thread to another folder, on another host or on its own, and resolves when it works there. The former host may
   * be gone. Rejects, and changes nothing, with `threadBusy` while a turn is active, `agentsOpen`, `samePlace`, `notMovable`,
   * `hostUnknown`, `hostNotServing`, `workspaceMissing`, `workspaceClosed`. Open agents are closed if no worker serves the
   * former host; otherwise they are the reason for `agentsOpen`.
   */
  move(move: MoveThread): Promise<WorkspaceMove>;
  /** Stops everything and closes the thread. Durable as soon as it resolves. */
  close(close?: CloseThread): Promise<void>;
}

export interface Undone {
  completion: TurnCompletion;
  /** What was undone and what was not; null if the undo did not complete. */
  dropped: Extract<Item, { type: 'turnsDropped' }> | null;
}

export interface Redone {
  completion: TurnCompletion;
  /** What was restored; null if the redo did not complete. */
  restored: Extract<Item, { type: 'turnsRestored' }> | null;
}

export function openHandle(service: Service, threadId: string): ThreadHandle {
  const workflowId = toWorkflowId(threadId);
  const handle: WorkflowHandle = service.client.workflow.getHandle(workflowId);

  const { call, ask } = callsOf(service, (error, action) => toBobbinError(error, { threadId, action }));
  /** An update whose repetition is another one, unless it has the same key. */
  const once = async <T>(
    action: string,
    key: string | undefined,
    send: (updateId: string) => Promise<T>,
  ): Promise<T> => {
    try {
      return await call(action, async () => send(key === undefined ? randomUUID() : IdSchema.parse(key)));
    } catch (error) {
      throw toPending(error, key);
    }
  };
  const source = openSource(service, threadId);
  const { archived } = source;
  function events(options: TreeOptions & { tree: true }): AsyncGenerator<TreeEvent, void>;
  function events(options: EventStreamOptions & { partial: true }): AsyncGenerator<ThreadEvent | PartialEvent, void>;
  function events(options?: EventStreamOptions & { untilRest?: true }): AsyncGenerator<ThreadEvent, void>;
  function events(
    options: EventStreamOptions | (TreeOptions & { tree: true }) = {},
  ): AsyncGenerator<ThreadEvent | PartialEvent | TreeEvent, void> {
    if ('tree' in options) return streamTree(service, threadId, options);
    return streamEvents(service, { threadId, workflowId }, source, options);
  }

  const submit = (turn: TurnSubmission) =>
    call('submit a turn', async () => handle.signal(submitTurnSignal, SubmitTurnSchema.parse(turn)));

  const thread: ThreadHandle = {
    threadId,
    workflowId,
    events,
    submit,
    async compact({ turnId = `compact-${randomUUID()}`, onBusy } = {}) {
      await submit({ turnId, kind: 'compact', ...(onBusy === undefined ? {} : { onBusy }) });
      return { turnId };
    },
    async review(target, options = {}) {
      const turnId = options.turnId ?? `review-${randomUUID()}`;
      const { lastSeq } = await thread.view();
      await thread.startTurn(toReviewTurn(turnId, target, options));
      // The id may belong to an earlier turn.
      const after = options.turnId === undefined ? lastSeq : 0;
      const end = await followReview(events({ after, untilRest: true, ...signalOf(options) }), turnId);
      options.signal?.throwIfAborted();
      if (end !== undefined) return outputOf(end, threadId);
      throw new BobbinError('threadClosed', `review: thread ${threadId} closed before turn ${turnId} ended.`);
    },
    startTurn: (turn) =>
      call('start a turn', async () => {
        await handle.executeUpdate(startTurnUpdate, { args: [SubmitTurnSchema.parse(turn)], updateId: randomUUID() });
      }),
    steer: (steer, { steerId } = {}) =>
      once('steer a turn', steerId, async (updateId) => {
        await handle.executeUpdate(steerTurnUpdate, { args: [SteerTurnSchema.parse(steer)], updateId });
      }),
    editQueue: (edit) =>
      call('edit the queue', async () => {
        await handle.executeUpdate(editQueueUpdate, { args: [EditQueueSchema.parse(edit)], updateId: randomUUID() });
      }),
    requestQueueEdit: (edit) =>
      call('edit the queue', async () => handle.signal(editQueueSignal, EditQueueSchema.parse(edit))),
    interrupt: (interrupt = {}) =>
      call(
        'interrupt a turn',
        async () =>
          handle.executeUpdate(interruptUpdate, {
            args: [InterruptTurnSchema.parse(interrupt)],
            updateId: randomUUID(),
          }),
        INTERRUPT_DEADLINE_MS,
      ),
    requestInterrupt: (interrupt = {}) =>
      call('interrupt a turn', async () => handle.signal(interruptTurnSignal, InterruptTurnSchema.parse(interrupt))),
    resolve: (answer) =>
      call('answer a request', async () => {
        await handle.executeUpdate(resolveUpdate, {
          args: [ResolveRequestSchema.parse(answer)],
          updateId: randomUUID(),
        });
      }),
    requestResolve: (answer) =>
      call('answer a request', async () => handle.signal(resolveRequestSignal, ResolveRequestSchema.parse(answer))),
    wholeRequest: (request) =>
      toWholeRequest(request, async (asked, after) => {
        const source = service.client.workflow.getHandle(toWorkflowId(asked ?? threadId));
        const page = await ask('read an item', () => source.query(itemsQuery, { after, limit: 1 }));
        return page.archived === null
          ? page.items[0]
          : (await archived(page.archived)).items[after - page.archived.items.from];
      }),
    rules: () => ask('read the rules', () => handle.query(rulesQuery)),
    revokeRule: (revocation) =>
      call('revoke a rule', async () => {
        await handle.executeUpdate(revokeRuleUpdate, {
          args: [RevokeRuleSchema.parse(revocation)],
          updateId: randomUUID(),
        });
      }),
    requestRevokeRule: (revocation) =>
      call('revoke a rule', async () => handle.signal(revokeRuleSignal, RevokeRuleSchema.parse(revocation))),
    repositoryRules: async () => readRulesOf(service, (await thread.view()).settings),
    revokeRepositoryRule: async (revocation) => revokeRuleOf(service, (await thread.view()).settings, revocation),
    view: ({ wait } = { wait: true }) =>
      wait
        ? viewOnceOpen(service, thread, service.deadlineMs)
        : call('read the thread', () => handle.query(threadQuery)),
    opening: async () => {
      const opening = await ask('read the thread', () => handle.query(openingQuery));
      return opening === null ? null : { ...opening, threadId };
    },
    progress: source.progress,
    async undo() {
      const turnId = `undo-${randomUUID()}`;
      const after = (await thread.view()).lastSeq;
      await thread.startTurn({ turnId, kind: 'undo' });
      const place = { turnId, threadId, type: 'turnsDropped', action: 'undo a turn' } as const;
      const { completion, item } = await readEnd(events({ after, untilRest: true }), place);
      return { completion, dropped: item };
    },
    previewUndo: () =>
      call('preview an undo', () => handle.executeUpdate(previewUndoUpdate, { args: [{}], updateId: randomUUID() })),
    async redo() {
      const turnId = `redo-${randomUUID()}`;
      const after = (await thread.view()).lastSeq;
      await thread.startTurn({ turnId, kind: 'redo' });
      const place = { turnId, threadId, type: 'turnsRestored', action: 'redo a turn' } as const;
      const { completion, item } = await readEnd(events({ after, untilRest: true }), place);
      return { completion, restored: item };
    },
    rollback: (rollback, { rollbackId } = {}) =>
      once('roll back', rollbackId, (updateId) =>
        handle.executeUpdate(rollbackTurnsUpdate, { args: [RollbackTurnsSchema.parse(rollback)], updateId }),
      ),
    requestRollback: (rollback) =>
      call('roll back', async () => handle.signal(rollbackTurnsSignal, RollbackTurnsSchema.parse(rollback))),
    move: (move) =>
      call(
        'move the thread',
        () => handle.executeUpdate(moveUpdate, { args: [MoveThreadSchema.parse(move)], updateId: randomUUID() }),
        MOVE_DEADLINE_MS,
      ),
    close: (close = {}) =>
      call('close the thread', async () => handle.signal(closeThreadSignal, CloseThreadSchema.parse(close))),
    async *items({ after: first = 0 } = {}) {
      for (let after = first; ;) {
        const page = await ask('read items', () => handle.query(itemsQuery, { after, limit: 200 }));
        const from = after;
        const items =
          page.archived === null
            ? page.items
            : (await archived(page.archived)).items.slice(from - page.archived.items.from);
        yield* items;
        after = page.archived?.items.to ?? page.next;
        if (!page.more) return;
      }
    },
    async completion(turnId, options) {
      const endOf = createTurnFollower(thread, turnId);
      for await (const event of events({ ...options, untilRest: true })) {
        const end = await endOf(event);
        if (end !== null) return end;
      }
      throw toBobbinError(new Error(`its events ended without the end of turn ${turnId}`), {
        threadId,
        action: 'wait for a turn',
      });
    },
  };
  return thread;
}

/** The service keeps what it has received for the next worker. */
function toPending(error: unknown, key: string | undefined): unknown {
  if (!(error instanceof BobbinError) || error.code !== 'workerUnavailable') return error;
  const next = key === undefined ? 'read the thread before you ask again' : `ask again with the same id, ${key}`;
  const message = `${error.message} It may still be done once a worker is back: ${next}.`;
  return new BobbinError(error.code, message, error.cause, { mayBeDone: key === undefined });
}

function signalOf({ signal }: { signal?: AbortSignal }): EventStreamOptions {
  return signal === undefined ? {} : { signal };
}

async function readEnd<T extends Item['type']>(
  events: AsyncIterable<ThreadEvent>,
  { turnId, threadId, type, action }: { turnId: string; threadId: string; type: T; action: string },
): Promise<{ completion: TurnCompletion; item: Extract<Item, { type: T }> | null }> {
  let item: Extract<Item, { type: T }> | null = null;
  for await (const event of events) {
    if (event.type === 'item/completed' && event.turnId === turnId && isOf(event.item, type)) item = event.item;
    if (event.type === 'turn/completed' && event.turn.turnId === turnId) return { completion: event.turn, item };
  }
  throw toBobbinError(new Error(`its events ended without the end of turn ${turnId}`), { threadId, action });
}

function isOf<T extends Item['type']>(item: Item, type: T): item is Extract<Item, { type: T }> {
  return item.type === type;
}
