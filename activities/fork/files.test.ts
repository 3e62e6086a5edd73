import { expect, it } from 'vitest';
import type { ForkRequest } from '../contract.ts';
import type { GitPort, ThreadPast, WorktreePlace } from '../ports.ts';
import type { Cut } from './cut.ts';
import { placeFiles } from './files.ts';

/** A git that remembers what is kept, and takes another snapshot each time. */
function memoryGit() {
  const kept = new Map<string, string>();
  const made: WorktreePlace[] = [];
  let taken = 0;
  const git: Pick<GitPort, 'kept' | 'snapshot' | 'worktree'> = {
    kept: ({ threadId, name }) => Promise.resolve(kept.get(`${threadId}/${name}`) ?? null),
    snapshot: () => Promise.resolve({ status: 'taken', commit: `commit ${++taken}`, warnings: [] }),
    worktree(place) {
      for (const name of place.keepAs?.names ?? []) kept.set(`${place.keepAs?.threadId ?? ''}/${name}`, place.commit);
      made.push(place);
      return Promise.resolve({ cwd: place.path, warnings: [] });
    },
  };
  const ports = {
    git: git as GitPort,
    requireWorkspace: () => undefined,
    rootOf: (cwd: string) => cwd,
    worktreeOf: (threadId: string) => `/trees/${threadId}`,
  };
  return { ports: ports as unknown as Parameters<typeof placeFiles>[0], made };
}

const request = { threadId: 'fork', cwd: '/w', source: { threadId: 'source', files: 'worktree' } } as ForkRequest;
const past = { settings: { cwd: '/w', root: '/w' }, turns: [], running: [] } as unknown as ThreadPast;
const cutAt = (end: number) => ({ turns: [], end }) as unknown as Cut;
const { signal } = new AbortController();

it('makes the work tree of a later attempt from the snapshot of the first one, and that of another fork from its own', async () => {
  const { ports, made } = memoryGit();
  const attempt = (forkId: string, retried: boolean, end = 3) =>
    placeFiles(ports, request, { past, cut: cutAt(end), forkId, retried }, signal);
  expect(await attempt('run', false)).toEqual({ cwd: '/trees/fork', root: '/trees/fork', warnings: [] });
  expect((await attempt('run', true)).warnings).toEqual([]);
  for (const _ of [2, 3])
    expect((await attempt('run', true, 5)).warnings).toEqual([expect.stringContaining('first attempt')]);
  await attempt('other', false);
  expect(made.map(({ commit, actionId, retried }) => [commit, actionId, retried])).toEqual([
    ['commit 1', 'fork run', false],
    ...[1, 2, 3].map(() => ['commit 1', 'fork run', true]),
    ['commit 2', 'fork other', false],
  ]);
});
