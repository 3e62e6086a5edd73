/**
 * JUnit XML, as test reports of CI systems read it: a suite for each target, with one case for its review and one for each
 * finding. An open finding is a failure, a dismissed one is skipped, a fixed one passes.
 */
import type { LedgerFinding, RecordedTarget, ReviewRecord } from '../contract/index.ts';
import { toPriorityWord, toTitle } from './finding-words.ts';
import { UNSEEN, toLine, toName, toVisible, toWellFormed } from './foreign-text.ts';
import { type Markup, markup, toText, trusted } from './html/markup.ts';
import { describeOutcome, isUnknown } from './outcome.ts';
import { nameTargets } from './repository.ts';
import { type Selection, selectFindings } from './selection.ts';

const MAX_TITLE_CHARS = 300;

type Verdict = 'passed' | 'failures' | 'errors' | 'skipped';
interface Case {
  verdict: Verdict;
  xml: Markup;
}

export function toJunit(record: ReviewRecord, only: Selection): string {
  const names = nameTargets(record.targets.map(({ row }) => row.target));
  const selected = selectFindings(record, only);
  const suites = record.targets.map((target, index) => {
    const name = toXmlText(names[index] ?? '');
    const findings = selected.filter((reported) => reported.index === index);
    return {
      name,
      cases: [toReviewCase(target, name), ...findings.map(({ finding }) => toFindingCase(finding, name))],
    };
  });
  const all = suites.flatMap(({ cases }) => cases);
  const made = markup`<testsuites name="${toXmlText(`bobbin ${record.batch.batchId}`)}"${countsOf(all)}>
${suites.map(({ name, cases }) => markup`<testsuite name="${name}"${countsOf(cases)}>\n${cases.map(({ xml }) => xml)}</testsuite>\n`)}</testsuites>
`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n${toText(made)}`;
}

function countsOf(cases: readonly Case[]): Markup {
  const counts = (['failures', 'errors', 'skipped'] as const).map(
    (name) => ` ${name}="${cases.filter(({ verdict }) => verdict === name).length}"`,
  );
  return trusted(` tests="${cases.length}"${counts.join('')}`);
}

function toReviewCase({ row }: RecordedTarget, target: string): Case {
  const { label, detail } = describeOutcome(row.outcome);
  const message = toXmlText(`${label}${detail === '' ? '' : `: ${detail}`}`);
  const verdict = isUnknown(row) ? 'errors' : row.outcome.status === 'skipped' ? 'skipped' : 'passed';
  const body = {
    errors: markup`<error type="${row.outcome.status}" message="${message}"/>`,
    skipped: markup`<skipped message="${message}"/>`,
    passed: markup`<system-out>${message}</system-out>`,
  };
  return { verdict, xml: toCase({ target, name: 'review' }, body[verdict]) };
}

function toFindingCase(finding: LedgerFinding, target: string): Case {
  const { location, body, state, dismissal } = finding;
  const title = toXmlText(toLine(toTitle(finding), MAX_TITLE_CHARS));
  const path = location === null ? null : toExactName(location.path);
  const place =
    location === null ? '' : `${toName(location.path, Infinity)}:${location.startLine}-${location.endLine}\n\n`;
  // A title may be that of several findings, and a line moves: tests are compared by their names.
  const about = { target, name: `${title} (${toXmlText(finding.findingId)})`, path, line: location?.startLine ?? null };
  const type = toPriorityWord(finding);
  switch (state) {
    case 'open': {
      const text = toXmlText(`${place}${body}`);
      return {
        verdict: 'failures',
        xml: toCase(about, markup`<failure type="${type}" message="${title}">${text}</failure>`),
      };
    }
    case 'dismissed': {
      const why = toXmlText(`dismissed: ${toLine(dismissal?.why ?? '', MAX_TITLE_CHARS)}`);
      return { verdict: 'skipped', xml: toCase(about, markup`<skipped message="${why}"/>`) };
    }
    case 'fixed':
      return { verdict: 'passed', xml: toCase(about, null) };
  }
}

function toCase(
  about: { target: string; name: string; path?: Markup | null; line?: number | null },
  body: Markup | null,
): Markup {
  const { target, name, path = null, line = null } = about;
  const place = path === null ? null : markup` file="${path}" line="${line ?? 1}"`;
  return markup`<testcase classname="${target}" name="${name}"${place}>${body}</testcase>\n`;
}

/** XML has no place for these two, however they are written. Other such characters are spelled out. */
function toXmlText(text: string): string {
  return text.replace(/[\ufffe\uffff]/g, '\ufffd');
}

/** References keep characters that cannot be seen, and that a reader of XML makes spaces of. */
function toExactName(path: string): Markup {
  const text = toXmlText(toWellFormed(path));
  return trusted(text.replace(/[&<>"']/g, toReference).replace(UNSEEN, toReference));
}

/** XML has no references for most control characters: those are spelled out. */
function toReference(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x20 && !'\t\n\r'.includes(character) ? toVisible(character) : `&#${code};`;
}
