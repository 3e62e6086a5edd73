/** A record as a team might have it after two weeks of nights: what tests look at, and what the pictures in the docs show. */
import type {
  BatchRow,
  FindingCounts,
  LedgerFinding,
  LedgerRun,
  LedgerView,
  RecordedTarget,
  ReviewRecord,
  RowOutcome,
} from '../contract/index.ts';

const NIGHT_MS = 86_400_000;
const FIRST_NIGHT = Date.UTC(2026, 10, 8, 2, 0);
const NIGHTS = 14;
const BATCH = 'nightly-2026-11-21';

export const NO_COUNTS: FindingCounts = { new: 0, unchanged: 0, reopened: 0, fixed: 0, dismissed: 0 };

/** Hexadecimal, of the length of a commit's id; the same for the same number. */
export function toSha(number: number): string {
  return ((number + 1) * 0x9e3779b1).toString(16).repeat(6).slice(0, 40).padEnd(40, '7');
}

export function aFinding(changes: Partial<LedgerFinding> = {}): LedgerFinding {
  const seen = { runId: `${BATCH}/0`, head: toSha(13), at: FIRST_NIGHT + 13 * NIGHT_MS };
  return {
    findingId: 'f1',
    fingerprint: toSha(99),
    title: 'Close the file when the read fails',
    body: 'The handle is opened before `read` is tried, and nothing closes it when that throws.',
    priority: 1,
    confidenceScore: 0.8,
    location: { path: 'src/store/reader.ts', startLine: 12, endLine: 13 },
    code: {
      startLine: 10,
      text: 'async function load(path) {\n  const file = await open(path);\n  const text = await file.readFile();\n  await file.close();\n  return text;\n',
    },
    state: 'open',
    change: 'new',
    firstSeen: seen,
    lastSeen: seen,
    fixed: null,
    dismissal: null,
    reopenings: 0,
    ...changes,
  };
}

export function aLedger(targetId: string, findings: LedgerFinding[], runs: LedgerRun[] = []): LedgerView {
  const last = runs.at(-1);
  return {
    targetId,
    target: { repository: `/srv/${targetId}` },
    anchor: last === undefined ? null : { runId: last.runId, head: last.head, rulesId: last.rulesId, at: last.at },
    running: null,
    runCount: runs.length,
    runs,
    findings,
    findingsForgotten: 0,
  };
}

export function aTarget(
  index: number,
  outcome: RowOutcome,
  ledger: LedgerView | null,
  target?: BatchRow['target'],
): RecordedTarget {
  const targetId = ledger?.targetId ?? `target-${index}`;
  return { row: { index, targetId, target: target ?? { repository: `/srv/${targetId}` }, outcome }, ledger };
}

export function reviewed(counts: Partial<FindingCounts> = {}): RowOutcome {
  const spent = { tokens: 81_200, costMicroUsd: 412_000, steps: 14, wallMs: 190_000 };
  return {
    status: 'reviewed',
    base: toSha(12),
    head: toSha(13),
    full: false,
    counts: { ...NO_COUNTS, ...counts },
    filesLeftOut: 0,
    spent,
  };
}

export function aRecord(targets: RecordedTarget[], batchId = BATCH): ReviewRecord {
  const end = FIRST_NIGHT + (NIGHTS - 1) * NIGHT_MS + 1_260_000;
  const counts = { waiting: 0, running: 0, reviewed: 0, skipped: 0, notReviewed: 0, failed: 0 };
  const findings = { ...NO_COUNTS };
  for (const { row } of targets) {
    counts[row.outcome.status] += 1;
    if (row.outcome.status !== 'reviewed') continue;
    for (const name of ['new', 'unchanged', 'reopened', 'fixed', 'dismissed'] as const)
      findings[name] += row.outcome.counts[name];
  }
  return {
    version: 1,
    at: end + 60_000,
    batch: {
      batchId,
      status: 'completed',
      startedAt: end - 1_260_000,
      endedAt: end,
      counts,
      findings,
      spent: { tokens: 412_300, costMicroUsd: 2_140_000, steps: 71, wallMs: 800_000 },
      waitsFor: null,
      running: [],
      reason: null,
    },
    targets,
  };
}

/** One run for each number of `open`, a night apart, the last one in the newest batch. */
export function runsOf(index: number, open: readonly number[]): LedgerRun[] {
  return open.map((count, position) => {
    const night = NIGHTS - open.length + position;
    const before = open[position - 1] ?? 0;
    const fixed = count < before ? before - count : night % 4 === 1 ? 1 : 0;
    const found = count - before + fixed;
    return {
      runId: `nightly-${new Date(FIRST_NIGHT + night * NIGHT_MS).toISOString().slice(0, 10)}/${index}`,
      at: FIRST_NIGHT + night * NIGHT_MS + index * 61_000,
      base: toSha(night - 1),
      head: toSha(night),
      full: night % 10 === 0,
      rulesId: 'r1',
      counts: { ...NO_COUNTS, new: found, fixed, unchanged: count - found },
      open: count,
    };
  });
}

function moment(index: number, night: number): LedgerFinding['firstSeen'] {
  const at = FIRST_NIGHT + night * NIGHT_MS;
  return { runId: `nightly-${new Date(at).toISOString().slice(0, 10)}/${index}`, head: toSha(night), at };
}

