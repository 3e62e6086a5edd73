/** Undo, and what the snapshots for it cost, in a repository of 20,000 files. */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BenchThread, driveThread, isEndOf } from '../bobbin-thread.ts';
import { lengthOf, now } from '../clock.ts';
import { summarise, toRow } from '../figures.ts';
import type { Part } from '../part.ts';

const FILES = 20_000;
const PER_FOLDER = 100;
/** What the turn does that is undone. */
const CHANGE =
  'run: for n in $(seq 0 49); do echo agent >> "folder-$n/file-0.txt"; echo new > "folder-$n/new.txt"; done';
const CHANGED = 50;
const TALK = 'say: done';
const CALL = 'run: true';

export const undo: Part = async (environment, { quick, signal }) => {
  const { warmUp, counted } = quick ? { warmUp: 1, counted: 3 } : { warmUp: 2, counted: 20 };
  const cwd = join(environment.root, 'many-files');
  environment.progress(`undo: making a repository of ${FILES} files`);
  makeRepository(cwd);
  await using keeping = await environment.bobbin();
  await using careless = await environment.bobbin({ env: { BOBBIN_SNAPSHOTS: 'off' } });
  const withSnapshots = driveThread(await keeping.bobbin.threads.start({ workspace: { cwd } }));
  const without = driveThread(await careless.bobbin.threads.start({ workspace: { cwd } }));

  const samples = { undo: [] as number[], git: [] as number[], call: [] as number[], callOff: [] as number[] };
  const talk = { kept: [] as number[], off: [] as number[] };
  for (let round = 0; round < warmUp + counted; round++) {
    signal.throwIfAborted();
    await withSnapshots.turn(CHANGE);
    const undone = await undoOnce(withSnapshots);
    await without.turn(CHANGE);
    const restored = restoreByGit(cwd);
    const call = lengthOf(await withSnapshots.turn(CALL));
    const callOff = lengthOf(await without.turn(CALL));
    const talkKept = lengthOf(await withSnapshots.turn(TALK));
    const talkOff = lengthOf(await without.turn(TALK));
    if (round < warmUp) continue;
    samples.undo.push(undone);
    samples.git.push(restored);
    samples.call.push(call);
    samples.callOff.push(callOff);
    talk.kept.push(talkKept);
    talk.off.push(talkOff);
  }
  await withSnapshots.close();
  await without.close();
  const off = (what: string, figures: number[]) => ({ what: `${what}, snapshots off`, figures: summarise(figures) });
  return [
    toRow(`undo in ${FILES} files`, 'ms', summarise(samples.undo), {
      reference: { what: '`git checkout` and `git clean` for the same', figures: summarise(samples.git) },
      note: `${CHANGED} files changed, ${CHANGED} new ones; from the submission to the terminal event`,
    }),
    toRow(`turn with a tool call in ${FILES} files`, 'ms', summarise(samples.call), {
      reference: off('the same', samples.callOff),
      note: 'the model answers immediately, so the turn waits for the whole snapshot',
    }),
    toRow(`turn without tools in ${FILES} files`, 'ms', summarise(talk.kept), {
      reference: off('the same', talk.off),
    }),
  ];
};

/** Throws where it did not bring back what the turn had changed. */
async function undoOnce(thread: BenchThread): Promise<number> {
  const turnId = `undo-${randomUUID()}`;
  const dropped = thread.next((event) => event.type === 'item/completed' && event.item.type === 'turnsDropped');
  const start = now();
  await thread.handle.submit({ turnId, kind: 'undo' });
  const event = await dropped;
  await thread.next((next) => isEndOf(next, turnId));
  const ms = now() - start;
  const files = event.type === 'item/completed' && event.item.type === 'turnsDropped' ? event.item.files : null;
  if (files?.restored !== CHANGED || files.deleted !== CHANGED) {
    throw new Error(`An undo of the bench did something else: ${JSON.stringify(event)}`);
  }
  return ms;
}

function restoreByGit(cwd: string): number {
  const start = now();
  execFileSync('git', ['checkout', '--quiet', '--', '.'], { cwd });
  execFileSync('git', ['clean', '--force', '-d', '--quiet'], { cwd });
  return now() - start;
}

function makeRepository(cwd: string): void {
  for (let n = 0; n < FILES; n++) {
    const folder = join(cwd, `folder-${Math.floor(n / PER_FOLDER)}`);
    if (n % PER_FOLDER === 0) mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `file-${n % PER_FOLDER}.txt`), `file ${n}\n`.repeat(50));
  }
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=B', '-c', 'user.email=b@example.invalid', ...args], { cwd });
  git('init', '-q', '-b', 'main');
  git('add', '-A');
  git('commit', '-q', '-m', 'Begin');
}
