/** The reference: every repository reviewed as `bobbin review --commit` does, by a plain loop without batch and ledger. */
import { randomUUID } from 'node:crypto';
import { type Bobbin, followReview } from '../../src/client/index.ts';
import { type Span, now } from '../clock.ts';
import { CONTENTS, type SmallRepository } from './repositories.ts';
import { sideBySide } from './side-by-side.ts';

export interface SingleReview {
  /** From before the thread is started until the client has seen the terminal event. */
  span: Span;
  tokens: number;
}

/** The threads stay open, as `bobbin review` leaves them. */
export async function reviewInLoop(
  bobbin: Bobbin,
  repositories: readonly SmallRepository[],
  { concurrency, signal }: { concurrency: number; signal: AbortSignal },
): Promise<SingleReview[]> {
  return sideBySide(repositories, concurrency, (repository) => {
    signal.throwIfAborted();
    return reviewOne(bobbin, repository, signal);
  });
}

async function reviewOne(
  { threads }: Bobbin,
  { cwd, head }: SmallRepository,
  signal: AbortSignal,
): Promise<SingleReview> {
  const threadId = `single-${randomUUID()}`;
  const turnId = `review-${threadId}`;
  const start = now();
  const target = { type: 'commit' as const, sha: head };
  const thread = await threads.startWith(
    { threadId, workspace: { cwd } },
    { turnId, kind: 'review', review: { target } },
  );
  const end = await followReview(thread.events({ signal }), turnId);
  const span = { start, end: now() };
  const found = end?.reviewOutput?.findings.length ?? 0;
  if (end === undefined || found !== CONTENTS.findings)
    throw new Error(`A single review found ${found} things instead of ${CONTENTS.findings}: ${JSON.stringify(end)}`);
  return { span, tokens: end.completion.usage.totalTokens };
}
