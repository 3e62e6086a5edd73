/**
 * The rules that a repository has for reviews, as of the commit that the changes begin at: whoever wrote the changes does
 * not write the rules they are judged by.
 */
import type { Ports } from '../ports.ts';
import { RULES_HEADING } from './rubric.ts';

/** In each folder the first that is there counts. */
const FILES = ['AGENTS.override.md', 'AGENTS.md'];
/** Code units; those of the nearest folders go before others. */
const MAX_CHARS = 32_768;

/** From the root of the repository down to `cwd`. @param commit full id, or `HEAD`. */
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
