/** Connects a chat to a thread: follows its events, reads its view, and does what the chat asks for. */
import { randomUUID } from 'node:crypto';
import { BobbinError } from '../../../client/bobbin-error.ts';
import type { Bobbin, NewThread, ThreadHandle } from '../../../client/index.ts';
import { LIMITS } from '../../../contract/plain/limits.ts';
import { takesImages } from '../../../contract/plain/turn-kinds.ts';
import { plural } from '../../../contract/plain/plural.ts';
import type { PartialEvent, ThreadEvent, ThreadView, TreeCursor, TurnSubmission } from '../../../contract/index.ts';
import { namedImages, toInput } from '../image-files.ts';
import { isServed } from '../served.ts';
import { type Part, line, linesOf, paint, quote } from '../text/terminal-text.ts';
import { type Names, createNames, isShownAbove } from '../thread/watch-tree.ts';
import { runSlash } from './commands.ts';
import { completeDraft } from './complete.ts';
import { type Effect, type Picker, TICK_MS, initialState, isActive } from './state.ts';
import type { SlashCommand } from './slash.ts';
import { type Store, createStore } from './store.ts';
import { agentsNow, readPast } from './past.ts';
import { createViews, viewWhenReady, withWholeRequest, withWholeRequests } from './views.ts';

export interface SessionOptions {
  bobbin: Bobbin;
  /** The thread to talk with; null: a new one begins with the first prompt. */
  thread: ThreadHandle | null;
  /** Of a new thread. */
  start: NewThread;
  /** Earlier prompts of the person. */
  prompts: readonly string[];
  remember(prompts: readonly string[]): void;
  /** A prompt to begin with. */
  first?: string;
  /** Whether the person chooses a thread first. */
  pick?: boolean;
}

export interface Session {
  store: Store;
  /** Resolves when the person leaves, or when the thread can no longer be followed. */
  ended: Promise<void>;
  /** The thread at the end; null if none was started. */
  thread(): ThreadHandle | null;
  leave(): void;
  close(): Promise<void>;
}

/** How often the thread is asked if nothing is heard from it; less often if nothing is expected. */
const VIEW_EVERY_MS = 2_000;
const IDLE_TIMES = 3;

