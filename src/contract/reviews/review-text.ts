import type { ReviewFinding, ReviewOutput } from './review.ts';

/** Lines for a person or a model: the explanation, then the findings, each as a title with its place and a body below it. */
export function renderReview({ findings, overallExplanation, findingsLeftOut }: ReviewOutput): string[] {
  const more = findingsLeftOut > 0 ? [`(${findingsLeftOut} more could not be read or kept)`] : [];
  const blocks = [overallExplanation === '' ? [] : [overallExplanation], findings.flatMap(renderFinding), more];
  return blocks.filter((lines) => lines.length > 0).flatMap((lines, index) => (index === 0 ? lines : ['', ...lines]));
}

function renderFinding({ title, body, codeLocation }: ReviewFinding): string[] {
  const place = codeLocation === null ? '' : ` — ${renderLocation(codeLocation)}`;
  const lines = body === '' ? [] : body.split('\n').map((line) => (line === '' ? '' : `  ${line}`));
  return [`- ${title}${place}`, ...lines];
}

function renderLocation({ path, lineRange, inRepository, inDiff }: NonNullable<ReviewFinding['codeLocation']>): string {
  const mark = !inRepository ? ' (outside the repository)' : inDiff === false ? ' (outside the changes)' : '';
  return `${path}:${lineRange.start}-${lineRange.end}${mark}`;
}
