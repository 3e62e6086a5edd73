/**
 * The messages that a thread handles. A signal has no answer, so a bad one becomes a visible rejection; a validator
 * refuses a bad update, which leaves no trace in history. No message may fail the workflow or block its tasks.
 */
import type { UpdateDefinition } from '@temporalio/common';
import { ApplicationFailure, condition, log, patched, setDefaultSignalHandler, setHandler } from '@temporalio/workflow';
import type { EventsPage, InterruptTurn, ItemsPage, ThreadOpening, UndoPreview } from '../../../src/contract/index.ts';
import { WORKFLOW_CODES } from '../../../src/contract/plain/workflow-codes.ts';
import {
  isKnownTurn,
  refuseAnswer,
  refuseInterrupt,
  refuseMove,
  refusePreview,
  refuseQueueEdit,
  refuseRevoke,
  refuseRollback,
  refuseSteer,
  refuseTurn,
} from '../machine/admission.ts';
import type { Refusal } from '../state/refusal.ts';
import { LIMITS } from '../../../src/contract/plain/limits.ts';
import {
  type Parsed,
  mentionedId,
  parseAgentMessage,
  parseCloseThread,
  parseClosedRunQuestion,
  parseEditQueue,
  parseInterruptTurn,
  parseMoveThread,
  parsePage,
  parseResolveRequest,
  parseRevokeRule,
  parseRollbackTurns,
  parseSteerTurn,
  parseSubThreadMessage,
  parseSubmitTurn,
  parseTreeBudget,
} from '../guards/guards.ts';
import { resolvedBelow } from '../agents/sub-threads.ts';
import { toPast } from '../past/fork.ts';
import { readEvents, readItems } from '../state/log.ts';
import type { MachineInput } from '../state/inputs.ts';
import {
  agentMessageSignal,
  type ClosedRunAnswer,
  closeThreadSignal,
  closedRunQuery,
  contextQuery,
  editQueueSignal,
  editQueueUpdate,
  eventsQuery,
  interruptTurnSignal,
  interruptUpdate,
  itemsQuery,
  moveUpdate,
  openingQuery,
  pastQuery,
  previewUndoUpdate,
  resolveRequestSignal,
  resolveUpdate,
  revokeRuleSignal,
  revokeRuleUpdate,
  rollbackTurnsSignal,
  rollbackTurnsUpdate,
  rulesQuery,
  startTurnUpdate,
  steerTurnUpdate,
  subThreadReportSignal,
  submitTurnSignal,
  threadQuery,
  treeBudgetSignal,
} from './messages.ts';
import { runActivity } from './effects.ts';
import { moveThread } from './moving.ts';
import { refuseToUndo, toNotUndone, toPreview, undoable } from '../tasks/undo.ts';
import { type Handover, toHandover } from '../past/resume.ts';
import { ownRules } from '../approvals/rules.ts';
import type { ThreadState } from '../state/state.ts';
import { isEndingSessions } from '../tools/sessions.ts';
import { findTurn } from '../turns/turns.ts';
import { toContext, toThreadView } from '../view/view.ts';
import type { ThreadShell } from './thread-shell.ts';

const ROLLBACK_TURNS = 'Removes the newest turns from the conversation; files stay: { "numTurns": 1 }';

const REVOKE_RULE = 'Revokes a remembered answer: { "ruleId": "rule_3" }';

type Dispatch = (machineInput: MachineInput) => void;

export function registerHandlers(shell: ThreadShell, dispatch: Dispatch): void {
  registerSignals(shell, dispatch);
  registerUpdates(shell, dispatch);
  registerQueries(shell);
}

// --------------------------------------------------------------------------------------------------------- signals

