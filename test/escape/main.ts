/**
 * `npm run test:escape`: tries every row of docs/security.md, as root also as an ordinary user, and prints the table.
 * Exits with 1 where one got through. With `--row N` it tries that one alone; with `--markdown` it prints the table of docs/security.md and tries nothing.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { temporalProgram } from './person.ts';
import type { EscapeRow, Outcome } from './row.ts';
import { loadRows, runRow } from './run-rows.ts';
import { toMarkdownTable } from './table.ts';

const ORDINARY_USER = 'bobbin-escape';

const only = process.argv.includes('--row') ? Number(process.argv[process.argv.indexOf('--row') + 1]) : undefined;
const rows = (await loadRows()).filter(({ row }) => only === undefined || row === only);
if (process.argv.includes('--markdown')) process.stdout.write(toMarkdownTable(rows));
else
  process.exitCode =
    (await tryAll(rows)) + (isRoot() && !process.argv.includes('--here') ? await tryAsOrdinaryUser() : 0) > 0 ? 1 : 0;

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** The number of rows that got through. */
async function tryAll(all: readonly EscapeRow[]): Promise<number> {
  process.stdout.write(`As ${userInfo().username}:\n`);
  let broken = 0;
  for (const row of all) {
    const outcome = await runRow(row);
    if (outcome.type === 'broken') broken += 1;
    process.stdout.write(`${toLine(row, outcome)}\n`);
  }
  process.stdout.write(`${all.length - broken} held or not tried, ${broken} broken\n`);
  return broken;
}

function toLine({ row, tried }: EscapeRow, outcome: Outcome): string {
  const words = { held: 'held', broken: 'BROKEN', notTried: 'not tried' };
  const more = outcome.type === 'broken' ? `: ${outcome.what}` : outcome.type === 'notTried' ? `: ${outcome.why}` : '';
  return `${String(row).padStart(3)}  ${words[outcome.type].padEnd(9)}  ${tried}${more}`;
}

/** A copy of the service's program that the ordinary user can run, where there is one. */
async function ownTemporal(home: string): Promise<Record<string, string>> {
  const found = await temporalProgram();
  if (found === null) return {};
  const copy = join(home, 'temporal');
  copyFileSync(found, copy);
  chmodSync(copy, 0o755);
  return { BOBBIN_TEMPORAL: copy };
}

/** The same program, as a user who owns nothing but an empty home folder. */
async function tryAsOrdinaryUser(): Promise<number> {
  spawnSync('useradd', ['--system', '--no-create-home', ORDINARY_USER], { stdio: 'ignore' });
  const ids = ['-u', '-g'].map((flag) => Number(spawnSync('id', [flag, ORDINARY_USER], { encoding: 'utf8' }).stdout));
  const [uid, gid] = ids;
  if (!uid || !gid) {
    process.stdout.write(`An ordinary user could not be made (useradd ${ORDINARY_USER}); run this as one.\n`);
    return 1;
  }
  // A sandbox has another temporary folder, but sees homes as they are.
  const home = mkdtempSync('/home/bobbin-escape-');
  const temporary = mkdtempSync(join(tmpdir(), 'bobbin-escape-'));
  try {
    for (const folder of [home, temporary]) {
      spawnSync('chown', [`${uid}:${gid}`, folder]);
      chmodSync(folder, 0o700);
    }
    const { PATH = '', LANG = 'C.UTF-8' } = process.env;
    const env = { PATH, LANG, HOME: home, TMPDIR: temporary, USER: ORDINARY_USER, ...(await ownTemporal(home)) };
    const ran = spawnSync(
      process.execPath,
      [import.meta.filename, '--here', ...(only === undefined ? [] : ['--row', String(only)])],
      {
        uid,
        gid,
        env,
        cwd: home,
        stdio: 'inherit',
      },
    );
    return ran.status === 0 ? 0 : 1;
  } finally {
    for (const folder of [home, temporary]) rmSync(folder, { recursive: true, force: true });
  }
}
