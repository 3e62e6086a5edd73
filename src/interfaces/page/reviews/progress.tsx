/** How far a batch is, and what it found, in numbers. */
import type { BatchCounts, BatchView } from '../../../contract/index.ts';
import { plural } from '../../../contract/plain/plural.ts';

const WORDS: Record<keyof BatchCounts, string> = {
  ...{ reviewed: 'reviewed', skipped: 'skipped', failed: 'failed', notReviewed: 'not reviewed' },
  ...{ running: 'running', waiting: 'waiting' },
};
const STATES = Object.keys(WORDS) as (keyof BatchCounts)[];

export function Progress({ view: { counts } }: { view: BatchView }) {
  const all = STATES.reduce((sum, state) => sum + counts[state], 0);
  const done = all - counts.running - counts.waiting;
  const shown = STATES.filter((state) => counts[state] > 0);
  return (
    <div class="progress">
      <div
        class="bar"
        role="progressbar"
        aria-label="Targets that are done"
        aria-valuemin={0}
        aria-valuemax={all}
        aria-valuenow={done}
      >
        {shown.map((state) => (
          <span key={state} class={state} style={{ flexGrow: counts[state] }} />
        ))}
      </div>
      <p class="facts">
        {done} of {plural(all, 'target')}: {shown.map((state) => `${counts[state]} ${WORDS[state]}`).join(', ')}
      </p>
    </div>
  );
}

export function Tiles({ view: { findings, open } }: { view: BatchView }) {
  const tiles: [words: string, count: number | undefined, kind: string][] = [
    ['new', findings.new, 'new'],
    ['came back', findings.reopened, 'new'],
    ['still there', findings.unchanged, ''],
    ['fixed', findings.fixed, 'fixed'],
    ['dismissed', findings.dismissed, ''],
    ['open in all', open, ''],
  ];
  return (
    <ul class="tiles" aria-label="Findings in numbers">
      {tiles.map(([words, count, kind]) => (
        <li key={words} class={(count ?? 0) > 0 ? kind : ''}>
          <b>{count ?? '–'}</b> {words}
        </li>
      ))}
    </ul>
  );
}