function registerSignals(shell: ThreadShell, dispatch: Dispatch): void {
  const onSignal = <T>(name: string, parse: (value: unknown) => Parsed<T>, toHappening: (value: T) => MachineInput) => {
    return (payload: unknown): void => {
      guarded(dispatch, name, payload, () => {
        const parsed = parse(payload);
        if (parsed.ok) dispatch(toHappening(parsed.value));
        else
          dispatch({
            type: 'messageRejected',
            message: name,
            code: parsed.code,
            reason: parsed.reason,
            id: mentionedId(payload),
          });
      });
    };
  };
  setHandler(
    submitTurnSignal,
    onSignal('submitTurn', parseSubmitTurn, (turn) => ({ type: 'turnSubmitted', turn })),
    {
      description: 'Starts a turn: { "turnId": "t1", "kind": "regular", "input": [{ "type": "text", "text": "..." }] }',
    },
  );
  setHandler(
    interruptTurnSignal,
    onSignal('interruptTurn', parseInterruptTurn, (interrupt) => ({ type: 'interruptRequested', interrupt })),
    { description: 'Stops the active turn: {} or { "turnId": "t1", "reason": "..." }' },
  );
  setHandler(
    resolveRequestSignal,
    onSignal('resolveRequest', parseResolveRequest, (answer) => ({
      ...{ type: 'requestAnswered', answer, by: 'person' },
      ...whetherUnknown(shell, answer.requestId),
    })),
    {
      description:
        'Answers an open request: { "requestId": "req_3", "decision": "accept" }; "remember": { "scope": "thread" } to remember it',
    },
  );
  setHandler(
    editQueueSignal,
    onSignal('editQueue', parseEditQueue, (edit) => ({ type: 'queueEdited', edit })),
    { description: EDIT_QUEUE },
  );
  setHandler(
    rollbackTurnsSignal,
    onSignal('rollbackTurns', parseRollbackTurns, (rollback) => ({ type: 'rollbackRequested', rollback })),
    { description: ROLLBACK_TURNS },
  );
  setHandler(
    revokeRuleSignal,
    onSignal('revokeRule', parseRevokeRule, (revocation) => ({ type: 'revocationRequested', revocation })),
    { description: REVOKE_RULE },
  );
  setHandler(
    closeThreadSignal,
    onSignal('closeThread', parseCloseThread, (close) => ({ type: 'closeRequested', close })),
    {
      description: 'Stops everything and closes the thread: {} or { "reason": "..." }',
    },
  );
  setHandler(
    subThreadReportSignal,
    onSignal('subThreadReport', parseSubThreadMessage, (message) => ({
      ...{ type: 'subThreadReported', message },
      ...whetherUnknown(shell, resolvedBelow(message)),
    })),
    { description: 'A report of a sub-thread to its parent; sent by threads only' },
  );
  setHandler(
    agentMessageSignal,
    onSignal('agentMessage', parseAgentMessage, (message) => ({ type: 'agentMessageReceived', message })),
    { description: 'A message of another agent, for the next model request: { "from": "thread", "text": "..." }' },
  );
  setHandler(
    treeBudgetSignal,
    onSignal('treeBudget', parseTreeBudget, (budget) => ({ type: 'treeBudgetTold', budget })),
    { description: 'The budget that a thread grants its sub-threads; sent by threads only' },
  );
  setDefaultSignalHandler((name) => {
    const reason =
      'A thread takes the signals submitTurn, interruptTurn, resolveRequest, editQueue, rollbackTurns, revokeRule and closeThread.';
    dispatch({ type: 'messageRejected', message: name.slice(0, LIMITS.idChars), code: 'malformed', reason, id: null });
  });
}

/** Earlier releases sent no report; a thread that has handled such a message without one does so in a replay, too. */
const UNKNOWN_REQUESTS = 'reports of unknown requests';

/** Whether a message is about a request that is not open here, but may be shown by a thread above. */
function whetherUnknown({ state }: ThreadShell, requestId: string | null): { isUnknown?: true } {
  const { parent } = state?.settings ?? { parent: null };
  if (state === null || parent === null || parent.reports === 'result' || requestId === null) return {};
  const isOpen = state.requests.some((request) => request.requestId === requestId);
  return !isOpen && patched(UNKNOWN_REQUESTS) ? { isUnknown: true } : {};
}

const EDIT_QUEUE =
  'Edits, moves or drops a queued turn: { "op": "move", "turnId": "t2", "before": null }; "edit" takes input and overrides, "drop" a reason';

/** A defect in the handling of a message loses that message, never the thread. */
function guarded(dispatch: Dispatch, message: string, payload: unknown, handle: () => void): void {
  try {
    handle();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    log.error('A message could not be handled', { message, reason });
    dispatch({ type: 'messageRejected', message, code: 'malformed', reason, id: mentionedId(payload) });
  }
}

// --------------------------------------------------------------------------------------------------------- updates

async function preview(state: ThreadState): Promise<UndoPreview> {
  const target = undoable(state);
  const refusal = refuseToUndo(state, target);
  if (target === null || refusal !== null)
    throw ApplicationFailure.nonRetryable(refusal?.message ?? '', refusal?.code ?? WORKFLOW_CODES.nothingToUndo);
  const found = await runActivity(toPreview(state, target), state.settings);
  if ('type' in found) throw ApplicationFailure.nonRetryable('The preview was stopped; ask again.', 'internal');
  const { files, paths = [], morePaths = 0, ofPatchesAlone } = found;
  return {
    turnId: target.turnId,
    files,
    paths,
    morePaths,
    notUndone: toNotUndone(state, target, found),
    ...(ofPatchesAlone === undefined ? {} : { ofPatchesAlone }),
  };
}

interface UpdateRules<T, R> {
  description: string;
  parse: (payload: unknown) => Parsed<T>;
  refuse: (state: ThreadState, value: T) => Refusal | null;
  /** @param state as it was before. */
  onEvent: (value: T, state: ThreadState) => R | Promise<R>;
  /** Answers while the thread waits for a host, which may be away; null, or left out: once it is open. */
  whileWaiting?: (value: T) => R | null;
}

