/** The ledgers of some rows of a batch, read once for each outcome and after a decision. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { BatchRow, LedgerView } from '../../../contract/index.ts';
import { get } from '../base/api.ts';

type Ledgers = ReadonlyMap<string, LedgerView>;

/** Of one page together; a ledger can be large. */
const AT_ONCE = 4;

export function useLedgers(rows: readonly BatchRow[]): [Ledgers, (targetId: string) => void] {
  const [ledgers, setLedgers] = useState<Ledgers>(new Map());
  const [stale, setStale] = useState(0);
  /** The outcome with which each was read. */
  const read = useRef(new Map<string, string>());
  const wanted = rows.filter(hasLedger).map(({ targetId, outcome }) => ({ targetId, stamp: JSON.stringify(outcome) }));
  const key = JSON.stringify(wanted);
  useEffect(() => {
    const stop = new AbortController();
    const left = wanted.filter(({ targetId, stamp }) => read.current.get(targetId) !== stamp);
    const readNext = async (): Promise<void> => {
      for (let one = left.shift(); one !== undefined && !stop.signal.aborted; one = left.shift()) {
        const { targetId, stamp } = one;
        try {
          const ledger = await get<LedgerView>(`/v1/ledgers/${encodeURIComponent(targetId)}`, stop.signal);
          read.current.set(targetId, stamp);
          setLedgers((known) => new Map([...known, [targetId, ledger]]));
        } catch {
          // The next change of a row tries again; the page says that it is not up to date.
        }
      }
    };
    for (let count = 0; count < AT_ONCE; count += 1) void readNext();
    return () => stop.abort();
  }, [key, stale]);
  const refresh = (targetId: string): void => {
    read.current.delete(targetId);
    setStale((count) => count + 1);
  };
  return [ledgers, refresh];
}

/** One whose review has ended, and of the rows that name the same target the first. */
function hasLedger({ outcome }: BatchRow): boolean {
  return outcome.status === 'reviewed' || (outcome.status === 'skipped' && outcome.reason === 'alreadyReviewed');
}
