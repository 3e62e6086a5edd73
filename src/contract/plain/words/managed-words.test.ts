import { expect, it } from 'vitest';
import { toManagedWords, toWorkspaceWords } from './managed-words.ts';

const repository = 'https://git.example.com/shop.git';

it('of a clone name its commit', () => {
  const commit = '0123456789abcdef0123456789abcdef01234567';
  expect(toManagedWords({ repository, path: 'web', commit })).toBe(`${repository}@0123456789ab, folder web`);
});

it.each([
  [{ cwd: '/srv/shop' }, '/srv/shop'],
  [{ cwd: '/srv/shop', host: 'build-2' }, '/srv/shop on host build-2'],
  [{ repository }, repository],
  [{ repository, ref: 'develop', path: 'web', host: 'a' }, `${repository}@develop, folder web on host a`],
])('of %j are %s', (workspace, words) => {
  expect(toWorkspaceWords(workspace)).toBe(words);
});
