/**
 * For tests: a process that is killed right before it replaces a file, when the new content is next to it and complete.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Loaded first: it replaces `rename` of `node:fs/promises` for all later modules. */
const PRELOAD = `
  import promises from 'node:fs/promises';
  import { syncBuiltinESMExports } from 'node:module';
  const { rename } = promises;
  promises.rename = async (from, to) => {
    if (String(to).endsWith('/' + process.env.KILLED_AT)) {
      process.kill(process.pid, 'SIGKILL');
      await new Promise(() => {});
    }
    return rename(from, to);
  };
  syncBuiltinESMExports();
`;

/**
 * Runs a module until it is about to replace a file.
 * @param name of that file, without its folder.
 * @param source of the module.
 * @returns the signal that ended the process.
 */
export function runUntilRename(name: string, source: string): NodeJS.Signals | null {
  const folder = mkdtempSync(join(tmpdir(), 'bobbin-killed-'));
  try {
    writeFileSync(join(folder, 'preload.mjs'), PRELOAD);
    writeFileSync(join(folder, 'main.mjs'), source);
    const args = ['--import', join(folder, 'preload.mjs'), join(folder, 'main.mjs')];
    const { signal, stderr } = spawnSync(process.execPath, args, {
      env: { ...process.env, KILLED_AT: name },
      encoding: 'utf8',
      timeout: 60_000,
    });
    if (signal === null) throw new Error(`It was not killed: ${stderr}`);
    return signal;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
