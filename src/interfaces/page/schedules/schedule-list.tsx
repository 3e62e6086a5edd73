/** The schedules. */
import type { ScheduleSummary } from '../../../contract/index.ts';
import { describeTimes } from '../../../contract/plain/words/schedule-words.ts';
import { toHash } from '../base/address.ts';
import { Chip } from '../base/chip.tsx';
import { Age } from '../base/moments.tsx';
import { usePolled } from '../base/polled.ts';
import { Inline } from '../base/text.tsx';
import { Pane, Row } from '../list/pane.tsx';

const REFRESH_MS = 5_000;

export function ScheduleList({ current }: { current: string | null }) {
  const { value, trouble } = usePolled<{ schedules: ScheduleSummary[] }>('/v1/schedules?limit=500', REFRESH_MS);
  return (
    <Pane label="Schedules" trouble={trouble} isRead={value !== null} isEmpty={value?.schedules.length === 0}>
      <ul>
        {value?.schedules.map(({ scheduleId, times, paused, nextAt }) => (
          <Row
            key={scheduleId}
            href={toHash({ at: 'schedule', id: scheduleId })}
            isCurrent={scheduleId === current}
            title={scheduleId}
          >
            <span class="facts">
              <Chip tone={paused ? 'warn' : 'good'}>{paused ? 'paused' : 'active'}</Chip>{' '}
              <Inline text={describeTimes(times).join('; ')} />
            </span>
            <span class="facts">
              {nextAt === null ? (
                'no further run'
              ) : (
                <>
                  next <Age at={nextAt} />
                </>
              )}
            </span>
          </Row>
        ))}
      </ul>
    </Pane>
  );
}

export function SchedulesWelcome() {
  return (
    <main class="welcome">
      <h1>Schedules</h1>
      <p class="facts">
        A schedule reviews its targets at given times. <code>bobbin schedule create</code> makes one.
      </p>
    </main>
  );
}