export function openSession(options: SessionOptions): Session {
  const { bobbin } = options;
  let thread = options.thread;
  const stop = new AbortController();
  const leaving = new AbortController();
  const leave = () => leaving.abort();
  const ended = new Promise<void>((resolve) => leaving.signal.addEventListener('abort', () => resolve()));
  let following: AbortController | null = null;
  const store = createStore(
    initialState(thread?.threadId ?? '', options.prompts, Date.now()),
    (effect) => void perform(effect).catch(report),
  );
  const pick = (threads: Picker['threads']) => store.dispatch({ type: 'pick', threads });
  const say = (...lines: Part[]) => store.dispatch({ type: 'said', lines });
  const report = (error: unknown) => say(...toLines(error));
  /** Whether the thread's past is still to be shown. */
  let opening = false;
  const views = createViews({ thread: () => (opening ? null : thread), isServed: () => isServed(bobbin) }, store);
  const working: Promise<unknown>[] = [];

  async function open(next: ThreadHandle, lines: readonly Part[]): Promise<void> {
    following?.abort();
    following = new AbortController();
    const signal = AbortSignal.any([stop.signal, following.signal]);
    [thread, opening] = [next, true];
    // At once: a key must not answer a request of the thread before.
    store.dispatch({ type: 'opened', threadId: next.threadId, lines });
    const view = await viewWhenReady(next, store, signal);
    if (view === null) return;
    const { lastSeq } = view;
    const { events, earlierTurns } = await readPast(next, view, signal);
    if (signal.aborted) return;
    const whole = await withWholeRequests(next, view);
    const open = new Map(whole.openRequests.map((request) => [request.requestId, request]));
    const cut = earlierTurns === 0 ? [] : [toEarlier(earlierTurns)];
    store.dispatch({ type: 'past', until: lastSeq, open: [...open.keys()], lines: cut });
    for (const event of events) {
      const request = 'request' in event ? (open.get(event.request.requestId) ?? event.request) : undefined;
      store.dispatch({ type: 'event', event: request === undefined ? event : ({ ...event, request } as ThreadEvent) });
    }
    store.dispatch({ type: 'view', view: whole });
    opening = false;
    const names = createNames(next.threadId);
    const cursor = await agentsNow(bobbin, view, names);
    working.push(follow(next, { ...cursor, [next.threadId]: lastSeq }, names, signal).catch(report));
  }

  async function follow(followed: ThreadHandle, after: TreeCursor, names: Names, signal: AbortSignal): Promise<void> {
    let seq = after[followed.threadId] ?? 0;
    const show = async (event: ThreadEvent | PartialEvent): Promise<void> => {
      if ('seq' in event) seq = event.seq;
      const whole = await withWholeRequest(followed, event);
      if (!signal.aborted) store.dispatch({ type: 'event', event: whole });
    };
    try {
      for await (const one of followed.events({ tree: true, after, signal, partial: true })) {
        const { threadId, path, event } = one;
        names.note(event);
        if (path.length === 0) await show(event);
        else if (!isShownAbove(one)) store.dispatch({ type: 'agentEvent', threadId, name: names.of(one), event });
      }
    } catch (error) {
      if (isEnd(error)) throw error;
      report(error);
      // An agent that cannot be read must not hide what its thread does.
      for await (const event of followed.events({ after: seq, signal, partial: true })) await show(event);
    }
  }

  /** One after the other: the first one starts a new thread. */
  let sending = Promise.resolve();
  function submit(turn: TurnSubmission, text: string): Promise<void> {
    store.dispatch({ type: 'submitted', turnId: turn.turnId, text });
    sending = sending.then(() => send(turn, text));
    return sending;
  }

  /** Undefined until a host has fetched its repository. */
  const folder = () => store.state().view?.settings.cwd ?? options.start.workspace.cwd;

  /** With the images that the text names by `@path`. A name that is no image stays what it is: text. */
  async function withNamedImages(turn: TurnSubmission, text: string): Promise<TurnSubmission> {
    const from = folder();
    if (from === undefined) return turn;
    const input = [...(turn.input ?? [])];
    for (const path of namedImages(text).slice(0, LIMITS.inputImages)) {
      const found = await toInput(bobbin, undefined, [path], from).catch((error: unknown) => report(error));
      input.push(...(found ?? []));
    }
    return { ...turn, input };
  }

  async function send(given: TurnSubmission, text: string): Promise<void> {
    const { turnId } = given;
    try {
      const turn = takesImages(given.kind) ? await withNamedImages(given, text) : given;
      if (thread === null) {
        const started = await bobbin.threads.startWith(options.start, turn);
        // Everything of a new thread is news.
        working.push(begin(started).catch(report));
      } else await thread.submit(turn);
    } catch (error) {
      const advice = isClosed(error) && thread !== null ? [line`/resume ${thread.threadId} opens it again`] : [];
      store.dispatch({ type: 'said', lines: [...toLines(error), ...advice], text, turnId });
    }
  }

  async function begin(started: ThreadHandle): Promise<void> {
    [thread, opening] = [started, false];
    const { threadId } = started;
    store.dispatch({ type: 'started', threadId });
    following = new AbortController();
    const signal = AbortSignal.any([stop.signal, following.signal]);
    views.refresh();
    await follow(started, {}, createNames(threadId), signal).catch((error: unknown) => {
      if (!isRefused(error) || thread !== started) throw error;
      takeBack(error);
    });
  }

  /** What was sent is refused with its thread. Another one begins with the next prompt. */
  function takeBack(error: unknown): void {
    thread = null;
    report(error);
    for (const sent of store.state().waiting) store.dispatch({ type: 'said', lines: [], ...sent });
  }

  async function perform(effect: Effect): Promise<void> {
    switch (effect.type) {
      case 'submit': {
        const { text, onBusy, model, effort } = effect;
        const overrides = { ...(model === null ? {} : { model }), ...(effort === undefined ? {} : { effort }) };
        await submit(
          { ...toTurn('regular', text), onBusy, ...(Object.keys(overrides).length === 0 ? {} : { overrides }) },
          text,
        );
        return;
      }
      case 'shell':
        await submit(toTurn('user_shell', effect.command), `!${effect.command}`);
        return;
      case 'resolve':
        await answer(effect);
        return;
      case 'interrupt':
        // What was sent before arrives before.
        await sending;
        if (thread !== null) await interrupt(thread, store.state().view);
        return;
      case 'editQueue':
        await thread?.requestQueueEdit(effect.edit);
        return;
      case 'slash':
        await giveCommand(effect.command);
        return;
      case 'remember':
        options.remember(effect.prompts);
        return;
      case 'complete': {
        const offers = await completeDraft(effect.draft, folder());
        if (store.state().draft === effect.draft) store.dispatch({ type: 'offers', offers });
        return;
      }
      case 'refresh':
        views.refresh();
        return;
      case 'leave':
        leave();
    }
  }

  async function giveCommand(command: SlashCommand): Promise<void> {
    store.dispatch({ type: 'working', change: 1 });
    const { start } = options;
    try {
      say(...(await runSlash(command, { bobbin, thread, submit, open, pick, start, leave, state: store.state })));
    } finally {
      store.dispatch({ type: 'working', change: -1 });
    }
  }

  async function answer({ answer: given }: Extract<Effect, { type: 'resolve' }>): Promise<void> {
    try {
      await thread?.requestResolve(given);
    } catch (error) {
      report(error);
      store.dispatch({ type: 'answerLost', requestId: given.requestId });
    }
  }

  const clock = setInterval(() => store.dispatch({ type: 'tick', now: Date.now() }), TICK_MS);
  let times = 0;
  const health = setInterval(() => {
    times += 1;
    const state = store.state();
    if (isActive(state) || state.waiting.length > 0 || times % IDLE_TIMES === 0) views.refresh();
  }, VIEW_EVERY_MS);
  if (thread !== null) working.push(open(thread, []).catch(report));
  if (options.pick === true) void perform({ type: 'slash', command: { name: 'resume', argument: '' } }).catch(report);
  if (options.first !== undefined) void perform({ type: 'submit', text: options.first, onBusy: 'queue', model: null });

  return {
    store,
    ended,
    thread: () => thread,
    leave,
    async close() {
      clearInterval(clock);
      clearInterval(health);
      stop.abort();
      await Promise.all([...working, views.idle()]);
    },
  };
}

