/** The page: a list on the left, and what was chosen from it. */
import { useEffect, useState } from 'preact/hooks';
import { type Place, readHash, toHash } from './base/address.ts';
import { SessionContext, useHasOwner, useReadSession } from './base/session.tsx';
import { getToken, onTokenChange, takeToken } from './base/token.ts';
import { ThreadList } from './list/thread-list.tsx';
import { Welcome } from './list/welcome.tsx';
import { BatchPage } from './reviews/batch-page.tsx';
import { ReviewList, ReviewsWelcome } from './reviews/review-list.tsx';
import { TargetPage } from './reviews/target-page.tsx';
import { ScheduleList, SchedulesWelcome } from './schedules/schedule-list.tsx';
import { SchedulePage } from './schedules/schedule-page.tsx';
import { ThreadPage } from './thread/thread-page.tsx';
import { TokenForm } from './token-form.tsx';

export function App() {
  const [token, noteToken] = useState(getToken);
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    onTokenChange(() => noteToken(getToken()));
    const follow = (): void => {
      takeToken();
      setHash(location.hash);
    };
    window.addEventListener('hashchange', follow);
    return () => window.removeEventListener('hashchange', follow);
  }, []);
  if (token !== null) return <Inside key={token} place={readHash(hash)} />;
  return (
    <>
      <header>
        <a class="name" href="#/">
          Bobbin
        </a>
      </header>
      <TokenForm />
    </>
  );
}

function Inside({ place }: { place: Place }) {
  const isList = !('id' in place);
  useEffect(() => {
    if (isList) document.title = 'Bobbin';
  }, [isList]);
  return (
    <SessionContext.Provider value={useReadSession()}>
      <Header place={place} />
      <div class={isList ? 'panes' : 'panes open'}>
        <List place={place} />
        <Chosen place={place} />
      </div>
    </SessionContext.Provider>
  );
}

const SECTIONS = { threads: 'Threads', reviews: 'Reviews', schedules: 'Schedules' } as const;
type Section = keyof typeof SECTIONS;

const SECTION_OF: Record<Place['at'], Section> = {
  ...({ threads: 'threads', thread: 'threads', reviews: 'reviews', batch: 'reviews', target: 'reviews' } as const),
  ...({ schedules: 'schedules', schedule: 'schedules' } as const),
};

function Header({ place }: { place: Place }) {
  const hasOwner = useHasOwner();
  const sections = (Object.keys(SECTIONS) as Section[]).filter((at) => at === 'threads' || !hasOwner);
  return (
    <header>
      <a class="name" href="#/">
        Bobbin
      </a>
      <nav aria-label="Sections">
        {sections.map((at) => (
          <a key={at} href={toHash({ at })} aria-current={SECTION_OF[place.at] === at ? 'true' : undefined}>
            {SECTIONS[at]}
          </a>
        ))}
      </nav>
      <a class="aside" href="/docs">
        HTTP API
      </a>
    </header>
  );
}

function List({ place }: { place: Place }) {
  const current = 'id' in place ? place.id : null;
  switch (SECTION_OF[place.at]) {
    case 'threads':
      return <ThreadList current={current} />;
    case 'reviews':
      return <ReviewList place={place} />;
    case 'schedules':
      return <ScheduleList current={current} />;
  }
}

function Chosen({ place }: { place: Place }) {
  switch (place.at) {
    case 'threads':
      return <Welcome />;
    case 'reviews':
      return <ReviewsWelcome />;
    case 'schedules':
      return <SchedulesWelcome />;
    case 'thread':
      return <ThreadPage key={place.id} threadId={place.id} />;
    case 'batch':
      return <BatchPage key={place.id} batchId={place.id} />;
    case 'target':
      return <TargetPage key={place.id} targetId={place.id} />;
    case 'schedule':
      return <SchedulePage key={place.id} scheduleId={place.id} />;
  }
}
