/** One thread, live. */
import { useEffect, useLayoutEffect, useReducer, useRef, useState } from 'preact/hooks';
import type { Item, ThreadView } from '../../../contract/index.ts';
import { toDollars } from '../../../contract/plain/amount-words.ts';
import { grouped, plural } from '../../../contract/plain/plural.ts';
import { toPhaseWords } from '../../../contract/plain/waiting-words.ts';
import { toVisibleLine } from '../../../contract/plain/foreign-text.ts';
import { toWorkflowId } from '../../../contract/plain/workflow-ids.ts';
import type { Running } from '../../running-steps.ts';
import { get, post, threadPath, toProblemWords } from '../base/api.ts';
import { Composer } from './composer.tsx';
import { EntryView, PlanView } from './items.tsx';
import { Markdown } from '../base/markdown.tsx';
import { type Answer, RequestView } from './request.tsx';
import { threadAddress } from '../base/address.ts';
import { TemporalLink } from '../base/session.tsx';
import { Exact, Foreign, Inline, Output } from '../base/text.tsx';
import { Undo } from './undo.tsx';
import { type ThreadSession, followThread } from './thread-session.ts';
import { type Input, NEW_THREAD, type ThreadState, firstShown, reduce } from './thread-state.ts';

const EARLIER_ITEMS = 100;

export function ThreadPage({ threadId }: { threadId: string }) {
  const [state, take] = useReducer(reduce, NEW_THREAD);
  const [problem, setProblem] = useState<string | null>(null);
  const session = useRef<ThreadSession | null>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    heading.current?.focus();
    const own = followThread(threadId, take, (error) => setProblem(toProblemWords(error)));
    session.current = own;
    return () => own.stop();
  }, [threadId]);
  useStayAtEnd(state);
  const { view } = state;
  const title = view === null || view.settings.title === '' ? threadId : view.settings.title;
  const waiting = state.requests.length;
  useEffect(() => {
    document.title = `${waiting > 0 ? `(${waiting}) ` : ''}${toVisibleLine(title)} · Bobbin`;
  }, [title, waiting]);

  const answer = async (requestId: string, given: Answer): Promise<void> => {
    take({ type: 'answered', requestId });
    document.querySelector<HTMLElement>('#prompt')?.focus();
    window.scrollTo(0, document.documentElement.scrollHeight);
    try {
      await post(threadPath(threadId, `/requests/${encodeURIComponent(requestId)}`), given);
      setProblem(null);
    } catch (error) {
      take({ type: 'answerLost', requestId });
      setProblem(`Your answer to ${requestId} was not accepted: ${toProblemWords(error)}`);
      session.current?.refresh();
    }
  };
  return (
    <main class="thread">
      <h1 ref={heading} tabIndex={-1}>
        <Inline text={title} />
      </h1>
      {view !== null && <Facts view={view} retrying={state.retrying} />}
      <Trouble state={state} problem={problem} />
      <h2 class="unseen">Conversation</h2>
      <Earlier threadId={threadId} state={state} take={take} />
      <div class="conversation" role="log" aria-label="Conversation">
        {state.entries.map((entry) => (
          <EntryView key={entry.key} entry={entry} />
        ))}
      </div>
      <LiveView state={state} />
      <div role="status" class="unseen">
        {waiting > 0 && `${plural(waiting, 'request')} for you`}
      </div>
      {waiting > 0 && <h2>Waiting for you</h2>}
      {state.requests.map((request) => (
        <RequestView
          key={request.requestId}
          request={request}
          onAnswer={(given) => void answer(request.requestId, given)}
        />
      ))}
      {view !== null && view.status === 'idle' && view.turnCount > 0 && (
        <Undo key={view.turnCount} threadId={threadId} />
      )}
      {view !== null && view.status !== 'closed' && (
        <Composer threadId={threadId} draft={state.draft} activeTurnId={view.activeTurn?.turnId ?? null} take={take} />
      )}
    </main>
  );
}

