/** Random patches on random files: a patch has exactly the effects that it reports. */
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parsePatch, type FilePatch, type PatchHunk } from './patch-grammar.ts';
import { createPatcher } from './patcher.ts';

// ------------------------------------------------------------------------------------------------- files and patches

interface Line {
  text: string;
  end: string;
}

interface RandomFile {
  lines: Line[];
  mode: number;
}

/** By name. A string is a symbolic link to the file of that name. */
type Tree = Record<string, RandomFile | string>;

const RUNS = 150;

const NAMES = ['a', 'b', 'c', 'folder/d'];
const MISSING = ['new', 'folder/new', 'deep/er/new'];

/** Few different lines, so that they repeat. */
const text = fc.constantFrom('x', 'y', 'z', '', '  x', 'def x:', '}');

const file: fc.Arbitrary<RandomFile> = fc
  .record({
    texts: fc.array(text, { maxLength: 7 }),
    ends: fc.constantFrom(['\n'], ['\r\n'], ['\n', '\r\n', '\n']),
    closed: fc.boolean(),
    mode: fc.constantFrom(0o644, 0o755, 0o600, 0o444),
  })
  .map(({ texts, ends, closed, mode }) => ({
    mode,
    lines: texts.map((line, index) => {
      const isOpenEnd = !closed && index === texts.length - 1 && line !== '';
      return { text: line, end: isOpenEnd ? '' : (ends[index % ends.length] ?? '\n') };
    }),
  }));

const tree: fc.Arbitrary<Tree> = fc
  .record({ files: fc.tuple(file, file, file, file), linkTo: fc.constantFrom(...NAMES) })
  .map(({ files, linkTo }) => ({ ...Object.fromEntries(NAMES.map((name, at) => [name, files[at]!])), link: linkTo }));

/** Most hunks fit a file of the tree, some fit by chance or not at all. */
const hunk = (lines: Line[]): fc.Arbitrary<string[]> =>
  fc
    .record({
      start: fc.nat(lines.length),
      fates: fc.array(fc.constantFrom('keep', 'keep', 'drop', 'add'), { minLength: 1, maxLength: 5 }),
      added: fc.array(text, { minLength: 5, maxLength: 5 }),
      header: fc.option(text, { freq: 3 }),
      atEnd: fc.boolean(),
    })
    .map(({ start, fates, added, header, atEnd }) => {
      let next = start;
      const body = fates.map((fate, index) => {
        if (fate === 'add') return `+${added[index]!}`;
        next += 1;
        return `${fate === 'keep' ? ' ' : '-'}${lines[next - 1]?.text ?? added[index]!}`;
      });
      const ending = atEnd && next === lines.length ? ['*** End of File'] : [];
      return [header === null || header === '' ? '@@' : `@@ ${header}`, ...body, ...ending];
    });

const section = (all: Tree): fc.Arbitrary<string[]> =>
  fc
    .record({ name: fc.constantFrom(...NAMES, 'link', 'new'), other: fc.constantFrom(...MISSING, 'a', 'link') })
    .chain(({ name, other }) => {
      const led = typeof all[name] === 'string' ? all[all[name]] : all[name];
      const lines = typeof led === 'object' ? led.lines : [];
      const hunks = fc.array(hunk(lines), { minLength: 1, maxLength: 2 }).map((some) => some.flat());
      const whole = (...lines: string[]): fc.Arbitrary<string[]> => fc.constant(lines);
      return fc.oneof(
        { weight: 5, arbitrary: hunks.map((some) => [`*** Update File: ${name}`, ...some]) },
        { weight: 2, arbitrary: hunks.map((some) => [`*** Update File: ${name}`, `*** Move to: ${other}`, ...some]) },
        { weight: 1, arbitrary: whole(`*** Update File: ${name}`, `*** Move to: ${other}`) },
        { weight: 1, arbitrary: whole(`*** Delete File: ${name}`) },
        {
          weight: 2,
          arbitrary: fc.array(text).map((some) => [`*** Add File: ${other}`, ...some.map((one) => `+${one}`)]),
        },
      );
    });

const cases = tree.chain((files) =>
  fc.record({
    files: fc.constant(files),
    patch: fc
      .array(section(files), { minLength: 1, maxLength: 3 })
      .map((sections) => ['*** Begin Patch', ...sections.flat(), '*** End Patch'].join('\n')),
  }),
);

// ---------------------------------------------------------------------------------------------------------- the disk

