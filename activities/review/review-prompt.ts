/** The prompt of a review: what to look at, and how. */
import type { ReviewTarget } from '../../src/contract/index.ts';
import { PINNED_FILES, type PinnedChanges } from '../ports.ts';
import { listFiles, whereFilesAre } from './prompt-parts.ts';

type Changes = Exclude<ReviewTarget, { type: 'custom' }>;

export function toReviewPrompt(target: Changes, changes: PinnedChanges): string {
  const files = listFiles('changed', changes.files.slice(0, PINNED_FILES), changes.fileCount);
  return [whatToReview(target, changes), howToLook(changes), files].join('\n\n');
}

function whatToReview(target: Changes, { base, head }: PinnedChanges): string {
  switch (target.type) {
    case 'uncommittedChanges':
      return 'Review the changes in this repository that are not committed: staged, unstaged and untracked files.';
    case 'baseBranch':
      return (
        `Review the changes of what is checked out against the base branch ${JSON.stringify(target.branch)}: the commits ` +
        `after their merge base ${base} up to ${String(head)}.`
      );
    case 'commit': {
      const title = target.title === undefined ? '' : `, ${JSON.stringify(target.title)}`;
      return `Review the changes that commit ${String(head)}${title} makes to the version before it, ${base}.`;
    }
  }
}

function howToLook({ base, head, isElsewhere }: PinnedChanges): string {
  if (head === null) {
    return (
      `\`git diff ${base}\` shows what changed in tracked files; \`git ls-files --others --exclude-standard :/\` names the ` +
      'untracked ones, which are new as a whole: read them, too.'
    );
  }
  const where = whereFilesAre({ isElsewhere, head });
  return `\`git diff ${base} ${head}\` shows the changes, \`git log --oneline ${base}..${head}\` the commits. ${where}`;
}
