/**
 * What the offline model does where the findings of a review are asked for and no rule says otherwise: it looks at the lines
 * that were added, by the commands its instructions name, and finds fault with what can be seen without understanding.
 */
import { isObject } from '../loopback-http.ts';
import { printedBy, SIGNATURE } from './answer-text.ts';
import type { Conversation, ToolUse } from './types.ts';
import { runCalls } from './tool-calls.ts';
import type { OfferedTool, ToolCall } from './tool-calls.ts';

/** Whether the `text` of a request asks for an answer in the form of a review. */
export function wantsReview(text: unknown): boolean {
  const format = isObject(text) ? text['format'] : undefined;
  const schema = isObject(format) ? format['schema'] : undefined;
  const properties = isObject(schema) ? schema['properties'] : undefined;
  return isObject(properties) && 'findings' in properties && 'overall_correctness' in properties;
}

/** The same findings with the signature in their explanation, as one line of JSON; null for text that holds none. */
export function signedFindings(text: string): string | null {
  try {
    const value: unknown = JSON.parse(text);
    if (!isObject(value)) return null;
    const said = value['overall_explanation'];
    const explanation = typeof said === 'string' ? { overall_explanation: `${said} ${SIGNATURE}`.trim() } : {};
    return JSON.stringify({ ...value, ...explanation });
  } catch {
    return null;
  }
}

const MARKS = 'TODO|FIXME|console[.]log';
/** Prints `path:line:text` for each added line with a mark. */
const ADDED =
  `awk '/^[+][+][+] /{f=substr($0,7)} /^@@/{split($3,a,",");n=substr(a[1],2)} ` +
  `/^[+]/&&!/^[+][+][+] /{if(/${MARKS}/)print f":"n":"substr($0,2);n++}'`;
const ROOT = 'git rev-parse --show-toplevel';
const UNTRACKED = `cd "$(${ROOT})" && git ls-files --others --exclude-standard -z | xargs -0 -r grep -nHIE '${MARKS}'`;

/** The next calls of the review, or the text it ends with. */
export function nextOfReview(
  conversation: Conversation,
  tools: OfferedTool[],
  parallel: boolean,
): { calls: ToolCall[] } | { text: string } {
  const { text, uses } = conversation;
  const diff = /`(git diff [^`]+)`/.exec(text)?.[1] ?? 'git diff HEAD';
  // Names of files come last.
  const plain = diff.replace(
    /^git diff/,
    'git diff --unified=0 --no-color --no-ext-diff --src-prefix=a/ --dst-prefix=b/',
  );
  const commands = [ROOT, `${plain} | ${ADDED}`];
  if (text.includes('untracked')) commands.push(UNTRACKED);
  const known = readKnown(text);
  const look = lookAtKnown(known, diff);
  if (look !== null) commands.push(look);
  const answers = commands.map((command) => answerTo(command, uses));
  const left = commands.filter((_, index) => answers[index] === undefined);
  const calls = runCalls(parallel ? left : left.slice(0, 1), false, tools);
  if ('missing' in calls) return { text: 'No shell tool was offered, so I cannot look at the changes.' };
  if (calls.calls.length > 0) return calls;
  const [root = '', ...listed] = answers.map((use) => (use === undefined ? '' : printedBy(use)));
  if (!root.startsWith('/')) return { text: `I could not look at the changes. Git said: ${root}` };
  const standing = look === null ? '' : (listed.pop() ?? '');
  return { text: JSON.stringify(toReview(root, listed.join('\n'), known, standing)) };
}

/** The output of a command is asked for again if its worker was lost: the commands of a review only read. */
function answerTo(command: string, uses: readonly ToolUse[]): ToolUse | undefined {
  const written = JSON.stringify(command);
  return uses.findLast(({ input, output }) => input.includes(written) && !output.startsWith(LOST));
}

const LOST = 'The process that ran this command was lost.';

// ---------------------------------------------------------------------------------------------- findings of earlier reviews

interface Known {
  id: string;
  path: string | undefined;
  /** `FIRST-LAST`; null if nothing is left. */
  lines: string | null;
}

function readKnown(text: string): Known[] {
  return text.split('\n').flatMap((line) => {
    if (!line.startsWith('- {"id":')) return [];
    const { id, path, lines } = JSON.parse(line.slice(2)) as { id: string; path?: string; lines?: string | null };
    return [{ id, path, lines: lines ?? null }];
  });
}

/** Prints the lines of each below a line that names it. */
function lookAtKnown(known: readonly Known[], diff: string): string | null {
  const head = /^git diff \S+ (\S+)/.exec(diff)?.[1];
  const placed = known.filter(({ path, lines }) => path !== undefined && lines !== null);
  if (head === undefined || placed.length === 0) return null;
  return placed
    .map(({ id, path, lines }) => {
      const file = `'${`${head}:${path}`.replaceAll("'", `'\\''`)}'`;
      return `echo "${NAMES}${id}"; git show ${file} | sed -n '${String(lines).replace('-', ',')}p'`;
    })
    .join('; ');
}

const NAMES = 'known finding ';

/** It stands for as long as its lines hold a mark. */
function toVerdicts(known: readonly Known[], standing: string): object[] {
  const texts = new Map<string, string>();
  let id = '';
  for (const line of standing.split('\n')) {
    if (line.startsWith(NAMES)) id = line.slice(NAMES.length);
    else texts.set(id, `${texts.get(id) ?? ''}${line}\n`);
  }
  const isThere = ({ id }: Known) => new RegExp(MARKS).test(texts.get(id) ?? '');
  return known.map((one) => ({ id: one.id, verdict: verdictOn(one, isThere(one)) }));
}

function verdictOn({ path }: Known, isThere: boolean): string {
  if (path === undefined) return 'cannot_say';
  return isThere ? 'still_there' : 'fixed';
}

// ------------------------------------------------------------------------------------------------------- its own findings

function toReview(root: string, listed: string, known: readonly Known[], standing: string): object {
  const findings = listed.split('\n').flatMap((line) => {
    const [, path, number, added] = /^(.+?):(\d+):(.*)$/.exec(line) ?? [];
    return path === undefined || added === undefined ? [] : [toFinding(`${root}/${path}`, Number(number), added)];
  });
  const serious = findings.some(({ priority }) => priority <= 1);
  const count = findings.length === 1 ? '1 line that holds' : `${findings.length} lines that hold`;
  return {
    findings,
    known_findings: toVerdicts(known, standing),
    overall_correctness: serious ? 'patch is incorrect' : 'patch is correct',
    overall_explanation: `The changes add ${count} TODO, FIXME or console.log. I look for nothing else.`,
    overall_confidence_score: 0.5,
  };
}

function toFinding(path: string, line: number, added: string) {
  const [priority, title] = added.includes('FIXME')
    ? ([1, 'Mend what is marked FIXME'] as const)
    : added.includes('TODO')
      ? ([2, 'Do what is marked TODO'] as const)
      : ([3, 'Take the console.log out'] as const);
  return {
    title: `[P${priority}] ${title}`,
    body: `The change adds this line: \`${added.trim().slice(0, 200)}\``,
    confidence_score: 0.5,
    priority,
    code_location: { absolute_file_path: path, line_range: { start: line, end: line } },
  };
}
