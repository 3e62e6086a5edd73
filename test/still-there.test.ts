/** Random edits of real files, and what a ledger makes of them: a finding whose line still stands is never fixed. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { observeFindings, trackFindings } from '../activities/review/observe.ts';
import { createGit } from '../src/adapters/git/git.ts';
import type { FindingVerdict, ReviewFinding, RunBeginning } from '../src/contract/index.ts';
import { beginRun } from '../workflows/review-ledger/ledger.ts';
import { recordRun } from '../workflows/review-ledger/record.ts';
import { type LedgerState, newLedger } from '../workflows/review-ledger/state.ts';
import { type Files, commit, makeRepository } from './parts/repositories.ts';

const git = createGit({ directory: '/nonexistent' });
const { signal } = new AbortController();

/** Every line is unlike all others, so that it is known which one still stands, wherever it went. */
type Tree = Map<string, string[]>;

let nextLine = 0;
const freshLine = () => `const value${++nextLine} = ${nextLine * 7}; // unlike the others`;
const freshLines = (count: number) => Array.from({ length: count }, freshLine);

interface Edit {
  type: 'insert' | 'remove' | 'change' | 'indent' | 'move' | 'rename' | 'delete';
  file: number;
  /** Of lines, those of a whole file aside. */
  at: number;
  count: number;
  /** File that lines move to. */
  to: number;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  type: fc.constantFrom('insert', 'insert', 'insert', 'remove', 'change', 'indent', 'move', 'move', 'rename', 'delete'),
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
    case 'move': {
      const target = tree.get(names[edit.to % names.length] ?? '') ?? lines;
      const moved = lines.splice(at, edit.count);
      target.splice(edit.at % (target.length + 1), 0, ...moved);
      return;
    }
  }
}

/** The lines of a finding, as they were seen. */
type Seen = ReadonlyMap<string, readonly string[]>;

const stripped = (line: string) => line.trim();
const standsIn = (tree: Tree, code: readonly string[]) =>
  [...tree.values()].some((lines) => `\n${lines.map(stripped).join('\n')}\n`.includes(`\n${code.join('\n')}\n`));

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

const rounds = fc.array(
  fc.record({
    edits: fc.array(edit, { minLength: 1, maxLength: 5 }),
    word: fc.constantFrom(null, 'fixed' as const),
  }),
  { minLength: 1, maxLength: 3 },
);
const spots = fc.array(fc.record({ file: fc.nat(3), at: fc.nat(23), count: fc.integer({ min: 1, max: 3 }) }), {
  minLength: 2,
  maxLength: 6,
});

it('no finding whose lines still stand is fixed, whatever was edited around them and whatever the reviewer says', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bobbin-still-there-'));
  let fixed = 0;
  let standing = 0;
  let repositories = 0;
  try {
    await fc.assert(
      fc.asyncProperty(spots, rounds, async (places, plan) => {
        const tree: Tree = new Map(['a.ts', 'b.ts', 'dir/c.ts', 'dir/ü "d".ts'].map((name) => [name, freshLines(24)]));
        const names = [...tree.keys()];
        const cwd = makeRepository(join(folder, String(repositories++)), { keep: 'keep\n' });
        const findings = places.map(({ file, at, count }) =>
          found(names[file] ?? '', at + 1, Math.min(at + count, 24)),
        );
        let state = await review(
          newLedger('t', { repository: cwd }),
          { cwd, head: commitTree(cwd, tree) },
          findings,
          null,
        );
        const seen: Seen = new Map(
          state.findings.map(({ findingId, location }) => [
            findingId,
            (tree.get(location?.path ?? '') ?? [])
              .slice((location?.startLine ?? 0) - 1, location?.endLine)
              .map(stripped),
          ]),
        );
        for (const { edits, word } of plan) {
          const before = new Map(state.findings.map((one) => [one.findingId, one.state]));
          for (const one of edits) apply(tree, one);
          state = await review(state, { cwd, head: commitTree(cwd, tree) }, [], word);
          for (const finding of state.findings) {
            if (before.get(finding.findingId) !== 'open') continue;
            const code = seen.get(finding.findingId) ?? [];
            const stands = code.length > 0 && standsIn(tree, code);
            if (stands) standing++;
            if (finding.state !== 'fixed') continue;
            fixed++;
            expect({ code, stands, word, edits }).toMatchObject({ stands: false });
          }
        }
      }),
      { numRuns: 25, seed: 11 },
    );
    expect(fixed).toBeGreaterThan(5);
    expect(standing).toBeGreaterThan(20);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