function plant(root: string, files: Tree): void {
  mkdirSync(join(root, 'folder'));
  for (const [name, what] of Object.entries(files)) {
    if (typeof what === 'string') symlinkSync(what, join(root, name));
    else {
      writeFileSync(join(root, name), toText(what.lines));
      chmodSync(join(root, name), what.mode);
    }
  }
}

const toText = (lines: Line[]): string => lines.map((line) => line.text + line.end).join('');

/** By name: the mode and the bytes, or the target of a link. */
function look(root: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    const stats = lstatSync(join(root, name));
    if (stats.isSymbolicLink()) found[name] = `-> ${readlinkSync(join(root, name))}`;
    else if (stats.isFile())
      found[name] = `${(stats.mode & 0o777).toString(8)} ${readFileSync(join(root, name), 'latin1')}`;
  }
  return found;
}

async function inTree(files: Tree, body: (root: string) => Promise<void>): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'effects-'));
  try {
    plant(root, files);
    await body(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function apply(root: string, patch: string, retried: boolean) {
  const sandbox = { mode: 'workspace-write' as const, writableRoots: [], networkAccess: false };
  try {
    return await createPatcher().apply(patch, { cwd: root, sandbox, retried }, new AbortController().signal);
  } catch (error) {
    if ((error as { code?: string }).code === 'patchDoesNotApply') return undefined;
    throw error;
  }
}

// -------------------------------------------------------------------------------------------------------- the oracle

/** Whether `after` is `before` with each hunk done once, in order, at a place it names, and every other line kept. */
function isEffect(before: Line[], after: Line[], hunks: PatchHunk[]): boolean {
  let readings: PatchHunk[][] = [[]];
  for (const one of hunks) readings = readings.flatMap((some) => readingsOf(one).map((reading) => [...some, reading]));
  return readings.some((some) => {
    const added = some.filter(isAppended).flatMap((one) => one.lines.map((line) => line.text));
    const others = some.filter((one) => !isAppended(one));
    return isDone({ before, after, hunks: others, added }, 0, 0, 0, []);
  });
}

/** A kept empty last line may stand for the end of the file. */
function readingsOf(one: PatchHunk): PatchHunk[] {
  const last = one.lines.at(-1);
  const mayBeShorter = one.lines.length > 1 && last?.kind === 'kept' && last.text === '';
  return mayBeShorter ? [one, { ...one, lines: one.lines.slice(0, -1) }] : [one];
}

const isAppended = (one: PatchHunk): boolean =>
  one.lines.every((line) => line.kind === 'added') && (one.context.length === 0 || one.endOfFile);

interface Effect {
  before: Line[];
  after: Line[];
  hunks: PatchHunk[];
  /** Lines for the end of the file. */
  added: string[];
}

/** @param seen texts of the lines since the last hunk, which must include the headers of the next one. */
function isDone(effect: Effect, i: number, j: number, h: number, seen: string[]): boolean {
  const { before, after, hunks, added } = effect;
  const next = hunks[h];
  if (next !== undefined && hasHeaders(next, seen) && isHunkDone(effect, i, j, h, next)) return true;
  if (next === undefined && i >= before.length - 1 && added.length > 0) {
    const atLast = i === before.length || before[i]?.text === '';
    const here = added.every((one, index) => after[j + index]?.text === one);
    if (atLast && here && isDone({ ...effect, added: [] }, i, j + added.length, h, seen)) return true;
  }
  if (i === before.length) return next === undefined && added.length === 0 && j === after.length;
  return isKept(effect, i, j) && isDone(effect, i + 1, j + 1, h, [...seen, before[i]!.text]);
}

/** A last line without an end gets one when it is no longer the last. */
function isKept({ before, after }: Effect, i: number, j: number): boolean {
  const [old, now] = [before[i], after[j]];
  if (old === undefined || now === undefined || old.text !== now.text) return false;
  return old.end === now.end || (old.end === '' && j < after.length - 1);
}

function hasHeaders({ context, lines }: PatchHunk, seen: string[]): boolean {
  let from = 0;
  for (const header of context) {
    const at = seen.findIndex((one, index) => index >= from && one.trim() === header.trim());
    if (at === -1) return false;
    from = at + 1;
  }
  const last = context.at(-1);
  return last === undefined || lines.some(({ kind }) => kind !== 'added') || seen.at(-1)?.trim() === last.trim();
}

function isHunkDone(effect: Effect, i: number, j: number, h: number, { lines, endOfFile }: PatchHunk): boolean {
  const { before, after } = effect;
  for (const line of lines) {
    if (line.kind === 'added') {
      if (after[j]?.text !== line.text || after[j]?.end === '') return false;
      j += 1;
    } else {
      if (before[i]?.text.trim() !== line.text.trim()) return false;
      if (line.kind === 'kept' && !isKept(effect, i, j)) return false;
      if (line.kind === 'kept') j += 1;
      i += 1;
    }
  }
  return (!endOfFile || i === before.length) && isDone(effect, i, j, h + 1, []);
}

function splitLines(content: string): Line[] {
  return (content.match(/[^\n]*\n|[^\n]+$/g) ?? []).map((line) => {
    const end = /\r?\n$/.exec(line)?.[0] ?? '';
    return { text: line.slice(0, line.length - end.length), end };
  });
}

/** The allowed effect of one part of a patch on the files; undefined if it had another one. */
function expectEffect(part: FilePatch, before: Record<string, string>, after: Record<string, string>): string[] {
  const led = (name: string): string => (before[name]?.startsWith('-> ') ? before[name].slice(3) : name);
  const isEdited = (from: string, to: string, hunks: PatchHunk[]): void => {
    const [old, now] = [before[from]!, after[to]!];
    expect(now.slice(0, 3)).toBe(old.slice(0, 3));
    expect(isEffect(splitLines(old.slice(4)), splitLines(now.slice(4)), hunks)).toBe(true);
  };
  switch (part.type) {
    case 'add':
      expect(before).not.toHaveProperty([part.path]);
      expect(after[part.path]).toBe(`644 ${part.lines.map((line) => `${line}\n`).join('')}`);
      return [part.path];
    case 'delete':
      expect(before).toHaveProperty([part.path]);
      expect(after).not.toHaveProperty([part.path]);
      return [part.path];
    case 'update': {
      const { path, movePath, hunks } = part;
      if (movePath === undefined) {
        isEdited(led(path), led(path), hunks);
        return [led(path)];
      }
      expect(before).not.toHaveProperty([movePath]);
      expect(after).not.toHaveProperty([path]);
      if (led(path) === path) isEdited(path, movePath, hunks);
      else {
        expect(join(movePath, '..', after[movePath]!.slice(3))).toBe(led(path));
        if (hunks.length > 0) isEdited(led(path), led(path), hunks);
      }
      return [path, movePath, ...(hunks.length > 0 ? [led(path)] : [])];
    }
  }
}

function filesOf(part: FilePatch): string[] {
  return part.type === 'update' && part.movePath !== undefined ? [part.path, part.movePath] : [part.path];
}

// ---------------------------------------------------------------------------------------------------- the properties

it('a patch that is applied has exactly the effect of its parts, and one that is refused has none', async () => {
  let applied = 0;
  await fc.assert(
    fc.asyncProperty(cases, async ({ files, patch }) => {
      const parsed = parsePatch(patch);
      if (!parsed.ok) return;
      const touched = parsed.files.flatMap((part) => [...filesOf(part), 'link']);
      const linked = typeof files['link'] === 'string' ? files['link'] : '';
      const named = parsed.files.flatMap(filesOf).map((name) => (name === 'link' ? linked : name));
      fc.pre(new Set(named).size === named.length && touched.length > 0);
      await inTree(files, async (root) => {
        const before = look(root);
        const result = await apply(root, patch, false);
        const after = look(root);
        if (result === undefined) {
          expect(after).toEqual(before);
          return;
        }
        applied += 1;
        const changed = new Set(parsed.files.flatMap((part) => expectEffect(part, before, after)));
        for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
          if (!changed.has(name)) expect([name, after[name]]).toEqual([name, before[name]]);
        }
        const same = result.changes.every((change) => change.unchanged);
        expect(same).toBe(JSON.stringify(before) === JSON.stringify(after));
      });
    }),
    { numRuns: RUNS },
  );
  expect(applied).toBeGreaterThan(RUNS / 25);
});

it('a patch that was applied by a lost try changes nothing when it is tried again', async () => {
  await fc.assert(
    fc.asyncProperty(cases, async ({ files, patch }) => {
      fc.pre(parsePatch(patch).ok);
      await inTree(files, async (root) => {
        if ((await apply(root, patch, false)) === undefined) return;
        const after = look(root);
        await apply(root, patch, true);
        expect(look(root)).toEqual(after);
      });
    }),
    { numRuns: RUNS },
  );
});
