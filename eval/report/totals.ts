/** The results of a run, summed up. */
import { type Case, type Result, type RunRecord, STATUSES, type Spent, NOTHING_SPENT, addSpent } from '../record.ts';

/** Of a task or a review over all its attempts, or of all of them. */
export interface Row {
  kind: Case['kind'];
  /** Null for the sum of its kind. */
  name: string | null;
  attempts: number;
  byStatus: Record<Result['status'], number>;
  /** Without a result. */
  left: number;
  /** Of attempts that say something about the model; null if there are none. */
  passRate: number | null;
  /** Of reviews: faults found per fault; right findings per finding. Null if there are none. */
  recall: number | null;
  precision: number | null;
  seconds: number;
  spent: Spent;
}

export interface Summary {
  tasks: Row[];
  reviews: Row[];
  total: { seconds: number; spent: Spent; left: number };
}

export function summarise({ cases, lost }: RunRecord): Summary {
  const rowsOf = (kind: Case['kind']): Row[] => {
    const some = cases.filter((entry) => entry.kind === kind);
    const names = [...new Set(some.map(({ name }) => name))];
    const rows = names.map((name) =>
      toRow(
        kind,
        name,
        some.filter((entry) => entry.name === name),
      ),
    );
    return some.length === 0 ? [] : [...rows, toRow(kind, null, some)];
  };
  const all = toRow('task', null, cases);
  return {
    tasks: rowsOf('task'),
    reviews: rowsOf('review'),
    total: { seconds: all.seconds, spent: addSpent(all.spent, lost), left: all.left },
  };
}

function toRow(kind: Case['kind'], name: string | null, cases: readonly Case[]): Row {
  const results = cases.flatMap(({ result }) => (result === null ? [] : [result]));
  const count = (status: Result['status']) => results.filter((result) => result.status === status).length;
  const found = results.flatMap((result) => (result.found === null ? [] : [result.found]));
  const findings = found.reduce((sum, one) => sum + one.findings, 0);
  return {
    kind,
    name,
    attempts: cases.length,
    byStatus: Object.fromEntries(STATUSES.map((status) => [status, count(status)])) as Row['byStatus'],
    left: cases.length - results.length,
    passRate: share(count('passed'), results.length - count('error')),
    recall: share(found.filter(({ hit }) => hit).length, found.length),
    precision: share(
      found.reduce((sum, { right }) => sum + right, 0),
      findings,
    ),
    seconds: results.reduce((sum, { seconds }) => sum + seconds, 0),
    spent: results.reduce((sum, { spent }) => addSpent(sum, spent), NOTHING_SPENT),
  };
}

function share(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}
