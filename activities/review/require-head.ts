/** A review whose folder is moved to another commit would judge what it was not asked to look at. */
import type { ThreadSettings } from '../../src/contract/index.ts';
import { Failure } from '../failures.ts';
import type { Ports } from '../ports.ts';

/** Before each model call, so nothing that its commands printed is from another commit. */
export async function requireHead(
  { targets }: Pick<Ports, 'targets'>,
  { cwd, parent }: Pick<ThreadSettings, 'cwd' | 'parent'>,
  signal: AbortSignal,
): Promise<void> {
  const head = parent?.head;
  if (head === undefined || (await targets.isCheckedOut(cwd, head, signal))) return;
  const message = `${cwd} is not at commit ${head} any more, or files in it have changed: somebody moved it during the review. What was found does not count; review it again.`;
  throw new Failure('reviewMoved', message, { details: { path: cwd, head } });
}
