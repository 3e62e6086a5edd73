/**
 * How the person started this command, so that the commands that it prints can be pasted, and which folder the person
 * is in, which npm hides.
 */
import { accessSync, constants, realpathSync } from 'node:fs';
import { basename, delimiter, dirname, isAbsolute, join, relative } from 'node:path';
import { isInside } from '../../folders/folders.ts';
import { PACKAGE_ROOT } from '../../folders/program-files.ts';
import { shellWord } from './text/shell-word.ts';

type Environment = Record<string, string | undefined>;

export interface Started {
  /** Of `process`: Node, the program, its arguments. */
  argv: readonly string[];
  env: Environment;
  cwd: string;
}

/** The scripts of package.json that run this command. */
const SCRIPTS = ['bobbin', 'start'];

/** The folder that the person is in, if npm runs a script of ours: npm changes to the folder of the package. */
export function folderBehindNpm(env: Environment): string | undefined {
  return isOurScript(env) ? env['INIT_CWD'] : undefined;
}

function isOurScript(env: Environment): boolean {
  const { npm_lifecycle_event: script = '', npm_package_json: file = '' } = env;
  return SCRIPTS.includes(script) && isAbsolute(file) && isInside(PACKAGE_ROOT, dirname(file));
}

/** A command of ours for the person to paste, for the same stack. @param words as for a shell */
export function asStarted(words: string, started: Started = current()): string {
  return [programOf(started), words, ...dataFolderOf(started.argv)].join(' ');
}

function current(): Started {
  return { argv: process.argv, env: process.env, cwd: process.cwd() };
}

function programOf({ argv, env, cwd }: Started): string {
  if (isOurScript(env)) {
    const root = dirname(env['npm_package_json'] ?? '');
    const from = isInside(env['INIT_CWD'] ?? cwd, root) ? '' : ` --prefix ${shellWord(root)}`;
    return `npm${from} run --silent bobbin --`;
  }
  const program = argv[1] ?? '';
  if (onPath(env).some((path) => isSame(path, program))) return env['npm_command'] === 'exec' ? 'npx bobbin' : 'bobbin';
  const way = relative(cwd, program);
  return `node ${shellWord(way.startsWith('..') || way === '' ? program : way)}`;
}

function onPath(env: Environment): string[] {
  return (env['PATH'] ?? '').split(delimiter).flatMap((folder) => {
    const path = join(folder, 'bobbin');
    return folder !== '' && isExecutable(path) ? [path] : [];
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function isSame(one: string, other: string): boolean {
  if (basename(other) === '') return false;
  try {
    return realpathSync(one) === realpathSync(other);
  } catch {
    return false;
  }
}

const DATA_FOLDER = '--data-dir';

/** The folder that was named, since it decides which stack a command uses. */
function dataFolderOf(argv: readonly string[]): string[] {
  const at = argv.findIndex((one) => one === DATA_FOLDER || one.startsWith(`${DATA_FOLDER}=`));
  const folder =
    argv[at]?.startsWith(`${DATA_FOLDER}=`) === true ? argv[at].slice(DATA_FOLDER.length + 1) : argv[at + 1];
  return at === -1 || folder === undefined ? [] : [DATA_FOLDER, shellWord(folder)];
}
