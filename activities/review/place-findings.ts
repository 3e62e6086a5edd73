/** Resolves the places in a review, and checks whether the changes touch them. */
import type { ReviewLocation, ReviewOutput } from '../../src/contract/index.ts';
import type { ChangedLines, LineRanges } from '../ports.ts';
import type { Answer, WrittenLocation } from './parse-answer.ts';

/** @param hasChanges false for a review without changes to compare with */
export function placeFindings(answer: Answer, lines: ChangedLines, hasChanges: boolean): ReviewOutput {
  const places = new Map(lines.files.map((file) => [file.path, file]));
  const toLocation = (written: WrittenLocation): ReviewLocation => {
    const place = places.get(written.path);
    const relative = place?.relative ?? null;
    return {
      path: relative ?? written.path,
      lineRange: written.lineRange,
      inRepository: relative !== null,
      inDiff: hasChanges ? touches(written.lineRange, place?.ranges ?? null) : null,
    };
  };
  const findings = answer.findings.map((finding) => {
    return { ...finding, codeLocation: finding.codeLocation === null ? null : toLocation(finding.codeLocation) };
  });
  return { ...answer, findings };
}

function touches({ start, end }: WrittenLocation['lineRange'], ranges: LineRanges | null): boolean {
  if (ranges === null || ranges === 'all') return ranges === 'all';
  return ranges.some((range) => start <= range.end && range.start <= end);
}