function Facts({ view, retrying }: { view: ThreadView; retrying: string | null }) {
  const { status, activeTurn, usage, context, settings, queuedTurns, subThreads } = view;
  const cost = usage.costMicroUsd === null ? 'cost unknown' : toDollars(usage.costMicroUsd);
  const used = context.tokens === null ? [] : [`context ${grouped(context.tokens)} tokens`];
  const full =
    context.tokens === null || context.compactAt === null
      ? []
      : [`${Math.round((100 * context.tokens) / context.compactAt)}% until it is compacted`];
  const doing = activeTurn === null ? status : toPhaseWords(activeTurn.phase, (name) => name);
  const parts = [doing, cost, ...used, ...full, settings.model, settings.cwd];
  return (
    <div class="facts">
      <p>
        <Inline text={parts.join(' · ')} /> <TemporalLink place={{ workflowId: toWorkflowId(view.threadId) }} />
      </p>
      {retrying !== null && (
        <p>
          A step is tried again: <Inline text={retrying} />
        </p>
      )}
      {settings.parent !== null && (
        <p>
          Started by <a href={threadAddress(settings.parent.threadId)}>another thread</a>
        </p>
      )}
      {subThreads.length > 0 && (
        <ul aria-label="Agents">
          {subThreads.map((agent) => (
            <li key={agent.threadId}>
              <a href={threadAddress(agent.threadId)}>
                <Inline text={agent.name} />
              </a>{' '}
              {agent.status}
            </li>
          ))}
        </ul>
      )}
      {queuedTurns.length > 0 && (
        <p>
          {plural(queuedTurns.length, 'queued turn')}: <Inline text={queuedTurns.map(({ text }) => text).join(' · ')} />
        </p>
      )}
    </div>
  );
}

/** Always there, so that a screen reader notices what appears in it. */
function Trouble({ state: { trouble }, problem }: { state: ThreadState; problem: string | null }) {
  const reasons = [trouble.stream, trouble.view].filter((words) => words !== null);
  return (
    <div role="status" class="troubles">
      {reasons.length > 0 && (
        <p class="trouble">
          Not up to date. This goes on when it answers again, and nothing is lost. <Inline text={reasons[0] ?? ''} />
        </p>
      )}
      {problem !== null && (
        <p class="trouble">
          <Inline text={problem} />
        </p>
      )}
    </div>
  );
}

interface EarlierProps {
  threadId: string;
  state: ThreadState;
  take: (input: Input) => void;
}

function Earlier({ threadId, state, take }: EarlierProps) {
  const [problem, setProblem] = useState('');
  const first = firstShown(state);
  if (first === null || first === 0) return null;
  const read = async (): Promise<void> => {
    const after = Math.max(0, first - EARLIER_ITEMS);
    try {
      const path = threadPath(threadId, `/items?after=${after}&limit=${first - after}`);
      take({ type: 'earlier', items: (await get<{ items: Item[] }>(path)).items });
      setProblem('');
    } catch (error) {
      setProblem(toProblemWords(error));
    }
  };
  return (
    <p>
      <button type="button" onClick={() => void read()}>
        Show earlier items
      </button>{' '}
      <Inline text={problem} />
    </p>
  );
}

/** Work in progress changes many times a second, so screen readers are told when it is done. */
function LiveView({ state: { live, plan, sent } }: { state: ThreadState }) {
  return (
    <section class="live" aria-label="In progress" aria-live="off">
      {plan.length > 0 && (
        <details open>
          <summary>Plan</summary>
          <PlanView plan={plan} />
        </details>
      )}
      {live.filter(({ tail }) => tail !== '').map(toRunning)}
      {sent.map(({ turnId, text }) => (
        <article key={turnId} class="item userMessage">
          <h3>You, sent</h3>
          <Foreign text={text} />
        </article>
      ))}
    </section>
  );
}

function toRunning({ id, kind, title, tail }: Running) {
  return (
    <article key={id} class="item" data-live={id}>
      <h3>{kind === 'message' ? 'Agent' : 'Running'}</h3>
      {title !== '' && <Exact label="Command" text={title} />}
      {kind === 'message' ? <Markdown text={tail} /> : <Output text={tail} />}
    </article>
  );
}

/** Of the end of the page, in pixels: nearer than this, new text moves the page. */
const END_PX = 80;

/** Follows the end of the page. A new request is shown from its beginning. */
function useStayAtEnd(state: ThreadState): void {
  const isAtEnd = useRef(true);
  const asked = useRef<string | null>(null);
  useEffect(() => {
    const note = (): void => {
      const { scrollHeight, clientHeight } = document.documentElement;
      isAtEnd.current = scrollHeight - clientHeight - window.scrollY < END_PX;
    };
    window.addEventListener('scroll', note, { passive: true });
    return () => window.removeEventListener('scroll', note);
  }, []);
  useLayoutEffect(() => {
    const first = state.requests[0]?.requestId ?? null;
    const isNew = first !== null && first !== asked.current;
    asked.current = first;
    if (!isAtEnd.current) return;
    if (isNew) document.querySelector('.request')?.scrollIntoView({ block: 'start' });
    else window.scrollTo(0, document.documentElement.scrollHeight);
  }, [state]);
}
