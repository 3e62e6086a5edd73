/** Many small repositories, each with one commit of its own, and what happens to some of them between two passes. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';

export interface SmallRepository {
  cwd: string;
  /** Commit that is checked out. */
  head: string;
}

/** What a review of one of them has to look at, and so many things to find. */
export const CONTENTS = { files: 5, lines: 40, findings: 2 };
/** What one commit adds between two passes, and so many things to find in it. */
export const CHANGE = { lines: 10, findings: 1 };

/** @param folder is made; repositories lie in it by their numbers. */
export async function makeRepositories(folder: string, count: number, signal: AbortSignal): Promise<SmallRepository[]> {
  const model = join(folder, 'model');
  makeModel(model);
  const made: SmallRepository[] = [];
  for (let number = 0; number < count; number++) {
    signal.throwIfAborted();
    const cwd = join(folder, String(number));
    cpSync(model, cwd, { recursive: true });
    // The message makes its commit another one than those of the others.
    made.push({ cwd, head: commit(cwd, `Repository ${number}`) });
    await breathe();
  }
  return made;
}

/** One commit on top, in a separate file. */
export function changeRepository({ cwd }: SmallRepository): SmallRepository {
  writeFileSync(join(cwd, 'later.ts'), `${codeLines(CHANGE.lines - CHANGE.findings)}// FIXME: later\n`);
  git(cwd, 'add', 'later.ts');
  return { cwd, head: commit(cwd, 'Change') };
}

function makeModel(cwd: string): void {
  mkdirSync(cwd, { recursive: true });
  for (let file = 0; file < CONTENTS.files; file++) {
    const mark = file < CONTENTS.findings ? `// TODO: part ${file}\n` : 'export const last = 0;\n';
    writeFileSync(join(cwd, `file-${file}.ts`), `${codeLines(CONTENTS.lines - 1)}${mark}`);
  }
  git(cwd, 'init', '-q', '-b', 'main', '--template=');
  git(cwd, 'add', '-A');
}

const codeLines = (count: number) =>
  Array.from({ length: count }, (_, line) => `export const value${line} = ${line};\n`).join('');

function commit(cwd: string, message: string): string {
  git(cwd, 'commit', '-q', '-m', message);
  return git(cwd, 'rev-parse', 'HEAD').trim();
}

function git(cwd: string, ...args: string[]): string {
  const who = ['-c', 'user.name=B', '-c', 'user.email=b@example.invalid', '-c', 'gc.auto=0'];
  return execFileSync('git', [...who, ...args], { cwd, encoding: 'utf8' });
}
