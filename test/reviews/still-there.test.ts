/**
 * Random edits of real files, and what a ledger makes of them: without a reviewer's word no finding is fixed of which one line
 * still stands anywhere, and with it none whose code stands whole and in one place only; what was fixed and comes back is open.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { observeFindings, trackFindings } from '../../activities/review/observe.ts';
import { createGit } from '../../src/adapters/git/git.ts';
import type { FindingVerdict, ReviewFinding, RunBeginning } from '../../src/contract/index.ts';
import { beginRun } from '../../workflows/review-ledger/ledger.ts';
import { recordRun } from '../../workflows/review-ledger/record.ts';
import { type KeptFinding, type LedgerState, newLedger } from '../../workflows/review-ledger/state.ts';
import { type Files, commit, makeRepository } from '../parts/repositories.ts';

const git = createGit({ directory: '/nonexistent' });
const { signal } = new AbortController();

type Tree = Map<string, string[]>;

let nextLine = 0;
/** Most lines are unlike all others; some stand often, and some say nothing. */
const LINES = [
  ...Array.from({ length: 5 }, () => () => `const value${++nextLine} = ${nextLine * 7}; // unlike the others`),
  ...['', '}', 'free(p);', 'return null;'].map((line) => () => line),
];
let nextKind = 0;
const freshLine = () => LINES[(nextKind = (nextKind * 7 + 5) % 997) % LINES.length]!();
const freshLines = (count: number) => Array.from({ length: count }, freshLine);

const EDITS = [
  ...['insert', 'insert', 'remove', 'remove', 'change', 'indent', 'move', 'move', 'rename', 'delete'],
  ...['copy', 'split', 'moveEdited', 'blank'],
] as const;

interface Edit {
  type: (typeof EDITS)[number];
  file: number;
  /** Of lines, those of a whole file aside. */
  at: number;
  count: number;
  /** File that lines move to. */
  to: number;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  type: fc.constantFrom(...EDITS),
  ...{ file: fc.nat(9), at: fc.nat(99), count: fc.integer({ min: 1, max: 6 }), to: fc.nat(9) },
});

function apply(tree: Tree, edit: Edit): void {
  const names = [...tree.keys()];
  const name = names[edit.file % Math.max(1, names.length)];
  const lines = name === undefined ? undefined : tree.get(name);
  if (name === undefined || lines === undefined) return;
  const at = edit.at % (lines.length + 1);
  switch (edit.type) {
    case 'rename':
      tree.delete(name);
      tree.set(`renamed "${++nextLine}" ü.ts`, lines);
      return;
    case 'delete':
      tree.delete(name);
      return;
    case 'insert':
      lines.splice(at, 0, ...freshLines(edit.count));
      return;
    case 'remove':
      lines.splice(at, edit.count);
      return;
    case 'change':
      lines.splice(at, edit.count, ...freshLines(lines.slice(at, at + edit.count).length));
      return;
    case 'indent':
      for (let line = at; line < Math.min(at + edit.count, lines.length); line++) lines[line] = `    ${lines[line]}`;
      return;
    case 'blank':
      for (let line = lines.length - 1; line >= at; line--) if (lines[line]?.trim() === '') lines.splice(line, 1);
      return;
    case 'copy':
    case 'move':
    case 'moveEdited': {
      const target = tree.get(names[edit.to % names.length] ?? '') ?? lines;
      const moved = edit.type === 'copy' ? lines.slice(at, at + edit.count) : lines.splice(at, edit.count);
      if (edit.type === 'moveEdited') moved.splice(edit.at % (moved.length + 1), 1, freshLine());
      target.splice(edit.at % (target.length + 1), 0, ...moved);
      return;
    }
    case 'split':
      for (const line of lines.splice(at, edit.count)) {
        const target = tree.get(names[(edit.to + line.length) % names.length] ?? '') ?? lines;
        target.splice(edit.at % (target.length + 1), 0, line);
      }
      return;
  }
}

/** The significant lines of a finding, as they were seen. */
type Code = readonly string[];

const significant = (lines: readonly string[]): Code =>
  lines.map((line) => line.replace(/\s/g, '')).filter((line) => /\w/.test(line));

/** How the code stands in a tree, by a plain count. */
function look(tree: Tree, code: Code) {
  const files = [...tree.values()].map(significant);
  const timesOf = (line: string) => files.flat().filter((one) => one === line).length;
  const inOrder = (lines: Code) => lines.reduce((met, line) => (line === code[met] ? met + 1 : met), 0) === code.length;
  const together = files.some((lines) => `\n${lines.join('\n')}\n`.includes(`\n${code.join('\n')}\n`));
  return {
    any: code.length === 0 || code.some((line) => timesOf(line) > 0),
    whole: code.length > 0 && files.some(inOrder),
    onlyOnce: code.length > 0 && together && code.every((line) => timesOf(line) === 1),
  };
}

function commitTree(repository: string, tree: Tree): string {
  for (const name of readdirSync(repository)) if (name !== '.git') rmSync(join(repository, name), { recursive: true });
  const files: Files = { commits: `${++nextLine}\n` };
  for (const [name, lines] of tree) files[name] = `${lines.join('\n')}\n`;
  return commit(repository, files);
}

