/** Fails if another commit was checked out: the review would look at something else than it was asked to. */
import type { ThreadSettings } from '../../src/contract/index.ts';
import { Failure } from '../failures.ts';
import type { Ports } from '../ports.ts';

/** Checked before each model call, so that no output of its commands is from another commit. */
export async function requireHead(
  { git, targets }: Pick<Ports, 'git' | 'targets'>,
  { cwd, parent }: Pick<ThreadSettings, 'cwd' | 'parent'>,
  signal: AbortSignal,
): Promise<void> {
  const { head, checkedOut } = parent ?? {};
  if (head !== undefined && !(await targets.isCheckedOut(cwd, head, signal))) {
    const now = await git.checkedOut(cwd, signal);
    const how = now === head ? `files in ${cwd} were edited` : `${describe(now)} is checked out in ${cwd}`;
    throw moved(cwd, head, now, `${how}, and the review is of commit ${head}`, 'Review it again.');
  }
  if (checkedOut === undefined) return;
  const now = await git.checkedOut(cwd, signal);
  if (now === checkedOut) return;
  const how = `${describe(now)} is checked out in ${cwd}, and ${checkedOut} was when the review began`;
  const hint = `Ask for the review again. To commit or switch branches meanwhile, review in its own work tree (git worktree add).`;
  throw moved(cwd, checkedOut, now, how, hint);
}

function describe(now: string | null): string {
  return now === null ? 'No repository' : `Commit ${now}`;
}

function moved(path: string, head: string, now: string | null, how: string, hint: string): Failure {
  const message = `${how.charAt(0).toUpperCase()}${how.slice(1)}. What was found does not count. ${hint}`;
  return new Failure('reviewMoved', message, { details: { path, head, ...(now === null ? {} : { now }) } });
}