function registerUpdates(shell: ThreadShell, dispatch: Dispatch): void {
  /** Refused without a trace in history if the thread is open by then, and else once it is open. */
  const onUpdate = <A, T, R>(
    update: UpdateDefinition<R, [A]>,
    { description, parse, refuse, onEvent, whileWaiting = () => null }: UpdateRules<T, R>,
  ) => {
    setHandler(
      update,
      async (payload) => {
        const value = read(parse(payload));
        const early = shell.state === null && shell.waitsFor !== null ? whileWaiting(value) : null;
        if (early !== null) return early;
        await opened(shell);
        const state = asked(shell);
        admit(refuse(state, value));
        return onEvent(value, state);
      },
      {
        description,
        validator: (payload) => {
          const value = read(parse(payload));
          if (shell.state !== null) admit(refuse(shell.state, value));
        },
      },
    );
  };
  onUpdate(startTurnUpdate, {
    description: 'Like submitTurn, but refuses invalid turns',
    parse: parseSubmitTurn,
    refuse: (state, turn) => (isKnownTurn(state, turn.turnId) ? null : refuseTurn(state, turn)),
    onEvent: (turn, state) => {
      if (!isKnownTurn(state, turn.turnId)) dispatch({ type: 'turnSubmitted', turn });
      return { turnId: turn.turnId };
    },
  });
  onUpdate(steerTurnUpdate, {
    description: 'Adds input to the active turn: { "expectedTurnId": "t1", "input": [...] }',
    parse: parseSteerTurn,
    refuse: refuseSteer,
    onEvent: (steer) => {
      dispatch({ type: 'turnSteered', steer });
      return { turnId: steer.expectedTurnId };
    },
  });
  onUpdate(editQueueUpdate, {
    description: EDIT_QUEUE,
    parse: parseEditQueue,
    refuse: refuseQueueEdit,
    onEvent: (edit) => {
      dispatch({ type: 'queueEdited', edit });
      return { turnId: edit.turnId };
    },
  });
  onUpdate(interruptUpdate, {
    description: 'Like interruptTurn, but answers when the terminal event is recorded',
    parse: parseInterruptTurn,
    refuse: refuseInterrupt,
    whileWaiting: (interrupt) => (patched(INTERRUPTED_EARLY) ? interruptEarly(shell, interrupt, dispatch) : null),
    onEvent: async (interrupt, state) => {
      const turnId = interrupt.turnId ?? state.active?.turnId ?? state.beside.at(-1)?.turnId ?? null;
      dispatch({ type: 'interruptRequested', interrupt });
      await condition(
        () =>
          shell.state === null ||
          (turnId === null ? !isEndingSessions(shell.state) : findTurn(shell.state, turnId) === null),
      );
      return { turnId };
    },
  });
  onUpdate(moveUpdate, {
    description:
      'Moves the thread: { "host": "build-2" }, or to a folder that is there: { "host": "build-2", "cwd": "/srv/shop" }',
    parse: parseMoveThread,
    refuse: refuseMove,
    onEvent: (move, state) => moveThread(state, move, { dispatch, current: () => asked(shell) }),
  });
  onUpdate(previewUndoUpdate, {
    description: 'Returns what an undo would do, path by path; changes nothing',
    parse: () => ({ ok: true, value: null }),
    refuse: refusePreview,
    onEvent: (_, state) => preview(state),
  });
  onUpdate(rollbackTurnsUpdate, {
    description: ROLLBACK_TURNS,
    parse: parseRollbackTurns,
    refuse: refuseRollback,
    onEvent: (rollback, { turns }) => {
      dispatch({ type: 'rollbackRequested', rollback });
      const left = new Set(asked(shell).turns.map(({ turnId }) => turnId));
      return { dropped: turns.flatMap(({ turnId }) => (left.has(turnId) ? [] : [turnId])) };
    },
  });
  onUpdate(revokeRuleUpdate, {
    description: REVOKE_RULE,
    parse: parseRevokeRule,
    refuse: refuseRevoke,
    onEvent: (revocation) => {
      dispatch({ type: 'revocationRequested', revocation });
      return { ruleId: revocation.ruleId };
    },
  });
  onUpdate(resolveUpdate, {
    description: 'Like resolveRequest, but refuses an answer to a request that is not open',
    parse: parseResolveRequest,
    refuse: refuseAnswer,
    onEvent: (answer) => {
      dispatch({ type: 'requestAnswered', answer, by: 'person' });
      return { requestId: answer.requestId };
    },
  });
}

/** Threads of earlier releases answered once they were open. */
const INTERRUPTED_EARLY = 'interrupt while waiting for a host';

