/**
 * The Reviewdog Diagnostic Format, `DiagnosticResult` of its proto/rdf/reviewdog.proto. It contains places and texts
 * only: no states, no targets, and not what could not be reviewed. Paths are relative to the root of the repository.
 */
import type { ReviewPriority, ReviewRecord } from '../contract/index.ts';
import { toTitle } from './finding-words.ts';
import { toVisible, toWellFormed } from './foreign-text.ts';
import { withoutMentions } from './markdown-text.ts';
import { nameTargets } from './repository.ts';
import { type ReportedFinding, type Selection, selectFindings, toPriority } from './selection.ts';

export interface DiagnosticResult {
  source: { name: string };
  diagnostics: Diagnostic[];
}

interface Diagnostic {
  message: string;
  location: { path: string; range: { start: { line: number }; end: { line: number } } };
  severity: 'ERROR' | 'WARNING' | 'INFO';
  source: { name: string };
  code: { value: string };
}

const SEVERITIES: Record<ReviewPriority, Diagnostic['severity']> = { 0: 'ERROR', 1: 'ERROR', 2: 'WARNING', 3: 'INFO' };

/** Leaves out fixed and dismissed findings, and those without a place. */
export function toRdjson(record: ReviewRecord, only: Selection): DiagnosticResult {
  const names = nameTargets(record.targets.map(({ row }) => row.target));
  const selected = selectFindings(record, only === 'new' ? 'new' : 'open');
  return {
    source: { name: 'bobbin' },
    diagnostics: selected.flatMap((reported) => toDiagnostic(reported, names[reported.index] ?? '')),
  };
}

function toDiagnostic({ finding }: ReportedFinding, targetName: string): Diagnostic[] {
  const { location, body, priority } = finding;
  if (location === null) return [];
  const { path, startLine, endLine } = location;
  return [
    {
      message: toMessage(toTitle(finding), body),
      location: { path: toWellFormed(path), range: { start: { line: startLine }, end: { line: endLine } } },
      severity: SEVERITIES[toPriority(priority)],
      source: { name: `bobbin ${targetName}` },
      code: { value: priority === null ? 'review' : `P${priority}` },
    },
  ];
}

/** The reviewer's Markdown without mentions. The priority is the code. */
function toMessage(title: string, body: string): string {
  const words = [title, toVisible(body)].filter((text) => text.trim() !== '');
  return withoutMentions(words.join('\n\n'));
}
