/** Runs one review of the set: a thread reviews the commit that brings the fault back. */
import { join } from 'node:path';
import { followReview } from '../src/client/index.ts';
import { type Environment, toStart } from './environment.ts';
import { judgeWith } from './judge.ts';
import { type Case, type Result, addSpent } from './record.ts';
import { unpack } from './reviews/fetch.ts';
import type { ReviewCase } from './reviews/list.ts';
import { score } from './reviews/score.ts';
import { type Unpack, setUpReview } from './reviews/set-up.ts';
import { readSpent } from './spent.ts';
import { outcomeOf } from './turn-outcome.ts';

const TURN = 'review-1';

/** @param source of the files; by default the registry */
export async function runReview(
  environment: Environment,
  review: ReviewCase,
  { entry, usd, source }: { entry: Case; usd: number | null; source?: Unpack },
): Promise<Result> {
  const { bobbin, signal, save, workspaces } = environment;
  const { threadId } = entry;
  const cwd = join(workspaces, threadId);
  if (!entry.prepared) {
    await setUpReview(review, source ?? fromRegistry(environment, review), cwd);
    entry.prepared = true;
    await save();
  }
  const thread = await bobbin.threads.start(toStart(environment, { threadId, cwd, title: review.name, usd }));
  await thread.submit({ turnId: TURN, kind: 'review', review: { target: { type: 'commit', sha: 'HEAD' } } });
  const end = await followReview(thread.events({ signal }), TURN);
  signal.throwIfAborted();
  const own = await readSpent(thread);
  const seconds = (end?.completion.durationMs ?? 0) / 1000;
  const bad = outcomeOf(end?.completion);
  const judge = judgeWith(environment, review, entry);
  const found = bad === null ? await score(end?.reviewOutput?.findings ?? [], review.places, judge.names) : null;
  await thread.close({ reason: 'the evaluation has its result' });
  const spent = judge.spent().reduce(addSpent, own);
  if (found === null) return { ...(bad ?? { status: 'error', reason: null }), seconds, spent, found };
  const reason = found.hit ? null : `none of ${found.findings} findings is at the place of the fault`;
  return { status: found.hit ? 'passed' : 'failed', reason, seconds, spent, found };
}

function fromRegistry({ packages, signal }: Environment, review: ReviewCase): Unpack {
  return (which, into) => unpack(review, review[which], { packages, into, signal });
}
