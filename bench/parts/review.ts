/** A review from end to end: what it takes to look at changes in a separate thread, beside a turn that does the same. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BenchThread, driveThread, isEndOf } from '../bobbin-thread.ts';
import { lengthOf, now } from '../clock.ts';
import { summarise, toRow } from '../figures.ts';
import type { Part } from '../part.ts';

/** Lines that are added to each of so many files. */
const CHANGES = { files: 20, lines: 50 };
/** As many model steps and commands as the offline model takes for the review, in a turn of the thread itself. */
const SAME_WORK = [
  'parallel: git rev-parse --show-toplevel',
  'parallel: git diff HEAD --unified=0 | tail -1',
  'parallel: git ls-files --others --exclude-standard',
  'say: done',
].join('\n');

export const review: Part = async (environment, { quick, signal }) => {
  const { warmUp, counted } = quick ? { warmUp: 1, counted: 5 } : { warmUp: 3, counted: 40 };
  await using worker = await environment.bobbin();
  const workspace = { cwd: makeChanges(join(environment.root, 'review')) };
  const thread = driveThread(await worker.bobbin.threads.start({ workspace }));
  const reviews: number[] = [];
  const turns: number[] = [];
  for (let round = 0; round < warmUp + counted; round++) {
    signal.throwIfAborted();
    const reviewMs = await reviewOnce(thread, `review-${round}`);
    const turnMs = lengthOf(await thread.turn(SAME_WORK));
    if (round < warmUp) continue;
    reviews.push(reviewMs);
    turns.push(turnMs);
  }
  await thread.close();
  const reference = { what: 'a turn with as many steps and commands', figures: summarise(turns) };
  const note = `${CHANGES.files * CHANGES.lines} lines changed in ${CHANGES.files} files; two model steps, three commands, delay of the model zero`;
  return [toRow('review of uncommitted changes', 'ms', summarise(reviews), { reference, note })];
};

/** Milliseconds from before the signal until the client has seen the terminal event. One without a result measures nothing. */
async function reviewOnce(thread: BenchThread, turnId: string): Promise<number> {
  let found = 0;
  const seen = thread.next((event) => {
    if (event.type === 'item/completed' && event.item.type === 'exitedReviewMode')
      found = event.item.reviewOutput?.findings.length ?? 0;
    return isEndOf(event, turnId);
  });
  const start = now();
  await thread.handle.submit({ turnId, kind: 'review', review: { target: { type: 'uncommittedChanges' } } });
  await seen;
  const ms = now() - start;
  if (found !== CHANGES.files)
    throw new Error(`A review of the bench found ${found} things instead of ${CHANGES.files}`);
  return ms;
}

function makeChanges(cwd: string): string {
  mkdirSync(cwd, { recursive: true });
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=B', '-c', 'user.email=b@example.invalid', ...args], { cwd });
  const lines = (text: string) => Array.from({ length: CHANGES.lines }, (_, line) => `${text} ${line}\n`).join('');
  const names = Array.from({ length: CHANGES.files }, (_, file) => join(cwd, `file-${file}.ts`));
  git('init', '-q', '-b', 'main');
  for (const name of names) writeFileSync(name, lines('const before ='));
  git('add', '-A');
  git('commit', '-q', '-m', 'Begin');
  for (const name of names) writeFileSync(name, `${lines('const before =')}${lines('const after =')}// TODO more\n`);
  return cwd;
}
