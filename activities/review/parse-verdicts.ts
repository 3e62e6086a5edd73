/** Reads what a review says of the findings that it was told of. What cannot be read was not said. */
import { z } from 'zod';
import type { FindingVerdict } from '../../src/contract/index.ts';
import { VERDICTS } from './rubric.ts';
import { toJsonObject } from './parse-answer.ts';

const EntrySchema = z
  .object({ id: z.string(), verdict: z.enum([VERDICTS.stillThere, VERDICTS.fixed]) })
  .transform(({ id, verdict }): FindingVerdict => {
    return { findingId: id, verdict: verdict === VERDICTS.fixed ? 'fixed' : 'stillThere' };
  });
const AnswerSchema = z.object({ known_findings: z.array(z.unknown()) });

/**
 * One verdict for each finding at most: that it is still there, if anything says so.
 * @param asked ids of the findings that the review was told of; it cannot speak of others.
 */
export function parseVerdicts(text: string, asked: readonly string[]): FindingVerdict[] {
  const answer = AnswerSchema.safeParse(toJsonObject(text));
  if (!answer.success) return [];
  const said = answer.data.known_findings.flatMap((entry) => EntrySchema.safeParse(entry).data ?? []);
  return mergeVerdicts(said.filter(({ findingId }) => asked.includes(findingId)));
}

/** What one part of a review still sees is still there, whatever the others say. */
export function mergeVerdicts(said: readonly FindingVerdict[]): FindingVerdict[] {
  const merged = new Map<string, FindingVerdict>();
  for (const one of said)
    if (one.verdict === 'stillThere' || !merged.has(one.findingId)) merged.set(one.findingId, one);
  return [...merged.values()];
}
