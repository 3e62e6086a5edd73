/** The ledgers of some rows of a batch, read once for each outcome and after a decision. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { BatchRow, LedgerView } from '../../../contract/index.ts';
import { get, isFinal, toProblemWords } from '../base/api.ts';
import { RETRY_MS } from '../base/polled.ts';

type Ledgers = ReadonlyMap<string, LedgerView>;

interface UsedLedgers {
  ledgers: Ledgers;
  /** The reason why some are missing or not up to date. */
  trouble: string | null;
  refresh: (targetId: string) => void;
}

/** Of one page together; a ledger can be large. */
const AT_ONCE = 4;

export function useLedgers(rows: readonly BatchRow[]): UsedLedgers {
  const [ledgers, setLedgers] = useState<Ledgers>(new Map());
  const [trouble, setTrouble] = useState<string | null>(null);
  const [stale, setStale] = useState(0);
  /** The outcome with which each was read. */
  const read = useRef(new Map<string, string>());
  const wanted = rows.filter(hasLedger).map(({ targetId, outcome }) => ({ targetId, stamp: JSON.stringify(outcome) }));
  const key = JSON.stringify(wanted);
  const readAgain = (): void => setStale((count) => count + 1);
  useEffect(() => {
    const stop = new AbortController();
    let timer: number | undefined;
    const left = wanted.filter(({ targetId, stamp }) => read.current.get(targetId) !== stamp);
    const failed: unknown[] = [];
    const readNext = async (): Promise<void> => {
      for (let one = left.shift(); one !== undefined && !stop.signal.aborted; one = left.shift()) {
        const { targetId, stamp } = one;
        try {
          const ledger = await get<LedgerView>(`/v1/ledgers/${encodeURIComponent(targetId)}`, stop.signal);
          read.current.set(targetId, stamp);
          setLedgers((known) => new Map([...known, [targetId, ledger]]));
        } catch (error) {
          failed.push(error);
        }
      }
    };
    void Promise.all(Array.from({ length: AT_ONCE }, readNext)).then(() => {
      if (stop.signal.aborted) return;
      setTrouble(failed.length === 0 ? null : toProblemWords(failed[0]));
      if (!failed.every(isFinal)) timer = window.setTimeout(readAgain, RETRY_MS);
    });
    return () => {
      stop.abort();
      window.clearTimeout(timer);
    };
  }, [key, stale]);
  const refresh = (targetId: string): void => {
    read.current.delete(targetId);
    readAgain();
  };
  return { ledgers, trouble, refresh };
}

/** One whose review has ended, and of the rows that name the same target the first. */
function hasLedger({ outcome }: BatchRow): boolean {
  return outcome.status === 'reviewed' || (outcome.status === 'skipped' && outcome.reason === 'alreadyReviewed');
}
