/** Each kind of change once, over the same findings: how many are seen to be the same afterwards. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as changes from './changes.ts';
import { commits, heirsOf, originsOf, repositoryRoot, sourcesOf } from './history.ts';
import { type Finding, HALVES, inOtherWords, lint } from './lint.ts';
import { type Reviewed, type Tally, count, review } from './measure.ts';

export interface Measured {
  kind: string;
  tally: Tally;
}

/** Findings that each kind of change is measured with. */
const FINDINGS = 200;
/** Numbers of commits: the one that is reviewed first, and later ones that are reviewed after it. */
const FIRST = 25;
const LATER = [30, 45, 85];
const STEPS = 20;

/** Null where the history is not all here. */
export async function measureKinds(folder: string, signal: AbortSignal): Promise<Measured[] | null> {
  const history = commits();
  if (history.length <= LATER.at(-1)!) return null;
  const { files, findings } = await choose(history[FIRST]!);
  const measured: Measured[] = [];
  for (const [kind, change] of Object.entries(SYNTHETIC)) {
    measured.push({ kind, tally: await afterChange(join(folder, 'repo'), { files, findings }, change, signal) });
  }
  const half = (wanted: number) =>
    findings.filter(({ rule }) => HALVES.some((one) => one.rule === rule && one.half === wanted));
  measured.push({
    kind: 'other findings in the same code, and none of those known',
    tally: await othersInPlace(join(folder, 'repo'), files, [half(0), half(1)], signal),
  });
  for (const later of LATER) {
    const tally = await afterCommits(findings, [history[FIRST]!, history[later]!], signal);
    measured.push({ kind: `${later - FIRST} real commits at once`, tally });
  }
  const chain = history.slice(FIRST, FIRST + STEPS + 1);
  measured.push({ kind: `${STEPS} real commits, a run for each`, tally: await afterCommits(findings, chain, signal) });
  return measured;
}

interface Chosen {
  files: Map<string, string>;
  findings: Finding[];
}

/** Whole files, until there are findings enough: what is known of a file is all there is. */
async function choose(commit: string): Promise<Chosen> {
  const chosen: Chosen = { files: new Map(), findings: [] };
  for (const [path, text] of await sourcesOf(commit)) {
    const found = await lint(new Map([[path, text]]));
    if (found.length === 0) continue;
    chosen.files.set(path, text);
    chosen.findings.push(...found);
    if (chosen.findings.length >= FINDINGS) break;
  }
  return chosen;
}

// --------------------------------------------------------------------------------------------------------- synthetic

interface Change {
  code: (files: ReadonlyMap<string, string>) => changes.Changed;
  words?: (finding: Finding) => string;
  /** Only findings whose file is another one are counted. */
  onlyMoved?: boolean;
}

const SYNTHETIC: Record<string, Change> = {
  'nothing changed': { code: changes.unchanged },
  'lines inserted above': { code: changes.linesInserted },
  'files renamed': { code: changes.filesRenamed },
  'functions moved to another file, in another order': { code: changes.functionsMoved, onlyMoved: true },
  'indented anew, with tabs': { code: changes.indentedAnew },
  'said in other words': { code: changes.unchanged, words: inOtherWords },
  'lines inserted, files renamed, other words': { code: changes.renamedAndInserted, words: inOtherWords },
  'functions moved, other words': { code: changes.functionsMoved, words: inOtherWords, onlyMoved: true },
  'every line edited': { code: changes.everyLineEdited },
};

async function afterChange(
  cwd: string,
  { files, findings }: Chosen,
  { code, words = ({ title }) => title, onlyMoved = false }: Change,
  signal: AbortSignal,
): Promise<Tally> {
  const changed = code(files);
  const repository = makeRepository(cwd);
  const first = await review(null, { cwd, head: repository.commit(files) }, findings, signal);
  const found = await lint(changed.files);
  const said = found.map((finding) => ({ ...finding, title: words(finding) }));
  const second = await review(first.state, { cwd, head: repository.commit(changed.files) }, said, signal);
  const sameAs = found.map(({ rule, path, line, title }) => {
    const origin = changed.originOf(path, line);
    return origin === null ? null : indexOf(findings, { rule, title, ...origin });
  });
  const counted = found.flatMap(({ path }, index) => (onlyMoved && files.has(path) ? [] : [index]));
  return count(
    { findings, ids: first.ids },
    { findings: counted.map((n) => found[n]!), ids: counted.map((n) => second.ids[n]!) },
    counted.map((n) => sameAs[n]!),
  );
}