/** One run over a commit. The reviewer finds the given, and says the same of everything that is known. */
async function review(
  state: LedgerState,
  { cwd, head }: { cwd: string; head: string },
  findings: ReviewFinding[],
  word: FindingVerdict['verdict'] | null,
): Promise<LedgerState> {
  const runId = `run/${state.runCount}`;
  const run = { runId, workflowId: runId, instead: null, head, rulesId: 'rules', fullPassEvery: 0 };
  const begun = beginRun(state, { ...run, fullPass: true }, state.runCount);
  const { known } = begun.answer as Extract<RunBeginning, { type: 'begun' }>;
  const told = {
    findings: await observeFindings({ git }, { cwd, head, findings }, signal),
    tracked: await trackFindings({ git }, { cwd, head, known }, signal),
    verdicts: word === null ? [] : known.map(({ findingId }) => ({ findingId, verdict: word })),
  };
  const facts = { runId, base: head, head, full: true, rulesId: 'rules', looked: null, findingsLeftOut: 0 };
  const outcome = recordRun(begun.state, { ...facts, ...told }, state.runCount);
  if ('code' in outcome) throw new Error(outcome.reason);
  return outcome.state;
}

const found = (path: string, start: number, end: number): ReviewFinding => ({
  ...{ title: `something at ${path} ${start}`, body: '', confidenceScore: 1, priority: 1 },
  codeLocation: { path, lineRange: { start, end }, inRepository: true, inDiff: true },
});

interface Round {
  /** Null takes everything back to what it was at first. */
  edits: Edit[] | null;
  /** What the reviewer says of every known finding; null for nothing. */
  word: FindingVerdict['verdict'] | null;
}
interface Spot {
  file: number;
  at: number;
  count: number;
}

const rounds: fc.Arbitrary<Round[]> = fc.array(
  fc.record({
    edits: fc.option(fc.array(edit, { minLength: 1, maxLength: 5 }), { freq: 4 }),
    word: fc.constantFrom(null, null, 'fixed' as const),
  }),
  { minLength: 1, maxLength: 4 },
);
const spots: fc.Arbitrary<Spot[]> = fc.array(
  fc.record({ file: fc.nat(3), at: fc.nat(23), count: fc.integer({ min: 1, max: 3 }) }),
  {
    minLength: 2,
    maxLength: 6,
  },
);
const NAMES = ['a.ts', 'b.ts', 'dir/c.ts', 'dir/ü "d".ts'];
const clone = (tree: Tree): Tree => new Map([...tree].map(([name, lines]) => [name, [...lines]]));

const tally = { fixed: 0, byWord: 0, standing: 0, reopened: 0 };

async function play(cwd: string, places: Spot[], plan: Round[]): Promise<void> {
  const first: Tree = new Map(NAMES.map((name) => [name, freshLines(24)]));
  const findings = places.map(({ file, at, count }) => found(NAMES[file] ?? '', at + 1, Math.min(at + count, 24)));
  let tree = clone(first);
  let state = await review(newLedger('t', { repository: cwd }), { cwd, head: commitTree(cwd, tree) }, findings, null);
  const codes = new Map(
    state.findings.map(({ findingId, location }) => [
      findingId,
      significant((tree.get(location?.path ?? '') ?? []).slice((location?.startLine ?? 0) - 1, location?.endLine)),
    ]),
  );
  for (const { edits, word } of plan) {
    const before = new Map(state.findings.map((one) => [one.findingId, one]));
    if (edits === null) tree = clone(first);
    else for (const one of edits) apply(tree, one);
    state = await review(state, { cwd, head: commitTree(cwd, tree) }, [], word);
    for (const finding of state.findings) {
      const code = codes.get(finding.findingId) ?? [];
      const was = before.get(finding.findingId);
      check({ code, edits, word, was, now: finding.state, stands: look(tree, code) });
    }
  }
}

interface Case extends Round {
  code: Code;
  was: KeptFinding | undefined;
  now: KeptFinding['state'];
  stands: ReturnType<typeof look>;
}

function check(one: Case): void {
  const { was, now, stands, word } = one;
  if (was?.state === 'open') {
    if (stands.any) tally.standing++;
    if (now !== 'fixed') return;
    tally[word === null ? 'fixed' : 'byWord']++;
    expect(one).toMatchObject({ stands: word === null ? { any: false } : { onlyOnce: false } });
  } else if (was?.fixedBy === 'code') {
    expect(one).toMatchObject({ now: stands.whole ? 'open' : 'fixed' });
    if (stands.whole) tally.reopened++;
  } else expect(one).toMatchObject({ now: 'fixed' });
}

it('no finding is fixed while its code stands, whatever was edited, and one whose code comes back is open again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bobbin-still-there-'));
  let repositories = 0;
  try {
    await fc.assert(
      fc.asyncProperty(spots, rounds, async (places, plan) => {
        await play(makeRepository(join(folder, String(repositories++)), { keep: 'keep\n' }), places, plan);
      }),
      { numRuns: 25, seed: 11, endOnFailure: true },
    );
    expect(tally.fixed).toBeGreaterThan(3);
    expect(tally.byWord).toBeGreaterThan(3);
    expect(tally.standing).toBeGreaterThan(20);
    expect(tally.reopened).toBeGreaterThan(0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 480_000);
