/**
 * Reads the review rules of a repository at the base commit, so that the author of the changes cannot change the rules
 * for their review.
 */
import type { Ports } from '../ports.ts';
import { RULES_HEADING } from './rubric.ts';

/** The first existing one in each folder counts. */
const FILES = ['AGENTS.override.md', 'AGENTS.md'];
/** In code units; the nearest folders have priority. */
const MAX_CHARS = 32_768;

/** From the root of the repository down to `cwd`. @param commit full id, or `HEAD` */
export async function readReviewRules(
  { git, projectDocs }: { git: Pick<Ports['git'], 'readDocs'>; projectDocs: Ports['projectDocs'] },
  { cwd, commit }: { cwd: string; commit: string },
  signal: AbortSignal,
): Promise<string> {
  const texts = await git.readDocs(cwd, commit, FILES, signal);
  const sections = texts
    .map((text) => projectDocs.sectionsOf(text.replace(/^\ufeff/, ''), RULES_HEADING).trim())
    .filter(Boolean);
  let left = MAX_CHARS;
  const kept = sections.toReversed().filter((section) => (left -= section.length + 2) >= 0);
  return kept.toReversed().join('\n\n');
}
