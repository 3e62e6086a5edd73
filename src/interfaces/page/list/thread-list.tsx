/** All threads; those that wait for a person come first. */
import { useState } from 'preact/hooks';
import type { ThreadSummary } from '../../../contract/index.ts';
import { toDollars } from '../../../contract/plain/words/amount-words.ts';
import { plural } from '../../../contract/plain/plural.ts';
import { threadAddress } from '../base/address.ts';
import { Chip, type Tone } from '../base/chip.tsx';
import { Age } from '../base/moments.tsx';
import { usePolled } from '../base/polled.ts';
import { Inline } from '../base/text.tsx';
import { Pane, Row } from './pane.tsx';

/** Dates are text in JSON. */
type Listed = Omit<ThreadSummary, 'createdAt'> & { createdAt: string };
interface Answer {
  threads: Listed[];
}

const REFRESH_MS = 4_000;
const FEW = 50;
const ALL = { limit: 1_000, refreshMs: 20_000 };
/** A list that is longer has a filter. */
const LONG = 12;

export function ThreadList({ current }: { current: string | null }) {
  const [isWhole, setWhole] = useState(false);
  const [filter, setFilter] = useState('');
  const newest = usePolled<Answer>(`/v1/threads?limit=${FEW}`, REFRESH_MS);
  // A thread that waits may be older than those.
  const waits = usePolled<Answer>('/v1/threads?waiting=true&limit=200', REFRESH_MS);
  const trouble = newest.trouble ?? waits.trouble;
  const more = (newest.value?.threads.length ?? 0) >= FEW;
  return (
    <Pane label="Threads" trouble={trouble} isEmpty={newest.value?.threads.length === 0} isRead={newest.value !== null}>
      {isWhole ? (
        <WholeList newest={newest.value} waits={waits.value} filter={filter} setFilter={setFilter} current={current} />
      ) : (
        <Sections threads={merge(newest.value, waits.value)} filter={filter} setFilter={setFilter} current={current} />
      )}
      {more && !isWhole && (
        <button type="button" onClick={() => setWhole(true)}>
          Show older threads
        </button>
      )}
    </Pane>
  );
}

interface ListProps {
  filter: string;
  setFilter: (filter: string) => void;
  current: string | null;
}

/** Older threads are not asked: that would load their workers. */
function WholeList({ newest, waits, ...rest }: ListProps & { newest: Answer | null; waits: Answer | null }) {
  const all = usePolled<Answer>(`/v1/threads?ask=false&limit=${ALL.limit}`, ALL.refreshMs);
  return (
    <>
      {all.value === null && <p class="facts">{all.trouble ?? 'Reading older threads …'}</p>}
      <Sections threads={merge(newest, waits, all.value)} {...rest} />
      {all.value?.threads.length === ALL.limit && <p class="facts">These are the newest {ALL.limit} threads.</p>}
    </>
  );
}

/** Each thread once, as the first answer has it that has it; the newest first. */
function merge(...answers: (Answer | null)[]): Listed[] {
  const found = new Map<string, Listed>();
  for (const thread of answers.flatMap((answer) => answer?.threads ?? []))
    if (!found.has(thread.threadId)) found.set(thread.threadId, thread);
  return [...found.values()].sort((one, other) => Date.parse(other.createdAt) - Date.parse(one.createdAt));
}

function Sections({ threads, filter, setFilter, current }: ListProps & { threads: Listed[] }) {
  const wanted = filter.trim().toLowerCase();
  const shown = threads.filter(({ title, threadId, cwd }) =>
    [title, threadId, cwd].some((text) => text.toLowerCase().includes(wanted)),
  );
  const waiting = shown.filter(({ waitsForPerson }) => waitsForPerson === true);
  const others = shown.filter(({ waitsForPerson }) => waitsForPerson !== true);
  return (
    <>
      {threads.length > LONG && (
        <input
          type="search"
          aria-label="Find a thread"
          placeholder={`Find in ${plural(threads.length, 'thread')}`}
          value={filter}
          onInput={({ currentTarget }) => setFilter(currentTarget.value)}
        />
      )}
      <Section title="Waiting for you" threads={waiting} current={current} />
      <Section title={waiting.length === 0 ? 'Threads' : 'Other threads'} threads={others} current={current} />
      {shown.length === 0 && threads.length > 0 && <p class="facts">No thread has this in its title, id or folder.</p>}
    </>
  );
}

function Section({ title, threads, current }: { title: string; threads: Listed[]; current: string | null }) {
  if (threads.length === 0) return null;
  return (
    <section>
      <h2>{title}</h2>
      <ul>
        {threads.map((thread) => (
          <ThreadRow key={thread.threadId} thread={thread} isCurrent={thread.threadId === current} />
        ))}
      </ul>
    </section>
  );
}

function ThreadRow({ thread, isCurrent }: { thread: Listed; isCurrent: boolean }) {
  const { threadId, title, status, waitsFor, waitsForPerson, createdAt, costUsd } = thread;
  return (
    <Row href={threadAddress(threadId)} isCurrent={isCurrent} title={title.trim() || threadId}>
      {waitsFor !== null && (
        <span class={`waits ${waitsFor.who}`}>
          <Inline text={waitsFor.what} />
        </span>
      )}
      <span class="facts">
        {waitsForPerson === true ? <Chip tone="warn">waits for you</Chip> : <Chip tone={TONES[status]}>{status}</Chip>}{' '}
        <Age at={Date.parse(createdAt)} />
        {costUsd !== null && costUsd > 0 && ` · ${toDollars(Math.round(costUsd * 1_000_000))}`}
      </span>
    </Row>
  );
}

const TONES: Record<Listed['status'], Tone> = {
  ...({ opening: 'live', active: 'live', idle: 'plain', running: 'plain', closing: 'plain', closed: 'plain' } as const),
  ...({ failed: 'bad', terminated: 'bad' } as const),
};
