import type { Log } from 'sarif';
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { type Token, lexer } from 'marked';
import { describe, expect, it } from 'vitest';
import { RAW } from '../contract/test-every-type.ts';
import { MARKDOWN_BOUNDS } from './markdown.ts';
import type { DiagnosticResult } from './rdjson.ts';
import { REPORT_FORMATS, type ReportFormat, toReport } from './report.ts';
import { SELECTIONS, selectFindings } from './selection.ts';
import { anyRecord } from './test-any-record.ts';
import { SAMPLE_RECORD } from './test-record.ts';

const any = fc.tuple(anyRecord, fc.constantFrom(...SELECTIONS));

function check(
  format: ReportFormat,
  holds: (text: string, ...example: [...Parameters<typeof toReport>]) => void,
  numRuns = 60,
): void {
  fc.assert(
    fc.property(any, ([record, only]) => {
      const text = toReport(record, format, only);
      expect(/\p{Surrogate}/u.test(text), 'it can be written as UTF-8').toBe(false);
      expect(text.endsWith('\n')).toBe(true);
      holds(text, record, format, only);
    }),
    { numRuns },
  );
}

/** Put between characters of Markdown, so that they are not read as one thing. */
const PART = /\u200b/g;
const EMOJI_SELECTOR = /\p{Extended_Pictographic}\ufe0f/gu;

describe('any record', () => {
  it.each(REPORT_FORMATS)('holds as %s nothing that a terminal acts upon or a reader does not see', (format) => {
    check(
      format,
      (text) => {
        const shown = (format === 'markdown' ? text.replace(PART, '') : text)
          .replace(EMOJI_SELECTOR, '')
          .replace(/\t/g, '');
        expect(RAW.exec(shown)?.[0]).toBeUndefined();
      },
      30,
    );
  });

  it('is SARIF by the published schema, with every finding that was asked for', () => {
    const ajv = new Ajv2020({ strict: false });
    addFormats.default(ajv);
    const validate = ajv.compile(
      JSON.parse(readFileSync(new URL('../../test/schemas/sarif-2.1.0.json', import.meta.url), 'utf8')) as object,
    );
    expect(validate({ version: '2.1.0' }), 'the schema refuses what is none').toBe(false);
    check('sarif', (text, record, _, only) => {
      const log = JSON.parse(text) as Log;
      validate(log);
      expect(validate.errors ?? []).toEqual([]);
      const findings = log.runs.flatMap(({ results }) => results ?? []);
      expect(findings).toHaveLength(selectFindings(record, only ?? 'all').length);
    });
  });

  it('is rdjson with words and lines that count from one, of what is open', () => {
    check('rdjson', (text, record, _, only) => {
      const { diagnostics } = JSON.parse(text) as DiagnosticResult;
      const placed = selectFindings(record, only === 'new' ? 'new' : 'open').filter(
        ({ finding }) => finding.location !== null,
      );
      expect(diagnostics).toHaveLength(placed.length);
      for (const { message, location } of diagnostics) {
        expect(message.trim()).not.toBe('');
        expect(message).not.toMatch(/@\w/);
        expect(location.range.start.line).toBeGreaterThan(0);
        expect(location.range.end.line).toBeGreaterThanOrEqual(location.range.start.line);
      }
    });
  });

  it('is Markdown within its bounds, in which foreign words are words', () => {
    check('markdown', (text) => {
      expect(text.split('\n').length).toBeLessThanOrEqual(MARKDOWN_BOUNDS.lines + 1);
      expect(text.length).toBeLessThanOrEqual(MARKDOWN_BOUNDS.chars);
      const tokens = flatten(lexer(text));
      expect(tokens.map(({ type }) => type).filter((type) => !OWN_TOKENS.has(type))).toEqual([]);
      expect(tokens.filter(({ type }) => type === 'heading').length).toBeLessThanOrEqual(5);
      const words = tokens
        .filter(({ type }) => type === 'text' || type === 'escape')
        .flatMap((token) => ((token as { tokens?: Token[] }).tokens === undefined ? [token.raw] : []));
      expect(words.filter((raw) => /@[A-Za-z0-9]|#\d|:\/\/|www\.\S/.test(raw))).toEqual([]);
    });
  });

  it('is HTML of our own elements and attributes alone, each closed in its order', () => {
    check('html', (text) => {
      const rest = text.replace(/^<!doctype html>\n/, '').replace(/<style>[\s\S]*?<\/style>/, '');
      expect(rest.replace(OWN_TAG, '')).not.toMatch(/[<>]/);
      expect(unclosed(rest)).toEqual([]);
    });
  });

  it('is XML in which every character and every element has its place, with every finding that was asked for', () => {
    check('junit', (text, record, _, only) => {
      const rest = text.replace(/^<\?xml [^>]*\?>\n/, '');
      expect(rest).not.toMatch(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]|&(?!(amp|lt|gt|quot|#\d+);)/u);
      expect(unclosed(rest)).toEqual([]);
      const cases = rest.match(/<testcase /g) ?? [];
      expect(cases).toHaveLength(record.targets.length + selectFindings(record, only ?? 'open').length);
    });
  });

  it('gives the same bytes again', () => {
    for (const format of REPORT_FORMATS) {
      expect(toReport(structuredClone(SAMPLE_RECORD), format)).toBe(toReport(SAMPLE_RECORD, format));
    }
  });
});

const OWN_TOKENS = new Set([
  'heading',
  'space',
  'paragraph',
  'text',
  'list',
  'list_item',
  'strong',
  'em',
  'codespan',
  'table',
  'escape',
]);

function flatten(tokens: readonly Token[]): Token[] {
  return tokens.flatMap((token) => {
    const cells =
      token.type === 'table'
        ? [...(token['header'] as Cell[]), ...(token['rows'] as Cell[][]).flat()].flatMap((cell) => cell.tokens)
        : [];
    const below = [
      ...((token as { tokens?: Token[] }).tokens ?? []),
      ...((token as { items?: Token[] }).items ?? []),
      ...cells,
    ];
    return [token, ...flatten(below)];
  });
}

interface Cell {
  tokens: Token[];
}

const OWN_TAG =
  /<\/?(?:html|head|meta|title|style|body|header|main|footer|section|h1|h2|p|ul|li|b|strong|code|pre|span|bdi|details|summary|div|dl|dt|dd|table|thead|tbody|tr|th|td|figure|figcaption|svg|g|line|rect|path|polygon|polyline)(?: (?:lang|charset|http-equiv|content|name|class|id|dir|tabindex|scope|role|viewBox|preserveAspectRatio|points|d|x|y|x1|x2|y1|y2|width|height|aria-[a-z]+|data-[a-z]+)="[^"<>]*"| open)*\/?>/g;

const VOID = new Set(['meta']);

/** Elements that are left open, or closed where they were not open. */
function unclosed(text: string): string[] {
  const open: string[] = [];
  for (const [, slash, name = '', end] of text.matchAll(/<(\/?)([a-z0-9-]+)[^>]*?(\/?)>/g)) {
    if (end === '/' || VOID.has(name)) continue;
    if (slash === '') open.push(name);
    else if (open.at(-1) === name) open.pop();
    else return [`</${name}> in <${open.join('><')}>`];
  }
  return open;
}