const CHECKOUT_FINDINGS: LedgerFinding[] = [
  aFinding({
    findingId: 'checkout-31',
    fingerprint: toSha(31),
    title: 'Refund is booked twice when the gateway times out',
    body: 'A timeout of `gateway.refund` is retried with a **new** idempotency key, so the gateway takes both calls:\n\n- the first one arrives late, and is booked;\n- the retry is booked, too.\n\nMake the key once, before the first attempt.',
    priority: 0,
    confidenceScore: 0.93,
    location: { path: 'services/checkout/src/refunds/refund-order.ts', startLine: 48, endLine: 50 },
    code: {
      startLine: 45,
      text: [
        'export async function refundOrder(order: Order, gateway: Gateway): Promise<Refund> {',
        '  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {',
        '    try {',
        '      const key = randomUUID();',
        '      const refund = await gateway.refund({ orderId: order.id, amount: order.total, idempotencyKey: key });',
        '      return await ledger.book(refund);',
        '    } catch (error) {',
        '      if (!isTimeout(error)) throw error;',
      ].join('\n'),
    },
    change: 'new',
    firstSeen: moment(0, 13),
    lastSeen: moment(0, 13),
  }),
  aFinding({
    findingId: 'checkout-28',
    fingerprint: toSha(28),
    title: 'Cart total is compared as a float',
    body: 'Totals are in cents elsewhere; here `0.1 + 0.2` decides whether an order ships.',
    priority: 2,
    confidenceScore: 0.7,
    location: { path: 'services/checkout/src/cart.ts', startLine: 112, endLine: 112 },
    code: {
      startLine: 110,
      text: 'function isPaid(cart: Cart, payment: Payment) {\n  const total = cart.lines.reduce((sum, line) => sum + line.price * line.count, 0);\n  return payment.amount / 100 === total;\n}\n',
    },
    change: 'reopened',
    reopenings: 1,
    firstSeen: moment(0, 3),
    lastSeen: moment(0, 13),
  }),
  aFinding({
    findingId: 'checkout-19',
    fingerprint: toSha(19),
    title: 'Retry loop has no delay',
    body: 'Under load it asks again at once, up to ten times.',
    priority: 3,
    confidenceScore: null,
    location: { path: 'services/checkout/src/refunds/refund-order.ts', startLine: 46, endLine: 46 },
    code: null,
    change: 'unchanged',
    firstSeen: moment(0, 6),
    lastSeen: moment(0, 13),
  }),
  aFinding({
    findingId: 'checkout-12',
    fingerprint: toSha(12),
    title: 'Address is logged with the name of the customer',
    priority: 1,
    location: { path: 'services/checkout/src/log.ts', startLine: 9, endLine: 11 },
    state: 'dismissed',
    change: 'dismissed',
    firstSeen: moment(0, 2),
    lastSeen: moment(0, 13),
    dismissal: { by: 'mira', why: 'the log is scrubbed before it leaves the host', at: FIRST_NIGHT + 5 * NIGHT_MS },
  }),
  aFinding({
    findingId: 'checkout-8',
    fingerprint: toSha(8),
    title: 'Currency of a gift card is not checked',
    priority: 1,
    location: { path: 'services/checkout/src/gift-card.ts', startLine: 71, endLine: 74 },
    state: 'fixed',
    change: 'fixed',
    firstSeen: moment(0, 1),
    lastSeen: moment(0, 12),
    fixed: moment(0, 13),
  }),
];

const SEARCH_FINDINGS: LedgerFinding[] = [
  aFinding({
    findingId: 'search-7',
    fingerprint: toSha(7),
    title: 'Query text reaches the shell',
    body: 'The term goes into a shell line as it is; `$(…)` in it is run.\n\n```\nexecSync(`grep -rn ${term} ${root}`)\n```\n\nUse `execFile` with a list of arguments.',
    priority: 1,
    confidenceScore: 0.88,
    location: { path: 'indexer/grep.py', startLine: 23, endLine: 24 },
    code: {
      startLine: 21,
      text: 'def grep(term, root):\n    """Lines that hold the term."""\n    line = f"grep -rn {term} {root}"\n    out = subprocess.run(line, shell=True, capture_output=True)\n    return out.stdout.decode().splitlines()\n',
    },
    change: 'unchanged',
    firstSeen: moment(1, 9),
    lastSeen: moment(1, 13),
  }),
];

/** Every outcome, every state of a finding. */
export const SAMPLE_RECORD: ReviewRecord = aRecord([
  aTarget(
    0,
    reviewed({ new: 1, reopened: 1, unchanged: 1, fixed: 1, dismissed: 1 }),
    aLedger('checkout-main-1f3a', CHECKOUT_FINDINGS, runsOf(0, [2, 3, 5, 6, 6, 7, 9, 8, 8, 6, 5, 5, 3, 3])),
    { repository: 'https://git.example.com/shop/checkout.git', branch: 'main' },
  ),
  aTarget(
    1,
    { status: 'skipped', reason: 'alreadyReviewed', head: toSha(13) },
    aLedger('search-main-77b0', SEARCH_FINDINGS, runsOf(1, [4, 4, 3, 2, 2, 1, 1])),
    {
      repository: 'git@git.example.com:shop/search.git',
      branch: 'main',
      base: 'release/2026-11',
    },
  ),
  aTarget(
    2,
    {
      status: 'failed',
      code: 'repositoryGone',
      message:
        'https://git.example.com/shop/legacy.git cannot be cloned: it is not there, or the workers may not read it',
      spent: null,
    },
    null,
    {
      repository: 'https://git.example.com/shop/legacy.git',
    },
  ),
  aTarget(3, { status: 'notReviewed', reason: 'budget', spent: null }, null, {
    repository: '/srv/repositories/warehouse',
    branch: 'develop',
  }),
  aTarget(
    4,
    { status: 'skipped', reason: 'alreadyReviewed', head: toSha(3) },
    aLedger('mail-main-0c2e', [], runsOf(4, [1, 0])),
    { repository: '/srv/repositories/mail' },
  ),
]);
