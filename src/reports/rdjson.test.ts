import { describe, expect, it } from 'vitest';
import { toRdjson } from './rdjson.ts';
import { SAMPLE_RECORD, aFinding, aLedger, aRecord, aTarget, reviewed } from './test-record.ts';

describe('rdjson', () => {
  it('has a diagnostic for each open finding', () => {
    const { diagnostics } = toRdjson(SAMPLE_RECORD, 'open');
    expect(
      diagnostics.map(({ severity, code, source, location }) => [severity, code.value, source.name, location]),
    ).toEqual([
      [
        'ERROR',
        'P0',
        'bobbin checkout@main',
        { path: 'services/checkout/src/refunds/refund-order.ts', range: { start: { line: 48 }, end: { line: 50 } } },
      ],
      [
        'ERROR',
        'P1',
        'bobbin search@main vs release/2026-11',
        { path: 'indexer/grep.py', range: { start: { line: 23 }, end: { line: 24 } } },
      ],
      [
        'WARNING',
        'P2',
        'bobbin checkout@main',
        { path: 'services/checkout/src/cart.ts', range: { start: { line: 112 }, end: { line: 112 } } },
      ],
      [
        'INFO',
        'P3',
        'bobbin checkout@main',
        { path: 'services/checkout/src/refunds/refund-order.ts', range: { start: { line: 46 }, end: { line: 46 } } },
      ],
    ]);
  });

  it('leaves out what it has no place for: fixed and dismissed findings, and those of no place', () => {
    const findings = [
      aFinding({ findingId: 'a' }),
      aFinding({ findingId: 'b', state: 'fixed' }),
      aFinding({ findingId: 'c', state: 'dismissed' }),
      aFinding({ findingId: 'd', location: null }),
    ];
    expect(toRdjson(aRecord([aTarget(0, reviewed(), aLedger('a', findings))]), 'all').diagnostics).toHaveLength(1);
  });

  it('calls nobody whom a finding names', () => {
    const record = aRecord([
      aTarget(0, reviewed(), aLedger('a', [aFinding({ title: 'Ask @octo', body: 'cc @team, see #12' })])),
    ]);
    expect(toRdjson(record, 'open').diagnostics[0]?.message).toBe('Ask @\u200bocto\n\ncc @\u200bteam, see #\u200b12');
  });
});
