/** The one message of a review's conversation: what to look at, and how. */
import type { ReviewTarget } from '../../src/contract/index.ts';
import { PINNED_FILES, type PinnedChanges } from '../ports.ts';

/** Characters of the list of files; commands show the rest. */
const LIST_CHARS = 10_000;

type Changes = Exclude<ReviewTarget, { type: 'custom' }>;

export function toReviewPrompt(target: Changes, changes: PinnedChanges): string {
  return [whatToReview(target, changes), howToLook(changes), listFiles(changes)].join('\n\n');
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
  const where = isElsewhere
    ? ` Files on disk are of another version: read those under review with \`git show ${head}:PATH\`.`
    : ' Files on disk are as they are there.';
  return `\`git diff ${base} ${head}\` shows the changes, \`git log --oneline ${base}..${head}\` the commits.${where}`;
}

function listFiles({ files, fileCount }: PinnedChanges): string {
  let left = LIST_CHARS;
  const lines = files.slice(0, PINNED_FILES).map((path) => `- ${path.includes('\n') ? JSON.stringify(path) : path}`);
  const shown = lines.filter((line) => (left -= line.length + 1) >= 0);
  const more = fileCount - shown.length;
  return [`${fileCount} ${fileCount === 1 ? 'file is' : 'files are'} changed.`, ...shown]
    .concat(more > 0 ? [`- and ${more} more`] : [])
    .join('\n');
}
