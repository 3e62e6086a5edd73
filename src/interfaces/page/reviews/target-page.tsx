/** All that is known of one review target. */
import { useEffect } from 'preact/hooks';
import type { LedgerView } from '../../../contract/index.ts';
import { toVisibleLine } from '../../../contract/plain/foreign-text.ts';
import { plural } from '../../../contract/plain/plural.ts';
import { describeTarget } from '../../../contract/plain/words/target-words.ts';
import { toLedgerWorkflowId } from '../../../contract/plain/workflow-ids.ts';
import { toTrend } from '../../../reports/trend.ts';
import { Chip } from '../base/chip.tsx';
import { Age } from '../base/moments.tsx';
import { usePolled } from '../base/polled.ts';
import { TemporalLink } from '../base/session.tsx';
import { Inline } from '../base/text.tsx';
import { Detail } from '../list/detail.tsx';
import { Trend } from './chart.tsx';
import { Findings } from './findings.tsx';

const REFRESH_MS = 5_000;
const TREND_RUNS = 30;

export function TargetPage({ targetId }: { targetId: string }) {
  const { value, trouble, refresh } = usePolled<LedgerView>(`/v1/ledgers/${encodeURIComponent(targetId)}`, REFRESH_MS);
  const title = value === null ? targetId : describeTarget(value.target).trim() || targetId;
  useEffect(() => {
    document.title = `${toVisibleLine(title)} · Bobbin`;
  }, [title]);
  return (
    <Detail title={title} trouble={trouble}>
      {value !== null && (
        <>
          <p class="facts line">
            <Chip tone={value.running === null ? 'plain' : 'live'}>
              {value.running === null ? 'idle' : 'reviewing'}
            </Chip>
            <span>{plural(value.runCount, 'run')}</span>
            {value.anchor !== null && (
              <span>
                newest <Age at={value.anchor.at} /> at{' '}
                <code>
                  <Inline text={value.anchor.head.slice(0, 10)} />
                </code>
              </span>
            )}
            <TemporalLink place={{ workflowId: toLedgerWorkflowId(targetId) }} />
          </p>
          <Findings
            findings={value.findings.map((finding) => ({
              finding,
              change: finding.change,
              targetId,
              targetName: null,
            }))}
            onChange={refresh}
          />
          {value.findingsForgotten > 0 && (
            <p class="facts">{plural(value.findingsForgotten, 'older finding')} is no longer stored.</p>
          )}
          <Trend points={toTrend([{ ledger: value }], TREND_RUNS)} />
        </>
      )}
    </Detail>
  );
}
