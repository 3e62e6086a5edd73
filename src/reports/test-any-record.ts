/** Records with anything in them, for property tests. */
import fc from 'fast-check';
import type {
  LedgerFinding,
  LedgerRun,
  LedgerView,
  RecordedTarget,
  ReviewRecord,
  RowOutcome,
} from '../contract/index.ts';
import { HOSTILE } from '../contract/test-every-type.ts';
import { aFinding, aLedger, aRecord, aTarget } from './test-record.ts';

const TRICKS = [
  HOSTILE,
  '<script>alert(1)</script>',
  '</title></style><img src=x onerror=alert(1)>',
  '" onmouseover="x',
  '&lt;b&gt; &amp;',
  '@team and @someone',
  'fixes #12, GH-7, https://evil.example/x www.evil.example a@b.example',
  '[click](javascript:alert(1)) ![x](http://x) <http://x>',
  '| a | b |\n| --- | --- |',
  '```\ncode\n```',
  '`` ` ``` ````',
  '# heading\n## other\n---\n===',
  '- list\n1. one\n> quote',
  '*a* __b__ ~~c~~ \\* \\',
  '\u202egpj.exe\u2066\u0000\u001b[31m\u007f\u0085\u2028',
  '\ud800 half \udc00',
  '    indented\r\nnext\rlast',
  ' ',
  '',
  'x'.repeat(3_000),
];

const text = fc.oneof(
  fc.constantFrom(...TRICKS),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.tuple(fc.constantFrom(...TRICKS), fc.string({ maxLength: 20 })).map(([trick, rest]) => rest + trick + rest),
);
const count = fc.nat(2_000);
const counts = fc.record({ new: count, unchanged: count, reopened: count, fixed: count, dismissed: count });
const time = fc.integer({ min: 0, max: 4_000_000_000_000 });
const sha = fc.stringMatching(/^[0-9a-f]{40}$/);
const spent = fc.record({ tokens: count, costMicroUsd: count, steps: count, wallMs: count });
const runId = fc
  .tuple(fc.constantFrom('night-1', 'night-2', 'night/3'), fc.nat(3))
  .map(([batch, row]) => `${batch}/${row}`);
const moment = fc.record({ runId, head: sha, at: time });

const outcome: fc.Arbitrary<RowOutcome> = fc.oneof(
  fc.constant<RowOutcome>({ status: 'waiting' }),
  fc.constant<RowOutcome>({ status: 'running' }),
  fc.record({
    status: fc.constant('reviewed' as const),
    base: sha,
    head: sha,
    full: fc.boolean(),
    counts,
    filesLeftOut: count,
    spent,
  }),
  fc
    .record({
      leftOut: fc.array(fc.record({ path: text, why: text }), { minLength: 1, maxLength: 8 }),
      more: count,
      spent,
    })
    .map(({ leftOut, more, spent }): RowOutcome => {
      const range = { base: '0'.repeat(40), head: '1'.repeat(40), full: true };
      const none = { new: 0, unchanged: 0, reopened: 0, fixed: 0, dismissed: 0 };
      return { status: 'reviewed', ...range, counts: none, filesLeftOut: leftOut.length + more, leftOut, spent };
    }),
  fc.record({
    status: fc.constant('skipped' as const),
    reason: fc.constantFrom('alreadyReviewed' as const, 'duplicate' as const),
    head: fc.option(sha),
  }),
  fc.record({
    status: fc.constant('notReviewed' as const),
    reason: fc.constantFrom('budget' as const, 'cancelled' as const),
    spent: fc.option(spent),
  }),
  fc.record({ status: fc.constant('failed' as const), code: text, message: text, spent: fc.option(spent) }),
);

const finding: fc.Arbitrary<LedgerFinding> = fc
  .record({
    findingId: fc.uuid(),
    fingerprint: sha,
    title: text,
    body: text,
    priority: fc.constantFrom(0 as const, 1 as const, 2 as const, 3 as const, null),
    confidenceScore: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
    location: fc.option(fc.record({ path: text, startLine: fc.integer({ min: 1, max: 500 }), lines: fc.nat(5) })),
    code: fc.option(fc.record({ text, startLine: fc.integer({ min: 1, max: 500 }) })),
    state: fc.constantFrom('open' as const, 'fixed' as const, 'dismissed' as const),
    change: fc.constantFrom(
      'new' as const,
      'unchanged' as const,
      'reopened' as const,
      'fixed' as const,
      'dismissed' as const,
      null,
    ),
    firstSeen: moment,
    lastSeen: moment,
    fixed: fc.option(moment),
    dismissal: fc.option(fc.record({ by: text, why: text, at: time })),
    reopenings: count,
  })
  .map(({ location, ...rest }) => {
    const place =
      location === null
        ? null
        : { path: location.path, startLine: location.startLine, endLine: location.startLine + location.lines };
    return aFinding({ ...rest, location: place });
  });

const run: fc.Arbitrary<LedgerRun> = fc.record({
  runId,
  at: time,
  base: sha,
  head: sha,
  full: fc.boolean(),
  rulesId: fc.constant('r'),
  counts,
  open: count,
});

const ledger: fc.Arbitrary<LedgerView> = fc
  .record({
    findings: fc.array(finding, { maxLength: 40 }),
    runs: fc.array(run, { maxLength: 6 }),
    forgotten: fc.nat(2),
    more: fc.nat(2),
  })
  .map(({ findings, runs, forgotten, more }) => ({
    ...aLedger(
      'target',
      findings,
      runs.sort((one, other) => one.at - other.at),
    ),
    runCount: runs.length + more,
    findingsForgotten: forgotten,
  }));

/** What git might take as an address. */
const name = fc.stringMatching(/^[\w .~%()?&#'"<>|é漢-]{1,30}$/);
const repository = fc.oneof(
  text.map((path) => `/srv/${path}`),
  name.map((path) => `https://token@git.example.com/${path}`),
  name.map((path) => `git@git.example.com:${path}`),
  fc.constant('ssh://git@git.example.com:2222/shop/a.git'),
);

const target: fc.Arbitrary<RecordedTarget> = fc
  .record({
    index: fc.nat(4_999),
    outcome,
    ledger: fc.option(ledger),
    repository,
    branch: fc.option(text),
    base: fc.option(text),
  })
  .map(({ index, outcome: row, ledger: known, repository: from, branch, base }) =>
    aTarget(index, row, known === null ? null : { ...known, targetId: `target-${index}` }, {
      repository: from,
      ...(branch === null ? {} : { branch }),
      ...(base === null ? {} : { base }),
    }),
  );

export const anyRecord: fc.Arbitrary<ReviewRecord> = fc
  .record({
    targets: fc.array(target, { maxLength: 25 }),
    batchId: fc.constantFrom('night-1', 'night/3'),
    reason: fc.option(text),
    endedAt: fc.option(time),
  })
  .map(({ targets, batchId, reason, endedAt }) => {
    const record = aRecord(targets, batchId);
    return { ...record, batch: { ...record.batch, reason, endedAt } };
  });
