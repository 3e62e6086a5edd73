/** A list of findings, the most urgent first. */
import { useState } from 'preact/hooks';
import type { LedgerFinding } from '../../../contract/index.ts';
import type { Selection } from '../../../reports/selection.ts';
import { Finding } from './finding.tsx';

export interface Listed {
  finding: LedgerFinding;
  change: LedgerFinding['change'];
  targetId: string;
  targetName: string | null;
}

interface Props {
  findings: readonly Listed[];
  /** Reads the target again. */
  onChange: (targetId: string) => void;
}

const PAGE = 50;
const WORDS: Record<Selection, string> = { new: 'new', open: 'open', all: 'all, with fixed and dismissed ones' };

export function Findings({ findings, onChange }: Props) {
  const [only, setOnly] = useState<Selection>('open');
  const [most, setMost] = useState(PAGE);
  const shown = findings.filter((one) => isSelected(one, only));
  return (
    <section aria-labelledby="findings">
      <div class="line">
        <h2 id="findings">Findings</h2>
        <label>
          <span class="unseen">Which findings</span>
          <select value={only} onChange={({ currentTarget }) => setOnly(currentTarget.value as Selection)}>
            {(Object.keys(WORDS) as Selection[]).map((value) => (
              <option key={value} value={value}>
                {WORDS[value]} ({findings.filter((one) => isSelected(one, value)).length})
              </option>
            ))}
          </select>
        </label>
      </div>
      {shown.length === 0 && <p class="empty">None.</p>}
      {shown.slice(0, most).map(({ finding, change, targetId, targetName }) => (
        <Finding
          key={`${targetId} ${finding.findingId}`}
          finding={finding}
          change={change}
          targetId={targetId}
          targetName={targetName}
          onChange={() => onChange(targetId)}
        />
      ))}
      {shown.length > most && (
        <button type="button" onClick={() => setMost(most + PAGE)}>
          Show {Math.min(PAGE, shown.length - most)} more
        </button>
      )}
    </section>
  );
}

function isSelected({ finding, change }: Listed, only: Selection): boolean {
  if (only === 'all') return true;
  return finding.state === 'open' && (only === 'open' || change === 'new' || change === 'reopened');
}
