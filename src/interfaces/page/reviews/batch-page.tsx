/** One batch of reviews: how far it is, what it found, and the outcome of each target. */
import { useEffect, useState } from 'preact/hooks';
import type { BatchView, RowsPage } from '../../../contract/index.ts';
import { toDollars } from '../../../contract/plain/words/amount-words.ts';
import { toVisibleLine } from '../../../contract/plain/foreign-text.ts';
import { plural } from '../../../contract/plain/plural.ts';
import { BATCH_PREFIX } from '../../../contract/plain/workflow-ids.ts';
import { nameTargets } from '../../../reports/repository.ts';
import { selectFindings } from '../../../reports/selection.ts';
import { toTrend } from '../../../reports/trend.ts';
import { ProblemNote, useAction } from '../base/action.tsx';
import { post } from '../base/api.ts';
import { Chip } from '../base/chip.tsx';
import { Age } from '../base/moments.tsx';
import { usePolled } from '../base/polled.ts';
import { TemporalLink, useAllowed } from '../base/session.tsx';
import { Inline } from '../base/text.tsx';
import { Detail } from '../list/detail.tsx';
import { Trend } from './chart.tsx';
import { Findings } from './findings.tsx';
import { Progress, Tiles } from './progress.tsx';
import { BATCH_TONES } from './review-list.tsx';
import { Targets } from './targets.tsx';
import { useLedgers } from './use-ledgers.ts';

const REFRESH_MS = 2_500;
const ENDED_REFRESH_MS = 30_000;
const PAGE = 50;
const TREND_RUNS = 30;

export function BatchPage({ batchId }: { batchId: string }) {
  const [after, setAfter] = useState(0);
  const [isEnded, setEnded] = useState(false);
  const every = isEnded ? ENDED_REFRESH_MS : REFRESH_MS;
  const path = `/v1/batches/${encodeURIComponent(batchId)}`;
  const batch = usePolled<BatchView>(path, every);
  const rows = usePolled<RowsPage>(`${path}/rows?after=${after}&limit=${PAGE}`, every);
  const shown = rows.value?.rows ?? [];
  const { ledgers, ...read } = useLedgers(shown);
  const view = batch.value;
  const ended = view !== null && view.endedAt !== null;
  useEffect(() => setEnded(ended), [ended]);
  useEffect(() => {
    document.title = `${toVisibleLine(batchId)} · Bobbin`;
  }, [batchId]);

  const targets = shown.map((row) => ({ row, ledger: ledgers.get(row.targetId) ?? null }));
  const names = nameTargets(shown.map(({ target }) => target));
  const findings =
    view === null
      ? []
      : selectFindings({ version: 1, at: 0, batch: view, targets }, 'all').map(({ finding, change, index }) => ({
          finding,
          change,
          targetId: targets[index]?.row.targetId ?? '',
          targetName: names[index] ?? null,
        }));
  return (
    <Detail title={batchId} trouble={batch.trouble ?? rows.trouble ?? read.trouble}>
      {view !== null && (
        <>
          <Facts view={view} path={path} onChange={batch.refresh} />
          <Progress view={view} />
          <Tiles view={view} />
          <Targets
            targets={targets}
            names={names}
            after={after}
            more={rows.value?.more === true}
            onPage={(forward) => setAfter(Math.max(0, after + (forward ? PAGE : -PAGE)))}
          />
          <Findings findings={findings} onChange={read.refresh} />
          {(after > 0 || rows.value?.more === true) && (
            <p class="facts">Findings and trend are those of the targets that are listed above.</p>
          )}
          <Trend points={toTrend(targets, TREND_RUNS)} />
        </>
      )}
    </Detail>
  );
}

function Facts({ view, path, onChange }: { view: BatchView; path: string; onChange: () => void }) {
  const { batchId, status, startedAt, endedAt, spent, reason, waitsFor } = view;
  const { run, isRunning, problem } = useAction();
  const mayDrive = useAllowed('drive');
  const cancel = async (): Promise<void> => {
    await post(`${path}/cancel`).finally(onChange);
  };
  return (
    <>
      <p class="facts line">
        <Chip tone={BATCH_TONES[status]}>{status}</Chip>
        <span>
          {endedAt === null ? 'begun ' : 'ended '}
          <Age at={endedAt ?? startedAt} />
        </span>
        <span>
          {toDollars(spent.costMicroUsd)}, {plural(spent.tokens, 'token')}
        </span>
        {waitsFor !== null && <span>{WAITS[waitsFor]}</span>}
        {reason !== null && (
          <span>
            <Inline text={reason} />
          </span>
        )}
        <TemporalLink place={{ workflowId: `${BATCH_PREFIX}${batchId}` }} />
        {mayDrive && status === 'running' && (
          <button type="button" class="decline" disabled={isRunning} onClick={() => void run(cancel)}>
            Cancel
          </button>
        )}
      </p>
      <ProblemNote problem={problem} />
    </>
  );
}

const WAITS = { rate: 'waits for its rate of reviews', reviews: 'waits for running reviews' };