/** Of two reviewers who look for different things, each is first once. None of what the other finds is the same. */
async function othersInPlace(
  cwd: string,
  files: ReadonlyMap<string, string>,
  [one, other]: readonly Finding[][],
  signal: AbortSignal,
): Promise<Tally> {
  const tallies: Tally[] = [];
  for (const [before, after] of [
    [one!, other!],
    [other!, one!],
  ] as const) {
    const repository = makeRepository(cwd);
    const first = await review(null, { cwd, head: repository.commit(files) }, before, signal);
    const edited = new Map([...files, ['other.ts', '// new\n']]);
    const second = await review(first.state, { cwd, head: repository.commit(edited) }, after, signal);
    tallies.push(
      count(
        { findings: before, ids: first.ids },
        { findings: after, ids: second.ids },
        after.map(() => null),
      ),
    );
  }
  const sum = (key: keyof Tally) => tallies.reduce((total, tally) => total + tally[key], 0);
  return { same: 0, kept: 0, lost: 0, mistaken: sum('mistaken'), unsure: sum('unsure'), found: sum('found') };
}

function makeRepository(cwd: string): { commit(files: ReadonlyMap<string, string>): string } {
  rmSync(cwd, { recursive: true, force: true });
  mkdirSync(cwd, { recursive: true });
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=B', '-c', 'user.email=b@example.invalid', ...args], {
      cwd,
      encoding: 'utf8',
    });
  git('init', '-q', '-b', 'main');
  return {
    commit(files) {
      git('rm', '-r', '-q', '--ignore-unmatch', '.');
      for (const [path, text] of files) {
        mkdirSync(dirname(join(cwd, path)), { recursive: true });
        writeFileSync(join(cwd, path), text);
      }
      git('add', '-A');
      git('commit', '-q', '--allow-empty', '-m', 'Change');
      return git('rev-parse', 'HEAD').trim();
    },
  };
}

// -------------------------------------------------------------------------------------------------------------- real

/** Reviews each commit after the one before, and compares the last one with the first one. */
async function afterCommits(
  findings: readonly Finding[],
  chain: readonly string[],
  signal: AbortSignal,
): Promise<Tally> {
  const cwd = repositoryRoot;
  const [from = '', ...later] = chain;
  const first = await review(null, { cwd, head: from }, findings, signal);
  const paths = new Set(findings.map(({ path }) => path));
  let last: { reviewed: Reviewed; found: Finding[] } = { reviewed: first, found: [...findings] };
  for (const head of later) {
    const found = await lint(await sourcesOf(head, heirsOf(paths, from, head)));
    last = { reviewed: await review(last.reviewed.state, { cwd, head }, found, signal), found };
  }
  const to = later.at(-1)!;
  const origins = new Map(
    [...new Set(last.found.map(({ path }) => path))].map((path) => [path, originsOf(path, from, to)]),
  );
  const sameAs = last.found.map(({ rule, path, line, title }) => {
    const origin = origins.get(path)?.[line] ?? null;
    return origin === null ? null : indexOf(findings, { rule, title, ...origin });
  });
  return count({ findings, ids: first.ids }, { findings: last.found, ids: last.reviewed.ids }, sameAs);
}

/** Two findings of one rule on one line differ by their messages. */
function indexOf(
  findings: readonly Finding[],
  wanted: { rule: string; path: string; line: number; title: string },
): number | null {
  const there = findings.flatMap((finding, index) => {
    const { rule, path, line } = finding;
    return rule === wanted.rule && path === wanted.path && line === wanted.line ? [index] : [];
  });
  return there.find((index) => findings[index]?.title === wanted.title) ?? (there.length === 1 ? there[0]! : null);
}
