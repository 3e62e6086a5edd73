/** One thread, as a service drives it. */
import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import {
  type ArchiveBody,
  type ArchiveSegment,
  type CloseThread,
  CloseThreadSchema,
  type EditQueue,
  EditQueueSchema,
  type InterruptTurn,
  InterruptTurnSchema,
  type Item,
  type OnBusy,
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
  type ThreadRequest,
  type ThreadRules,
  type ThreadView,
  type TurnCompletion,
  type UndoPreview,
  type TurnSubmission,
  toWorkflowId,
} from '../../contract/index.ts';
import {
  type CompletedTask,
  closeThreadSignal,
  editQueueSignal,
  editQueueUpdate,
  eventsQuery,
  interruptTurnSignal,
  interruptUpdate,
  itemsQuery,
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
import { readArchive } from './archive.ts';
import { BobbinError } from '../bobbin-error.ts';
import { toBobbinError } from '../errors.ts';
import { type EventStreamOptions, streamEvents } from './event-stream.ts';
import { type StepProgress, readProgress } from './progress.ts';
import { type ReviewOptions, followReview, outputOf, toReviewTurn } from './review.ts';
import type { Service } from '../service.ts';
import { toWholeRequest } from './whole-request.ts';

/** Longer than the bound a thread gives a step to end. */
const INTERRUPT_DEADLINE_MS = 30_000;

export interface ThreadHandle {
  readonly threadId: string;
  readonly workflowId: string;
  /** Durable as soon as it resolves, whether a worker is up or not. The same `turnId` twice is one turn. */
  submit(turn: TurnSubmission): Promise<void>;
  /** Like `submit`, but needs a worker and rejects with the reason where the thread does not take the turn. */
  startTurn(turn: TurnSubmission): Promise<void>;
  /**
   * Asks for the context to be made smaller, as a turn of kind `compact`; durable as soon as it resolves. Like any turn it
   * replaces the active one, unless `onBusy` says otherwise.
   */
  compact(compact?: { turnId?: string; onBusy?: OnBusy }): Promise<{ turnId: string }>;
  /**
   * Has changes reviewed in a thread of its own, and resolves with what was found. Rejects with the reason where the thread
   * does not take it, and with `turnFailed` or `turnAborted` where it comes to no result.
   */
  review(target: ReviewTarget, options?: ReviewOptions): Promise<ReviewOutput>;
  /** Adds input to the active turn; it is in the next model request. */
  steer(steer: SteerTurn): Promise<void>;
  /** Edits, moves or drops a queued turn; rejects with `turnNotQueued` where it waits no more. */
  editQueue(edit: EditQueue): Promise<void>;
  /** The same as a signal: durable without a worker, and one that comes too late is recorded as refused. */
  requestQueueEdit(edit: EditQueue): Promise<void>;
  /** Resolves once the terminal event of the turn is recorded and its processes are gone, or said not to be. */
  interrupt(interrupt?: InterruptTurn): Promise<{ turnId: string | null }>;
  /** Asks for the same without waiting, and without a worker. */
  requestInterrupt(interrupt?: InterruptTurn): Promise<void>;
  /** Answers a request exactly once; a second answer rejects with `requestNotOpen`. */
  resolve(answer: ResolveRequest): Promise<void>;
  /** The same as a signal: durable without a worker, and a late answer is recorded as refused. */
  requestResolve(answer: ResolveRequest): Promise<void>;
  /** The same request with all that will run, of which an event or a view may hold the beginning alone. */
  wholeRequest(request: ThreadRequest): Promise<ThreadRequest>;
  /** Answers that are remembered for the thread and its turn. */
  rules(): Promise<ThreadRules>;
  /** Takes one back; rejects with `ruleUnknown` where there is no such rule. */
  revokeRule(revocation: RevokeRule): Promise<void>;
  /** The same as a signal: durable without a worker, and recorded as refused where there is no such rule. */
  requestRevokeRule(revocation: RevokeRule): Promise<void>;
  /** @param options `wait: false` rejects with `threadOpening` where the thread is not open yet. */
  view(options?: { wait: boolean }): Promise<ThreadView>;
  /** Every event in order, each once, from `after` on; survives lost connections. Ends after `thread/closed`. */
  events(options?: EventStreamOptions): AsyncGenerator<ThreadEvent, void, undefined>;
  /** The whole history, the archived part included. */
  items(): AsyncGenerator<Item, void, undefined>;
  /** The terminal event of a turn, waiting for it where it is still to come. */
  completion(turnId: string, options?: EventStreamOptions): Promise<TurnCompletion>;
  /** What the steps under way have to show so far: partial text, partial output. */
  progress(): Promise<StepProgress[]>;
  /**
   * Takes back the newest turn: its files, as far as a snapshot reaches, and its part in the conversation. Resolves once it
   * has ended. Rejects with `threadBusy` while a turn is active.
   */
  undo(): Promise<Undone>;
  /** What `undo` would do now, path by path; changes nothing. Rejects with `threadBusy` or `notEnoughTurns`. */
  previewUndo(): Promise<UndoPreview>;
  /**
   * Takes back the newest undo, its files and its part in the conversation. The turn fails with `nothingToRedo` if another
   * turn that speaks with the model has begun since. Rejects with `threadBusy` while a turn is active.
   */
  redo(): Promise<Redone>;
  /** Takes the newest turns out of the conversation; files stay. Rejects with `threadBusy` or `notEnoughTurns`. */
  rollback(rollback: RollbackTurns): Promise<{ dropped: string[] }>;
  /** The same as a signal: durable without a worker, and recorded as refused where it cannot be done. */
  requestRollback(rollback: RollbackTurns): Promise<void>;
  /** Stops everything and closes the thread. Durable as soon as it resolves. */
  close(close?: CloseThread): Promise<void>;
}

export interface Undone {
  completion: TurnCompletion;
  /** What was undone and what was not; null where the undo did not complete. */
  dropped: Extract<Item, { type: 'turnsDropped' }> | null;
}

export interface Redone {
  completion: TurnCompletion;
  /** What was taken back; null if the redo did not complete. */
  restored: Extract<Item, { type: 'turnsRestored' }> | null;
}

export function openHandle(service: Service, threadId: string): ThreadHandle {
  const workflowId = toWorkflowId(threadId);
  const handle: WorkflowHandle = service.client.workflow.getHandle(workflowId);

  const { call, ask } = callsOf(service, (error, action) => toBobbinError(error, { threadId, action }));
  const archived = (segment: ArchiveSegment): Promise<ArchiveBody> =>
    call('read the archive', () => readArchive(service, segment.segmentId), 30_000);
  const source = {
    events: (after: number, limit: number, completedTask: CompletedTask | null) => {
      const page = { after, limit, ...(completedTask === null ? {} : { completedTask }) };
      return call('read events', () => handle.query(eventsQuery, page));
    },
    archived,
  };
  const events = (options?: EventStreamOptions) => streamEvents(service, { threadId, workflowId }, source, options);

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
      // The turn may be an earlier one of the same id.
      const after = options.turnId === undefined ? lastSeq : 0;
      const end = await followReview(events({ after, ...signalOf(options) }), turnId);
      options.signal?.throwIfAborted();
      if (end !== undefined) return outputOf(end, threadId);
      throw new BobbinError('threadClosed', `review: thread ${threadId} closed before turn ${turnId} ended.`);
    },
    startTurn: (turn) =>
      call('start a turn', async () => {
        await handle.executeUpdate(startTurnUpdate, { args: [SubmitTurnSchema.parse(turn)], updateId: randomUUID() });
      }),
    steer: (steer) =>
      call('steer a turn', async () => {
        await handle.executeUpdate(steerTurnUpdate, { args: [SteerTurnSchema.parse(steer)], updateId: randomUUID() });
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
    rules: () => ask('look at the rules', () => handle.query(rulesQuery)),
    revokeRule: (revocation) =>
      call('revoke a rule', async () => {
        await handle.executeUpdate(revokeRuleUpdate, {
          args: [RevokeRuleSchema.parse(revocation)],
          updateId: randomUUID(),
        });
      }),
    requestRevokeRule: (revocation) =>
      call('revoke a rule', async () => handle.signal(revokeRuleSignal, RevokeRuleSchema.parse(revocation))),
    view: ({ wait } = { wait: true }) => (wait ? ask : call)('look at the thread', () => handle.query(threadQuery)),
    progress: () => call('look at the running steps', () => readProgress(handle)),
    async undo() {
      const turnId = `undo-${randomUUID()}`;
      const after = (await thread.view()).lastSeq;
      await thread.startTurn({ turnId, kind: 'undo' });
      const place = { turnId, threadId, type: 'turnsDropped', action: 'undo a turn' } as const;
      const { completion, item } = await readEnd(events({ after }), place);
      return { completion, dropped: item };
    },
    previewUndo: () =>
      call('preview an undo', () => handle.executeUpdate(previewUndoUpdate, { args: [{}], updateId: randomUUID() })),
    async redo() {
      const turnId = `redo-${randomUUID()}`;
      const after = (await thread.view()).lastSeq;
      await thread.startTurn({ turnId, kind: 'redo' });
      const place = { turnId, threadId, type: 'turnsRestored', action: 'redo a turn' } as const;
      const { completion, item } = await readEnd(events({ after }), place);
      return { completion, restored: item };
    },
    rollback: (rollback) =>
      call('roll back', () =>
        handle.executeUpdate(rollbackTurnsUpdate, {
          args: [RollbackTurnsSchema.parse(rollback)],
          updateId: randomUUID(),
        }),
      ),
    requestRollback: (rollback) =>
      call('roll back', async () => handle.signal(rollbackTurnsSignal, RollbackTurnsSchema.parse(rollback))),
    close: (close = {}) =>
      call('close the thread', async () => handle.signal(closeThreadSignal, CloseThreadSchema.parse(close))),
    async *items() {
      for (let after = 0; ;) {
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
      for await (const event of events(options)) {
        if (event.type === 'turn/completed' && event.turn.turnId === turnId) return event.turn;
      }
      throw toBobbinError(new Error(`its events ended without the end of turn ${turnId}`), {
        threadId,
        action: 'wait for a turn',
      });
    },
  };
  return thread;
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
