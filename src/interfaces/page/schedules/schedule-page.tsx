/** One schedule: when it runs, what became of its runs, and pausing it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ScheduleRun, ScheduleView } from '../../../contract/index.ts';
import { toVisibleLine } from '../../../contract/plain/foreign-text.ts';
import { describeFiring, describeTimes } from '../../../contract/plain/words/schedule-words.ts';
import { describeTarget } from '../../../contract/plain/words/target-words.ts';
import { describeMilliseconds, describeMoment } from '../../../contract/plain/words/time-words.ts';
import { ProblemNote, useAction } from '../base/action.tsx';
import { toHash } from '../base/address.ts';
import { post } from '../base/api.ts';
import { Chip } from '../base/chip.tsx';
import { Age, Moment } from '../base/moments.tsx';
import { type Polled, usePolled } from '../base/polled.ts';
import { TemporalLink, useAllowed } from '../base/session.tsx';
import { Inline } from '../base/text.tsx';
import { Detail } from '../list/detail.tsx';

const REFRESH_MS = 4_000;
const TIMES = 5;
const TARGETS = 50;

export function SchedulePage({ scheduleId }: { scheduleId: string }) {
  const path = `/v1/schedules/${encodeURIComponent(scheduleId)}`;
  const schedule = usePolled<ScheduleView>(path, REFRESH_MS);
  const runs = usePolled<{ runs: ScheduleRun[] }>(`${path}/runs`, REFRESH_MS);
  const view = schedule.value;
  useEffect(() => {
    document.title = `${toVisibleLine(scheduleId)} · Bobbin`;
  }, [scheduleId]);
  const onChange = (): void => {
    schedule.refresh();
    runs.refresh();
  };
  return (
    <Detail title={scheduleId} trouble={schedule.trouble ?? runs.trouble}>
      {view !== null && (
        <>
          <p class="facts line">
            <Chip tone={view.paused ? 'warn' : 'good'}>{view.paused ? 'paused' : 'active'}</Chip>
            {view.note !== '' && (
              <span>
                <Inline text={view.note} />
              </span>
            )}
            <TemporalLink place={{ scheduleId }} />
          </p>
          <Control view={view} path={path} onChange={onChange} />
          <Times view={view} />
          <Runs runs={runs} />
          <Targets view={view} />
        </>
      )}
    </Detail>
  );
}

interface ControlProps {
  view: ScheduleView;
  path: string;
  onChange: () => void;
}

function Control({ view: { paused }, path, onChange }: ControlProps) {
  const [note, setNote] = useState('');
  const { run, isRunning, problem } = useAction();
  const mayDrive = useAllowed('drive');
  // Sent again after its answer was lost, it is the same run.
  const runAt = useRef<number | null>(null);
  if (!mayDrive) return null;
  const runNow = (): void =>
    void run(async () => {
      runAt.current ??= Date.now();
      await post(`${path}/trigger`, { at: runAt.current }).finally(onChange);
      runAt.current = null;
    });
  const send = (verb: string, body: object): void =>
    void run(async () => {
      await post(`${path}/${verb}`, body).finally(onChange);
      setNote('');
    });
  const why = note.trim() === '' ? {} : { note };
  return (
    <form
      class="card inline"
      onSubmit={(event) => {
        event.preventDefault();
        send(paused ? 'resume' : 'pause', why);
      }}
    >
      <label for="note">Note (optional)</label>
      <input
        id="note"
        maxLength={2_000}
        autocomplete="off"
        value={note}
        onInput={({ currentTarget }) => setNote(currentTarget.value)}
      />
      <div class="buttons">
        <button type="submit" class={paused ? 'approve' : ''} disabled={isRunning}>
          {paused ? 'Resume' : 'Pause'}
        </button>
        <button type="button" disabled={isRunning} onClick={runNow}>
          Run now
        </button>
      </div>
      <ProblemNote problem={problem} />
    </form>
  );
}

function Times({ view }: { view: ScheduleView }) {
  const { times, timezone, overlap, catchupWindowMs, jitterMs, counts, nextTimes, paused, pauseOnFailure } = view;
  return (
    <section>
      <h2>{paused ? 'Next runs, once it is resumed' : 'Next runs'}</h2>
      {nextTimes.length === 0 && <p class="empty">None.</p>}
      <ol class="times">
        {nextTimes.slice(0, TIMES).map((at) => (
          <li key={at}>
            {describeMoment(at, timezone)} <span class="facts">{<Age at={at} />}</span>
          </li>
        ))}
      </ol>
      <dl>
        <Fact label="due" value={describeTimes(times).join('; ')} />
        <Fact label="zone" value={timezone} />
        {jitterMs > 0 && <Fact label="delay" value={`up to ${describeMilliseconds(jitterMs)}`} />}
        <Fact label="overlap" value={`${overlap}${pauseOnFailure ? ', pauses on failure' : ''}`} />
        <Fact label="catches up" value={describeMilliseconds(catchupWindowMs)} />
        <Fact label="so far" value={`${counts.taken} started, ${counts.skipped} skipped, ${counts.missed} missed`} />
      </dl>
    </section>
  );
}

function Fact({ label, value }: { label: string; value: string }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>
        <Inline text={value} />
      </dd>
    </div>
  );
}

function Runs({ runs: { value } }: { runs: Polled<{ runs: ScheduleRun[] }> }) {
  return (
    <section>
      <h2>Newest runs</h2>
      {value?.runs.length === 0 && <p class="empty">None.</p>}
      <ul class="runs">
        {value?.runs.toReversed().map(({ batchId, scheduledAt, outcome }) => (
          <li key={batchId}>
            <a href={toHash({ at: 'batch', id: batchId })}>
              <Moment at={scheduledAt} />
            </a>{' '}
            <span class="facts">
              <Inline text={describeFiring(outcome)} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Targets({ view: { batch } }: { view: ScheduleView }) {
  return (
    <section>
      <h2>Targets</h2>
      {batch === null && <p class="empty">Another program has changed it, and they cannot be read.</p>}
      <ul>
        {batch?.targets.slice(0, TARGETS).map((target, index) => (
          <li key={index}>
            <Inline text={describeTarget(target)} />
          </li>
        ))}
      </ul>
      {batch !== null && batch.targets.length > TARGETS && (
        <p class="facts">and {batch.targets.length - TARGETS} more</p>
      )}
    </section>
  );
}