/** The turn has not begun. It ends as soon as the thread is open, before any step. */
function interruptEarly(shell: ThreadShell, interrupt: InterruptTurn, dispatch: Dispatch): { turnId: string | null } {
  const sent = shell.early.flatMap(({ machineInput: input }) => (input.type === 'turnSubmitted' ? [input.turn] : []));
  const turns = [shell.start?.firstTurn, ...sent].flatMap((turn) => turn?.turnId ?? []);
  const turnId = interrupt.turnId ?? turns.at(-1) ?? null;
  if (interrupt.tree !== true && (turnId === null || !turns.includes(turnId))) {
    const reason = `The thread waits for its host, and ${turnId === null ? 'has no turn' : `turn ${turnId} is not one of its turns`}.`;
    admit({ code: 'turnNotActive', reason });
  }
  shell.interrupted = true;
  dispatch({ type: 'interruptRequested', interrupt });
  return { turnId };
}

function read<T>(parsed: Parsed<T>): T {
  if (parsed.ok) return parsed.value;
  throw ApplicationFailure.nonRetryable(parsed.reason, parsed.code);
}

function admit(refusal: Refusal | null): void {
  if (refusal !== null) throw ApplicationFailure.nonRetryable(refusal.reason, refusal.code);
}

/**
 * Returns nothing: when several updates arrive together, each must see the state that the one before it left, and a
 * promise would return an earlier one.
 */
async function opened(shell: ThreadShell): Promise<void> {
  await condition(() => shell.state !== null);
}

// --------------------------------------------------------------------------------------------------------- queries

function registerQueries(shell: ThreadShell): void {
  setHandler(threadQuery, () => toThreadView(asked(shell)), { description: 'The state of the thread' });
  setHandler(openingQuery, () => toOpening(shell), {
    description: 'The host that a thread waits for that is not open yet; null if it is open',
  });
  setHandler(rulesQuery, () => ({ rules: ownRules(asked(shell)) }), { description: 'Remembered answers' });
  setHandler(eventsQuery, (page) => eventsOf(shell, page), {
    description: 'Events after a sequence number: { "after": 0, "limit": 100 }',
  });
  setHandler(itemsQuery, (page) => itemsOf(shell, page), {
    description: 'Items from a number on: { "after": 0, "limit": 100 }',
  });
  setHandler(closedRunQuery, (question) => askedOnceClosed(shell, question), {
    description: 'For runs that have ended only: what the next run starts from',
  });
  setHandler(pastQuery, () => toPast(asked(shell)), { description: 'What a fork of this thread needs to know' });
  setHandler(contextQuery, (page) => toContext(asked(shell), toPage(page).after), {
    description: 'What a model step needs, from an item number on',
  });
}

// A thread that is not open yet has no past; readers that poll need no error.

function eventsOf(shell: ThreadShell, page: unknown): EventsPage {
  const { after, limit } = toPage(page);
  if (shell.state === null) return { events: [], next: after, more: false, archived: null };
  return readEvents(shell.state.log, after, limit);
}

function itemsOf(shell: ThreadShell, page: unknown): ItemsPage {
  const { after, limit } = toPage(page);
  if (shell.state === null) return { items: [], next: after, more: false, archived: null };
  return readItems(shell.state.log, after, limit);
}

function askedOnceClosed(shell: ThreadShell, question: unknown): ClosedRunAnswer {
  const parsed = parseClosedRunQuestion(question);
  if (!parsed.ok) throw queryRefused(parsed.code, parsed.reason);
  switch (parsed.value.ask) {
    case 'handover':
      return shell.state === null ? neverOpen(shell) : toHandover(shell.state);
    case 'past':
      return shell.state === null ? neverOpen(shell) : { type: 'past', past: toPast(shell.state) };
    case 'items':
      return itemsOf(shell, question);
    case 'events':
      return eventsOf(shell, question);
  }
}

function neverOpen({ start }: ThreadShell): Extract<Handover, { type: 'elsewhere' | 'nothing' }> {
  return start?.resume === undefined ? { type: 'nothing' } : { type: 'elsewhere', runId: start.resume.runId };
}

function toOpening({ state, start, waitsFor }: ThreadShell): ThreadOpening | null {
  return state === null ? { threadId: start?.threadId ?? '', status: 'opening', waitsFor } : null;
}

function asked(shell: ThreadShell): ThreadState {
  if (shell.state === null) throw queryRefused('threadOpening', 'The thread is not open yet; ask again.');
  return shell.state;
}

function toPage(page: unknown): { after: number; limit: number } {
  const parsed = parsePage(page);
  if (parsed.ok) return parsed.value;
  throw queryRefused(parsed.code, parsed.reason);
}

/** The service passes on only the message of a query's failure, so the message begins with the code. */
function queryRefused(code: string, reason: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(`${code}: ${reason}`, code);
}
