/**
 * Parses a model's last message: the whole text as JSON, else the part between the outermost braces, else the text as
 * explanation. An unreadable part of one finding never affects the others.
 */
import { z } from 'zod';
import type { ReviewOutput, ReviewPriority } from '../../src/contract/index.ts';

/** In characters. The history of a thread must have room for many reviews. */
const BOUNDS = { title: 80, body: 4_000, path: 4_096, explanation: 20_000, findings: 100, all: 150_000 };

/** A place as the model wrote it, not yet checked against the files and changes. */
export interface WrittenLocation {
  path: string;
  lineRange: { start: number; end: number };
}

type Finding = Omit<ReviewOutput['findings'][number], 'codeLocation'> & { codeLocation: WrittenLocation | null };
export type Answer = Omit<ReviewOutput, 'findings'> & { findings: Finding[] };

export function parseAnswer(text: string): Answer {
  return fromJson(parseJson(text)) ?? fromJson(parseJson(betweenBraces(text))) ?? toExplanation(text);
}

/** The whole text as JSON, else the part between its outermost braces; undefined for other text. */
export function toJsonObject(text: string): unknown {
  return parseJson(text) ?? parseJson(betweenBraces(text));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function betweenBraces(text: string): string {
  return text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1);
}

function toExplanation(text: string): Answer {
  return {
    findings: [],
    overallCorrectness: null,
    overallExplanation: cut(text.trim(), BOUNDS.explanation),
    overallConfidenceScore: null,
    findingsLeftOut: 0,
  };
}

// ------------------------------------------------------------------------------------------------------- the object

const score = z
  .number()
  .transform((value) => Math.min(1, Math.max(0, value)))
  .nullable()
  .catch(null);
const priority = z.literal([0, 1, 2, 3]).nullable().catch(null);
const line = z.number().int().min(1);

const LocationSchema = z
  .object({
    // A file name may begin or end with a space.
    absolute_file_path: z
      .string()
      .max(BOUNDS.path)
      .refine((path) => path.trim() !== '' && !path.includes('\0')),
    line_range: z.object({ start: line, end: line }),
  })
  .transform(({ absolute_file_path: path, line_range: { start, end } }): WrittenLocation => {
    return { path, lineRange: { start: Math.min(start, end), end: Math.max(start, end) } };
  })
  .nullable()
  .catch(null);

const FindingSchema = z
  .object({
    title: z.string().trim().min(1),
    body: z.string().trim().catch(''),
    confidence_score: score,
    priority,
    code_location: LocationSchema,
  })
  .transform(({ title, body, confidence_score, priority, code_location }): Finding => {
    return {
      title: cut(title, BOUNDS.title),
      body: cut(body, BOUNDS.body),
      confidenceScore: confidence_score,
      priority: priority ?? priorityInTitle(title),
      codeLocation: code_location,
    };
  });

const ReviewSchema = z.object({
  findings: z.array(z.unknown()),
  overall_correctness: z.enum(['patch is correct', 'patch is incorrect']).nullable().catch(null),
  overall_explanation: z.string().trim().catch(''),
  overall_confidence_score: score,
});

/** Null if it is something else. */
function fromJson(value: unknown): Answer | null {
  const review = ReviewSchema.safeParse(value);
  if (!review.success) return null;
  const { findings, overall_correctness, overall_explanation, overall_confidence_score } = review.data;
  const read = findings.flatMap((finding) => FindingSchema.safeParse(finding).data ?? []);
  const kept = read.slice(0, countKept(read));
  return {
    findings: kept,
    overallCorrectness: overall_correctness,
    overallExplanation: cut(overall_explanation, BOUNDS.explanation),
    overallConfidenceScore: overall_confidence_score,
    findingsLeftOut: findings.length - kept.length,
  };
}

function countKept(findings: readonly Finding[]): number {
  let left = BOUNDS.all;
  const beyond = findings.findIndex((finding) => (left -= JSON.stringify(finding).length) < 0);
  return Math.min(BOUNDS.findings, beyond === -1 ? findings.length : beyond);
}

function priorityInTitle(title: string): ReviewPriority | null {
  const found = /^\[P([0-3])\]/.exec(title)?.[1];
  return found === undefined ? null : (Number(found) as ReviewPriority);
}

/** Removes halves of characters, which some readers of the history refuse. */
function cut(text: string, most: number): string {
  const kept = text.length <= most ? text : `${text.slice(0, most - 1)}…`;
  return kept.replace(/\p{Surrogate}/gu, '\ufffd');
}
