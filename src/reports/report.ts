/** Makes all reports from one record and nothing else: the same record gives the same bytes. */
import type { ReviewRecord } from '../contract/index.ts';
import { toVisibleJson } from '../contract/plain/foreign-text.ts';
import { toHtml } from './html/page.ts';
import { toJunit } from './junit.ts';
import { toMarkdown } from './markdown.ts';
import { toRdjson } from './rdjson.ts';
import { toSarif } from './sarif.ts';
import type { Selection } from './selection.ts';

/** `json` is the record itself. */
export type ReportFormat = 'sarif' | 'rdjson' | 'junit' | 'markdown' | 'html' | 'json';
export const REPORT_FORMATS: readonly ReportFormat[] = ['sarif', 'rdjson', 'junit', 'markdown', 'html', 'json'];

/**
 * Returns a whole file with a line feed at its end.
 *
 * @param only the findings to include; by default all in SARIF and on the page, else the open ones
 */
export function toReport(record: ReviewRecord, format: ReportFormat, only?: Selection): string {
  switch (format) {
    case 'sarif':
      return toFile(toSarif(record, only ?? 'all'));
    case 'rdjson':
      return toFile(toRdjson(record, only ?? 'open'));
    case 'junit':
      return toJunit(record, only ?? 'open');
    case 'markdown':
      return toMarkdown(record, only ?? 'open');
    case 'html':
      return toHtml(record, only ?? 'all');
    case 'json':
      return toFile(record);
  }
}

function toFile(value: unknown): string {
  return `${toVisibleJson(value, 2)}\n`;
}
