/** Batches of reviews, and the targets that have been reviewed. */
import type { BatchTarget } from '../../../contract/index.ts';
import { describeTarget } from '../../../contract/plain/words/target-words.ts';
import { nameTargets } from '../../../reports/repository.ts';
import { type Place, toHash } from '../base/address.ts';
import { Chip, type Tone } from '../base/chip.tsx';
import { Age } from '../base/moments.tsx';
import { usePolled } from '../base/polled.ts';
import { Inline } from '../base/text.tsx';
import { Pane, Row } from '../list/pane.tsx';

/** As they are in JSON. */
interface BatchSummary {
  batchId: string;
  /** Temporal's: RUNNING, COMPLETED, ... */
  status: string;
  startedAt: string;
}
interface LedgerSummary {
  targetId: string;
  target: BatchTarget;
}

const REFRESH_MS = 5_000;
const LIMIT = 200;

export function ReviewList({ place }: { place: Place }) {
  const batches = usePolled<{ batches: BatchSummary[] }>(`/v1/batches?limit=${LIMIT}`, REFRESH_MS);
  const targets = usePolled<{ ledgers: LedgerSummary[] }>(`/v1/ledgers?limit=${LIMIT}`, REFRESH_MS);
  const ledgers = targets.value?.ledgers ?? [];
  const names = nameTargets(ledgers.map(({ target }) => target));
  const isEmpty = batches.value?.batches.length === 0 && targets.value !== null && ledgers.length === 0;
  const isCurrent = (at: Place['at'], id: string) => place.at === at && 'id' in place && place.id === id;
  return (
    <Pane
      label="Reviews"
      trouble={batches.trouble ?? targets.trouble}
      isRead={batches.value !== null && targets.value !== null}
      isEmpty={isEmpty}
    >
      {batches.value !== null && batches.value.batches.length > 0 && (
        <section>
          <h2>Batches</h2>
          <ul>
            {batches.value.batches.map(({ batchId, status, startedAt }) => (
              <Row
                key={batchId}
                href={toHash({ at: 'batch', id: batchId })}
                isCurrent={isCurrent('batch', batchId)}
                title={batchId}
              >
                <span class="facts">
                  <Chip tone={BATCH_TONES[status.toLowerCase()]}>{status.toLowerCase()}</Chip>{' '}
                  <Age at={Date.parse(startedAt)} />
                </span>
              </Row>
            ))}
          </ul>
        </section>
      )}
      {ledgers.length > 0 && (
        <section>
          <h2>Targets</h2>
          <ul>
            {ledgers.map(({ targetId, target }, index) => (
              <Row
                key={targetId}
                href={toHash({ at: 'target', id: targetId })}
                isCurrent={isCurrent('target', targetId)}
                title={names[index]?.trim() || targetId}
              >
                <span class="facts">
                  <Inline text={describeTarget(target)} />
                </span>
              </Row>
            ))}
          </ul>
        </section>
      )}
    </Pane>
  );
}

export const BATCH_TONES: Record<string, Tone> = {
  ...({
    running: 'live',
    cancelling: 'warn',
    completed: 'good',
    cancelled: 'warn',
    failed: 'bad',
    terminated: 'bad',
  } as const),
};

export function ReviewsWelcome() {
  return (
    <main class="welcome">
      <h1>Reviews</h1>
      <p class="facts">
        Choose a batch to see what it found, or a target to see all that is known of it. <code>bobbin batch run</code>{' '}
        starts a batch, a schedule starts one at given times.
      </p>
    </main>
  );
}
