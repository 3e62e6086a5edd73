/** One thread, live. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { toVisibleLine } from '../../../contract/plain/foreign-text.ts';
import { plural } from '../../../contract/plain/plural.ts';
import { isLost, post, threadPath, toProblemWords } from '../base/api.ts';
import { refreshAll } from '../base/polled.ts';
import { useAllowed } from '../base/session.tsx';
import { Inline } from '../base/text.tsx';
import { Agents } from './agents.tsx';
import { Composer } from './composer.tsx';
import { Conversation, Earlier } from './conversation.tsx';
import { ThreadFacts } from './facts.tsx';
import { LiveView } from './live.tsx';
import { type Opened, Past } from './past/past.tsx';
import { type Answer, RequestView } from './request.tsx';
import { Settings } from './settings.tsx';
import { type ThreadSession, followThread } from './state/thread-session.ts';
import type { ThreadState } from './state/thread-state.ts';
import { useThreadState } from './state/use-thread-state.ts';
import { useStayAtEnd } from './stay-at-end.ts';

export function ThreadPage({ threadId }: { threadId: string }) {
  const [state, take] = useThreadState();
  const [problem, setProblem] = useState<string | null>(null);
  const [opened, setOpened] = useState<Opened | null>(null);
  const mayDrive = useAllowed('drive');
  const mayApprove = useAllowed('approve');
  const session = useRef<ThreadSession | null>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    heading.current?.focus();
    const own = followThread(threadId, take, (error) => setProblem(toProblemWords(error)));
    session.current = own;
    return () => own.stop();
  }, [threadId]);
  useStayAtEnd(state);
  const { view, entries, requests } = state;
  const title = view?.settings.title.trim() || threadId;
  const waiting = requests.length;
  useEffect(() => {
    document.title = `${waiting > 0 ? `(${waiting}) ` : ''}${toVisibleLine(title)} · Bobbin`;
  }, [title, waiting]);
  const status = view?.status;
  useEffect(refreshAll, [status, waiting]);
  const onFork = useCallback((turnId: string) => setOpened({ type: 'fork', turnId }), []);

  const answer = async (requestId: string, given: Answer): Promise<void> => {
    take({ type: 'answered', requestId });
    document.querySelector<HTMLElement>('#prompt')?.focus();
    window.scrollTo(0, document.documentElement.scrollHeight);
    try {
      await post(threadPath(threadId, `/requests/${encodeURIComponent(requestId)}`), given);
      setProblem(null);
    } catch (error) {
      take({ type: 'answerLost', requestId });
      const what = isLost(error) ? 'may not have arrived' : 'was not accepted';
      setProblem(`Your answer to ${requestId} ${what}: ${toProblemWords(error)}`);
      session.current?.refresh();
    }
  };
  return (
    <main class="thread">
      <h1 ref={heading} tabIndex={-1}>
        <Inline text={title} />
      </h1>
      {view !== null && <ThreadFacts view={view} retrying={state.retrying} />}
      <Trouble state={state} problem={problem} />
      {view !== null && <Settings view={view} />}
      {view !== null && view.subThreads.length > 0 && <Agents view={view} />}
      <h2 class="unseen">Conversation</h2>
      <Earlier threadId={threadId} state={state} take={take} />
      <Conversation entries={entries} onFork={mayDrive ? onFork : null} />
      {view?.itemCount === 0 && entries.length === 0 && <p class="empty">Nothing has been said in this thread yet.</p>}
      <LiveView state={state} />
      <div role="status" class="unseen">
        {waiting > 0 && `${plural(waiting, 'request')} for you`}
      </div>
      {waiting > 0 && <h2>Waiting for you</h2>}
      {requests.map((request) => (
        <RequestView
          key={request.requestId}
          request={request}
          agents={view?.subThreads ?? []}
          place={requests.map(({ requestId }) => requestId).join(' ')}
          onAnswer={mayApprove ? (given) => void answer(request.requestId, given) : null}
        />
      ))}
      {view !== null && mayDrive && (
        <>
          <Past view={view} entries={entries} opened={opened} onOpen={setOpened} />
          {view.status !== 'closed' && <Composer view={view} draft={state.draft} take={take} />}
        </>
      )}
    </main>
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