function toEarlier(turns: number): Part {
  return paint.dim(`${plural(turns, 'earlier turn')} ${turns === 1 ? 'is' : 'are'} not shown`);
}

function toTurn(kind: 'regular' | 'user_shell', text: string): TurnSubmission {
  return { turnId: `turn-${randomUUID()}`, kind, input: [{ type: 'text', text }] };
}

export function toLines(error: unknown): Part[] {
  const message = error instanceof Error ? error.message : String(error);
  const [first = '', ...others] = linesOf(message);
  return [paint.red(first), ...others.map(quote)];
}

/** The active turn with the agents below, and the commands that the person runs beside it. */
async function interrupt(thread: ThreadHandle, view: ThreadView | null): Promise<void> {
  const reason = 'interrupted in the chat';
  await thread.requestInterrupt({ reason, tree: true });
  for (const { turnId } of view?.besideTurns ?? []) await thread.requestInterrupt({ turnId, reason });
}

function isClosed(error: unknown): boolean {
  return error instanceof BobbinError && error.code === 'threadClosed';
}

/** Of the thread itself: the end of an agent is no error. */
function isEnd(error: unknown): boolean {
  return isClosed(error) || isRefused(error) || (error instanceof BobbinError && error.code === 'threadNotFound');
}

function isRefused(error: unknown): boolean {
  return error instanceof BobbinError && error.code === 'threadRefused';
}
