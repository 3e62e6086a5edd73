import { describe, expect, it } from 'vitest';
import { nameTargets, toRepositoryUri } from './repository.ts';
import { selectFindings } from './selection.ts';
import { aFinding, aLedger, aRecord, aTarget, reviewed, runsOf } from './test-record.ts';
import { toTrend } from './trend.ts';

const BATCH = 'nightly-2026-11-21';

describe('what is selected', () => {
  const findings = [
    aFinding({ findingId: 'new', change: 'new', priority: 3 }),
    aFinding({ findingId: 'back', change: 'reopened', priority: 3 }),
    aFinding({ findingId: 'known', change: 'unchanged', priority: 0 }),
    aFinding({ findingId: 'unseen', change: null, priority: null }),
    aFinding({ findingId: 'dismissed', change: 'new', state: 'dismissed' }),
    aFinding({ findingId: 'fixed', change: 'fixed', state: 'fixed' }),
  ];
  const record = aRecord([aTarget(0, reviewed(), aLedger('a', findings, runsOf(0, [1])))]);
  const ids = (only: 'new' | 'open' | 'all') => selectFindings(record, only).map(({ finding }) => finding.findingId);

  it('is what this batch found, what is open, or everything, the most urgent first', () => {
    expect(ids('new')).toEqual(['new', 'back']);
    expect(ids('open')).toEqual(['known', 'new', 'back', 'unseen']);
    expect(ids('all')).toEqual(['known', 'new', 'back', 'unseen', 'dismissed', 'fixed']);
  });

  it('does not take for new what an earlier batch found, where this one skipped the target', () => {
    const earlier = { runId: 'nightly-2026-11-20/0', head: 'a', at: 0 };
    const known = aFinding({ change: 'new', firstSeen: earlier, lastSeen: earlier });
    const runs = runsOf(0, [1, 1]).slice(0, 1);
    const skipped = aRecord([
      aTarget(0, { status: 'skipped', reason: 'alreadyReviewed', head: 'a' }, aLedger('a', [known], runs)),
    ]);
    expect(selectFindings(skipped, 'new')).toEqual([]);
    expect(selectFindings(skipped, 'open')).toHaveLength(1);
  });

  it('still takes for new what this batch found, when a later one has looked again', () => {
    const found = { runId: `${BATCH}/0`, head: 'a', at: 0 };
    const later = { ...runsOf(0, [1])[0]!, runId: 'nightly-2026-11-22/0' };
    const seen = aFinding({ change: 'unchanged', firstSeen: found });
    expect(selectFindings(aRecord([aTarget(0, reviewed(), aLedger('a', [seen], [later]))]), 'new')).toHaveLength(1);
  });
});

describe('the trend', () => {
  it('adds up the targets as they stood after each batch', () => {
    const record = aRecord([
      aTarget(0, reviewed(), aLedger('a', [], runsOf(0, [2, 5]))),
      aTarget(1, reviewed(), aLedger('b', [], runsOf(1, [4]))),
      aTarget(2, reviewed(), null),
    ]);
    expect(toTrend(record.targets, 30).map(({ batchId, open }) => [batchId, open])).toEqual([
      ['nightly-2026-11-20', 2],
      [BATCH, 9],
    ]);
  });

  it('does not begin at nothing where the first runs are kept no longer', () => {
    const runs = runsOf(1, [4, 6]).slice(1);
    const old = { ...aLedger('b', [], runs), runCount: 40 };
    const record = aRecord([aTarget(0, reviewed(), aLedger('a', [], runsOf(0, [1, 1]))), aTarget(1, reviewed(), old)]);
    expect(toTrend(record.targets, 30).map(({ open }) => open)).toEqual([5, 7]);
  });

  it('counts a target that is listed twice once, and keeps to the newest points', () => {
    const ledger = aLedger('a', [], runsOf(0, [1, 2, 3]));
    const record = aRecord([
      aTarget(0, reviewed(), ledger),
      aTarget(1, { status: 'skipped', reason: 'duplicate', head: null }, ledger),
    ]);
    expect(toTrend(record.targets, 2).map(({ open }) => open)).toEqual([2, 3]);
  });
});

describe('the names of targets', () => {
  it('are short, and longer where they would be the same', () => {
    expect(
      nameTargets([
        { repository: 'https://me@git.example.com/a/api.git', branch: 'main' },
        { repository: 'git@git.example.com:b/api.git', branch: 'main' },
        { repository: '/srv/web/', branch: 'next', base: 'main' },
      ]),
    ).toEqual(['https://git.example.com/a/api.git@main', 'git@git.example.com:b/api.git@main', 'web@next vs main']);
  });

  it.each([
    ['/srv/a b', 'file:///srv/a%20b'],
    ['git@git.example.com:shop/a.git', 'ssh://git@git.example.com/shop/a.git'],
    ['https://token@git.example.com/shop/a.git', 'https://git.example.com/shop/a.git'],
    ['ssh://git:secret@git.example.com:2222/shop/a.git', 'ssh://git@git.example.com:2222/shop/a.git'],
  ])('%s is %s as an address', (repository, uri) => {
    expect(toRepositoryUri(repository)).toBe(uri);
  });
});
