/** A copy of the sources with files added and lines inserted, as a page of the documentation says, to be compiled or served. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type WorkerChild, startWorkerChild } from '../kill/worker-child.ts';
import { type TestEnvironment, openEnvironment } from '../environment.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A line that is put in front of another one, which must be there once. */
export type Insertion = [file: string, before: string, line: string];

export interface ChangedCopy {
  environment: TestEnvironment;
  close(): Promise<void>;
}

/** Returns its path. */
export function makeChangedCopy(files: Record<string, string>, lines: Insertion[]): string {
  const copy = mkdtempSync(join(tmpdir(), 'bobbin-copy-'));
  for (const part of ['activities', 'src', 'workflows', 'package.json', 'tsconfig.json'])
    cpSync(join(ROOT, part), join(copy, part), { recursive: true, filter: (path) => !path.endsWith('.test.ts') });
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  for (const [file, text] of Object.entries(files)) writeFileSync(join(copy, file), text, { flag: 'wx' });
  for (const [file, before, line] of lines) insert(join(copy, file), before, line);
  execFileSync(process.execPath, [join(copy, 'src/contract/generate-wire.ts')]);
  return copy;
}

/** A worker of such a copy. */
export async function openChangedCopy(files: Record<string, string>, lines: Insertion[]): Promise<ChangedCopy> {
  const copy = makeChangedCopy(files, lines);
  const environment = await openEnvironment({ worker: false });
  const worker: WorkerChild = await startWorkerChild(
    environment.env,
    join(copy, 'worker.log'),
    join(copy, 'src/worker/main.ts'),
  );
  return {
    environment,
    close: async () => {
      await worker.kill();
      await environment.close();
      rmSync(copy, { recursive: true, force: true });
    },
  };
}

function insert(path: string, before: string, line: string): void {
  const parts = readFileSync(path, 'utf8').split(before);
  if (parts.length !== 2) throw new Error(`${path} has ${before} ${parts.length - 1} times`);
  writeFileSync(path, parts.join(`${line}\n${before}`));
}

/** Errors of the compiler, if any. */
export function compile(copy: string): { stdout: string; status: number | null } {
  const include = ['workflows', 'activities', 'src'];
  const config = { extends: './tsconfig.json', compilerOptions: { noEmit: true, incremental: false }, include };
  writeFileSync(join(copy, 'tsconfig.copy.json'), JSON.stringify(config));
  const tsc = join(ROOT, 'node_modules/typescript-7/bin/tsc');
  const { stdout, status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.copy.json'], {
    cwd: copy,
    encoding: 'utf8',
  });
  return { stdout, status };
}
