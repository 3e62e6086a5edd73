import { expect, it } from 'vitest';
import { placeOf } from './places.ts';

const bound = { host: 'host-a', hostGraceMs: 1_000 };
const rulesAt = { host: 'host-a', repository: '/repo/.git', folder: '/repo', prefix: '' };
const onHost = { taskQueue: 'bobbin@host-a', scheduleToStartTimeout: 1_000 };

it('a step about rules needs no host once the thread knows where they are, and any other step does', () => {
  for (const activity of ['findRules', 'rememberRule'] as const) {
    expect(placeOf(activity, { ...bound, rulesAt }, 'bobbin')).toEqual({});
    expect(placeOf(activity, bound, 'bobbin')).toEqual(onHost);
  }
  expect(placeOf('execCommand', { ...bound, rulesAt }, 'bobbin')).toEqual(onHost);
  expect(placeOf('execCommand', {}, 'bobbin')).toEqual({});
});
