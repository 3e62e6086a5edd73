import { describe, expect, it } from 'vitest';
import type { BatchTarget } from '../../src/contract/index.ts';
import { begin, cancel, end, newBatch } from './batch.ts';
import { toDetails, toTargetSummary } from './details.ts';

const targets: BatchTarget[] = Array.from({ length: 12 }, (_, index) => ({ repository: `/srv/r${index}` }));
const lines = (text: string) => text.split('\n');

describe('what is seen of a batch', () => {
  it('names what is under way, and what failed and why', () => {
    const message = 'fatal: https://me:secret@host/r1 is gone\nsecond line';
    let state = newBatch('b', { targets: [{ repository: '/srv/`a`', branch: 'x', base: 'main' }, ...targets] }, 0);
    state = begin(begin(state, 0, {}, 0), 1, {}, 0);
    state = end(state, 1, { status: 'failed', code: 'gitFailed', message, spent: null });
    expect(lines(toDetails(state, 'reviews'))).toEqual([
      '**running**: 1 of 13 targets are done',
      '- reviewed 0, skipped 0, failed 1, not reviewed 0',
      '- findings: 0 new, 0 still there, 0 reopened, 0 fixed',
      '- used up: 0 tokens, `$0.00`, 0 model calls',
      '- under way:',
      '  - ``/srv/`a` x against main``',
      '- failed:',
      '  - `/srv/r0` `gitFailed` `fatal: https://…@host/r1 is gone (+1 line)`',
    ]);
  });

  it('says why nothing begins', () => {
    const state = newBatch('b', { targets }, 0);
    expect(lines(toDetails(state, 'rate'))[0]).toBe(
      '**running**: 0 of 12 targets are done, the next one waits for the rate limit',
    );
    expect(lines(toDetails(cancel(state, 'enough'), null))[0]).toBe(
      '**cancelling**: 12 of 12 targets are done, `enough`',
    );
  });

  it('stays short where many fail', () => {
    const failed = { status: 'failed', code: 'gitFailed', message: 'm'.repeat(5_000), spent: null } as const;
    const state = targets.reduce((current, _, index) => end(current, index, failed), newBatch('b', { targets }, 0));
    const text = toDetails(state, null);
    expect(lines(text).at(-1)).toBe('  - and 4 more');
    expect(text.length).toBeLessThan(4_000);
  });

  it('shows nothing of an address that may be a credential', () => {
    const shown = (repository: string) => toTargetSummary({ repository, base: 'main' });
    expect(shown('https://me:secret@host/r')).toBe('review: https://host/r against main');
    expect(shown('http://secret@host/r?access_token=secret')).toBe('review: http://host/r against main');
    expect(shown('user:secret@host:r')).toBe('review: user@host:r against main');
    expect(shown('git@host:r')).toBe('review: git@host:r against main');
  });
});
