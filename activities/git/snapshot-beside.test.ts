import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Failure } from '../failures.ts';
import type { GitPort, Snapshot } from '../ports.ts';
import { beginSnapshotBeside } from './snapshot-beside.ts';

const TAKEN: Snapshot = { status: 'taken', commit: 'c0ffee', warnings: [] };
const place = { threadId: 't', cwd: '/w', name: 'turn-1', release: ['old'] };
const unused = () => Promise.reject(new Error('not asked for here'));

/** Git that is told how its snapshots end, and says what it was asked for. */
function recordingGit(snapshot: (signal: AbortSignal) => Promise<Snapshot> = () => Promise.resolve(TAKEN)) {
  const asked: string[] = [];
  const git: GitPort = {
    snapshot(_cwd, _after, signal) {
      asked.push('snapshot');
      return snapshot(signal);
    },
    keep({ name }, commit) {
      asked.push(`keep ${commit} as ${name}`);
      return Promise.resolve();
    },
    release({ names }) {
      asked.push(`release ${String(names)}`);
      return Promise.resolve();
    },
    kept: unused,
    revert: unused,
    worktree: unused,
    pinChanges: unused,
    checkedOut: unused,
    workTree: unused,
    changedLines: unused,
    readFiles: unused,
    readDocs: unused,
    track: unused,
  };
  return { git, asked };
}

/** Resolves with the reason once the signal fires. */
function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
}

describe('a snapshot beside a model call', () => {
  it('is never begun where the answer has come at once and asks for nothing', async () => {
    const { git, asked } = recordingGit();
    beginSnapshotBeside(git, place, new AbortController().signal).callOff();
    await delay(60);
    expect(asked).toEqual([]);
  });

  it('begins by itself where the answer takes its time, and is stopped and not kept where it was not needed', async () => {
    let stopped: Promise<unknown> = Promise.resolve();
    let tellBegun = () => {};
    const begun = new Promise<void>((resolve) => (tellBegun = resolve));
    const { git, asked } = recordingGit((signal) => {
      tellBegun();
      const end = untilAborted(signal);
      stopped = end.catch((reason: unknown) => reason);
      return end;
    });
    const beside = beginSnapshotBeside(git, place, new AbortController().signal);
    await begun;
    beside.callOff();
    expect(await stopped).toMatchObject({ message: 'The snapshot was called off' });
    expect(asked).toEqual(['snapshot', 'release old']);
  });

  it('is taken at once, waited for and kept where the answer asks for tools', async () => {
    const { git, asked } = recordingGit();
    const beside = beginSnapshotBeside(git, place, new AbortController().signal);
    expect(await beside.whenTaken()).toEqual(TAKEN);
    beside.callOff();
    expect(asked).toEqual(['snapshot', 'release old', 'keep c0ffee as turn-1']);
  });

  it('that fails is skipped with the reason, and stops nothing', async () => {
    const { git } = recordingGit(() => Promise.reject(new Failure('gitFailed', '`git add` failed in /w: disk full')));
    const beside = beginSnapshotBeside(git, place, new AbortController().signal);
    expect(await beside.whenTaken()).toEqual({ status: 'skipped', reason: '`git add` failed in /w: disk full' });
  });

  it('that takes too long is skipped, and says for how long it was waited for', async () => {
    const { git } = recordingGit(() => untilAborted(AbortSignal.timeout(1)));
    const beside = beginSnapshotBeside(git, place, new AbortController().signal);
    const reason = 'The snapshot of /w failed: it took longer than 60 s';
    expect(await beside.whenTaken()).toEqual({ status: 'skipped', reason });
  });

  it('ends with the reason of the step that is stopped', async () => {
    const { git } = recordingGit(untilAborted);
    const stop = new AbortController();
    const taken = beginSnapshotBeside(git, place, stop.signal).whenTaken();
    const reason = new Error('the turn was stopped');
    stop.abort(reason);
    await expect(taken).rejects.toBe(reason);
  });
});
