/** All threads; those that wait for a person come first. */
import { useEffect, useState } from 'preact/hooks';
import type { ThreadSummary } from '../../../contract/index.ts';
import { toDollars } from '../../../contract/plain/amount-words.ts';
import { get, toProblemWords } from '../base/api.ts';
import { threadAddress } from '../base/address.ts';
import { Inline } from '../base/text.tsx';

/** Dates are text in JSON. */
type Listed = Omit<ThreadSummary, 'createdAt'> & { createdAt: string };

const REFRESH_MS = 4_000;

export function ThreadList({ current }: { current: string | null }) {
  const { threads, trouble } = useThreads();
  const waiting = threads?.filter(({ waitsForPerson }) => waitsForPerson === true) ?? [];
  const others = threads?.filter(({ waitsForPerson }) => waitsForPerson !== true) ?? [];
  return (
    <nav class="threads" aria-label="Threads">
      {trouble !== null && (
        <p class="trouble" role="status">
          The list is not up to date. <Inline text={trouble} />
        </p>
      )}
      {threads === null && trouble === null && <p>Reading the threads …</p>}
      {threads?.length === 0 && (
        <p>
          There are no threads yet. Start one with <code>bobbin chat</code>.
        </p>
      )}
      <Section title="Waiting for you" threads={waiting} current={current} />
      <Section title={waiting.length === 0 ? 'Threads' : 'Other threads'} threads={others} current={current} />
    </nav>
  );
}

function useThreads(): { threads: Listed[] | null; trouble: string | null } {
  const [threads, setThreads] = useState<Listed[] | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  useEffect(() => {
    const stop = new AbortController();
    let timer: number | undefined;
    const read = async (): Promise<void> => {
      try {
        if (!document.hidden) setThreads((await get<{ threads: Listed[] }>('/v1/threads', stop.signal)).threads);
        setTrouble(null);
      } catch (error) {
        if (stop.signal.aborted) return;
        setTrouble(toProblemWords(error));
      }
      timer = window.setTimeout(() => void read(), REFRESH_MS);
    };
    void read();
    return () => {
      stop.abort();
      window.clearTimeout(timer);
    };
  }, []);
  return { threads, trouble };
}

function Section({ title, threads, current }: { title: string; threads: Listed[]; current: string | null }) {
  if (threads.length === 0) return null;
  return (
    <section>
      <h2>{title}</h2>
      <ul>
        {threads.map((thread) => (
          <li key={thread.threadId}>
            <Row thread={thread} isCurrent={thread.threadId === current} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Row({ thread, isCurrent }: { thread: Listed; isCurrent: boolean }) {
  const { threadId, title, status, waitsFor, createdAt, costUsd } = thread;
  return (
    <a href={threadAddress(threadId)} aria-current={isCurrent ? 'page' : undefined}>
      <span class="title">
        <Inline text={title === '' ? threadId : title} />
      </span>
      {waitsFor !== null && (
        <span class={`waits ${waitsFor.who}`}>
          <Inline text={waitsFor.what} />
        </span>
      )}
      <span class="facts">
        {status} · <time dateTime={createdAt}>{toAge(Date.parse(createdAt))}</time>
        {costUsd !== null && ` · ${toDollars(Math.round(costUsd * 1_000_000))}`}
      </span>
    </a>
  );
}

const AGE = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });

function toAge(at: number): string {
  const minutes = Math.floor((Date.now() - at) / 60_000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return AGE.format(-minutes, 'minute');
  if (minutes < 24 * 60) return AGE.format(-Math.floor(minutes / 60), 'hour');
  return AGE.format(-Math.floor(minutes / (24 * 60)), 'day');
}
