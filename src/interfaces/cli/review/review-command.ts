/** `bobbin review`: runs one review, on an existing thread or a new one. */
import { randomUUID } from 'node:crypto';
import { isatty } from 'node:tty';
import type { Command } from 'commander';
import { BobbinError } from '../../../client/bobbin-error.ts';
import type { Bobbin, ReviewEnd, ThreadHandle } from '../../../client/index.ts';
import type { ReviewOutput, ReviewTarget, ThreadEvent } from '../../../contract/index.ts';
import { LIMITS } from '../../../contract/plain/limits.ts';
import { type CommonOptions, interruptSignal, withBobbin } from '../command.ts';
import { type WorkspaceOptions, addWorkspaceOptions, newWorkspace } from '../thread/new-workspace.ts';
import { interruptTurn } from '../thread/run-command.ts';
import { sayIfUnserved } from '../thread/watch.ts';
import { EXIT, exitCodeOfTurn } from '../exit-codes.ts';
import type { Output } from '../text/output.ts';
import { renderCompletion, renderEvent, renderFindings } from '../text/render.ts';
import { type Threshold, countsAt, thresholdOption } from './threshold.ts';

interface ReviewCommandOptions extends CommonOptions, WorkspaceOptions {
  uncommitted?: boolean;
  base?: string;
  commit?: string;
  instructions?: string;
  thread?: string;
  model?: string;
  failOn: Threshold;
}

export function addReviewCommand(program: Command): void {
  const command = program
    .command('review')
    .description('review changes; exits with 7 if there are findings')
    .option('--uncommitted', 'review staged, unstaged and untracked changes (the default)')
    .option('--base <branch>', 'review the commits since the merge base with this branch')
    .option('--commit <sha>', 'review this commit')
    .option('--instructions <text>', 'what to review, in your own words')
    .option('--thread <id>', 'review on this thread, which then knows the findings (default: a new thread)');
  addWorkspaceOptions(command)
    .option('--model <name>', 'model, or provider/model, for this review')
    .addOption(thresholdOption('P3'))
    .option('--data-dir <path>', 'data folder of the stack to use (default: yours)')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  bobbin review\n  bobbin review --base main --fail-on P1 --json\n  bobbin review --repository https://git.example.com/team/shop.git --ref feature --base main',
    )
    .action((options: ReviewCommandOptions) =>
      withBobbin(options, (bobbin, output) => review(bobbin, output, options)),
    );
}

async function review(bobbin: Bobbin, output: Output, options: ReviewCommandOptions): Promise<number> {
  const target = toTarget(options);
  const signal = interruptSignal();
  const turnId = `review-${randomUUID()}`;
  const { followReview } = await import('../../../client/index.ts');
  const { thread, after } = await submit(bobbin, turnId, target, options);
  const show = isatty(STANDARD_ERROR)
    ? (event: ThreadEvent) => showProgress(event, thread.threadId, output)
    : () => undefined;
  if (isatty(STANDARD_ERROR)) output.progress(`thread ${thread.threadId}`);
  const unserved = sayIfUnserved(bobbin, output);
  const onEvent = (event: ThreadEvent): void => {
    clearInterval(unserved);
    show(event);
  };
  const end = await followReview(thread.events({ after, signal }), turnId, onEvent).finally(() =>
    clearInterval(unserved),
  );
  if (end !== undefined) return conclude(end, thread.threadId, output, options.failOn);
  if (!signal.aborted) return EXIT.turnAborted;
  output.progress((await interruptTurn(bobbin, thread, turnId)).words);
  return EXIT.interrupted;
}

const STANDARD_ERROR = 2;

function toTarget({ uncommitted, base, commit, instructions }: ReviewCommandOptions): ReviewTarget {
  const named = [uncommitted, base, commit, instructions].filter((one) => one !== undefined).length;
  if (named > 1) throw new BobbinError('invalid', 'Use only one of --uncommitted, --base, --commit and --instructions');
  if (base !== undefined) return { type: 'baseBranch', branch: base };
  if (commit !== undefined) return { type: 'commit', sha: commit };
  return instructions === undefined ? { type: 'uncommittedChanges' } : { type: 'custom', instructions };
}

function titleOf(target: ReviewTarget): string {
  switch (target.type) {
    case 'uncommittedChanges':
      return 'Review: current changes';
    case 'baseBranch':
      return `Review: changes against ${target.branch}`.slice(0, LIMITS.shortChars);
    case 'commit':
      return `Review: commit ${target.sha.slice(0, 7)}`;
    case 'custom':
      return `Review: ${target.instructions}`.slice(0, LIMITS.shortChars);
  }
}

async function submit(
  bobbin: Bobbin,
  turnId: string,
  target: ReviewTarget,
  options: ReviewCommandOptions,
): Promise<{ thread: ThreadHandle; after: number }> {
  const model = options.model === undefined ? {} : { model: options.model };
  const turn = { turnId, kind: 'review' as const, review: { target, ...model } };
  if (options.thread === undefined) {
    const start = { workspace: await newWorkspace(bobbin, options), title: titleOf(target) };
    return { thread: await bobbin.threads.startWith(start, turn), after: 0 };
  }
  const thread = bobbin.threads.get(await bobbin.threads.find(options.thread));
  const { lastSeq } = await thread.view();
  await thread.startTurn(turn);
  return { thread, after: lastSeq };
}

/** Leaves out the findings, which are printed at the end. */
function showProgress(event: ThreadEvent, threadId: string, output: Output): void {
  if (event.type === 'turn/completed' || (event.type === 'item/completed' && event.item.type === 'exitedReviewMode'))
    return;
  for (const line of renderEvent(event, threadId)) output.progress(line);
}

function conclude(end: ReviewEnd, threadId: string, output: Output, failOn: Threshold): number {
  const { completion, reviewOutput, range } = end;
  if (reviewOutput === null) {
    if (output.json) output.result({ threadId, completion, range, reviewOutput }, []);
    else output.progress(renderCompletion(completion));
    return exitCodeOfTurn(completion);
  }
  output.result({ threadId, completion, range, reviewOutput }, renderFindings(reviewOutput));
  return hasFailed(reviewOutput, failOn) ? EXIT.findings : EXIT.ok;
}

/** An answer without a verdict does not approve the changes. */
function hasFailed({ findings, overallCorrectness, findingsLeftOut }: ReviewOutput, failOn: Threshold): boolean {
  if (failOn === 'never') return false;
  const counts = findings.some((finding) => countsAt(failOn, finding));
  return counts || findingsLeftOut > 0 || (findings.length === 0 && overallCorrectness !== 'patch is correct');
}
