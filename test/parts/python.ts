/** For tests: a Python with the packages of a list, kept in the user's cache between runs. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheDirectory } from '../../src/folders/folders.ts';

const run = promisify(execFile);
/** The Temporal SDK of the example. */
const REQUIREMENTS = join(import.meta.dirname, '../../examples/05-python/requirements.txt');

/** Path of the interpreter, or why there is none. */
export type PreparedPython = { python: string } | { missing: string };

export async function preparePython(list = REQUIREMENTS, timeoutMs = 300_000): Promise<PreparedPython> {
  const requirements = readFileSync(list, 'utf8');
  const key = createHash('sha256').update(requirements).digest('hex').slice(0, 12);
  const folder = join(cacheDirectory(process.env), `python-example-${key}`);
  const python = join(folder, 'bin/python');
  if (existsSync(python)) return { python };
  const scratch = `${folder}.${process.pid}`;
  try {
    mkdirSync(cacheDirectory(process.env), { recursive: true });
    await run('python3', ['-m', 'venv', scratch]);
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--requirement', list];
    await run(join(scratch, 'bin/python'), pip, { timeout: timeoutMs });
    // Whole or not there at all: a folder that another run made meanwhile serves as well.
    if (!existsSync(folder)) renameSync(scratch, folder);
    return { python };
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    return { missing: (stderr?.trim() || message).split('\n').at(-1) ?? '' };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
