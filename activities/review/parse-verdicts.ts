/** Parses the verdicts of a review on known findings. Ignores what it cannot parse. */
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
 * Returns at most one verdict per finding: still there, if any entry says so.
 * @param asked ids of the findings in the prompt; verdicts on others are ignored
 */
export function parseVerdicts(text: string, asked: readonly string[]): FindingVerdict[] {
  const answer = AnswerSchema.safeParse(toJsonObject(text));
  if (!answer.success) return [];
  const said = answer.data.known_findings.flatMap((entry) => EntrySchema.safeParse(entry).data ?? []);
  return mergeVerdicts(said.filter(({ findingId }) => asked.includes(findingId)));
}

/** A finding that one part of a review still sees is still there, whatever the others say. */
export function mergeVerdicts(said: readonly FindingVerdict[]): FindingVerdict[] {
  const merged = new Map<string, FindingVerdict>();
  for (const one of said)
    if (one.verdict === 'stillThere' || !merged.has(one.findingId)) merged.set(one.findingId, one);
  return [...merged.values()];
}
