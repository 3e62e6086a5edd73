import { createHash } from 'node:crypto';
import { chmodSync, cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writeFormerRule } from '../../../test/parts/former-rules.ts';
import { markTakenOver, readFormerRules } from './former-rules.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rules-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const folderOf = (repository: string) =>
  join(directory, createHash('sha256').update(repository).digest('hex').slice(0, 32));

const write = (repository: string, command: string) => writeFormerRule(directory, repository, command);

it('rules of files are read by repository, once: a file that was taken over is no rule any more', async () => {
  const [one, two, other] = [write('/one/.git', 'make'), write('/one/.git', 'make all'), write('/other', 'ls')];
  const read = await readFormerRules(directory);
  expect(read.broken).toEqual([]);
  const byRepository = new Map(read.found.map((former) => [former.repository, former]));
  expect(byRepository.get('/one/.git')?.rules).toEqual(expect.arrayContaining([one.rule, two.rule]));
  expect(byRepository.get('/other')?.rules).toEqual([other.rule]);
  const text = readFileSync(other.path, 'utf8');
  for (const former of read.found) await markTakenOver(former);
  // Another worker was faster, or this one was ended before.
  for (const former of read.found) await markTakenOver(former);
  expect(await readFormerRules(directory)).toEqual({ found: [], broken: [] });
  expect(readdirSync(folderOf('/other'))).toEqual([`${other.rule.ruleId}.json.taken-over`]);
  expect(readFileSync(`${other.path}.taken-over`, 'utf8')).toBe(text);
});

it('a file that was torn, changed, or moved from another repository is named, and the others are read', async () => {
  const { path } = write('/one', 'make');
  const { rule } = write('/one', 'fine');
  const moved = write('/other', 'ls');
  cpSync(moved.path, join(folderOf('/one'), `${moved.rule.ruleId}.json`));
  rmSync(moved.path);
  const text = readFileSync(path, 'utf8');
  for (const broken of [text.slice(0, -9), text.replace('"make"', '"rm -r ."'), '', '{}', 'null']) {
    writeFileSync(path, broken);
    const read = await readFormerRules(directory);
    expect(read.found).toMatchObject([{ repository: '/one', rules: [rule] }]);
    expect(read.broken.map((one) => one.path).sort()).toEqual(
      [path, join(folderOf('/one'), `${moved.rule.ruleId}.json`)].sort(),
    );
    expect(readFileSync(path, 'utf8')).toBe(broken);
  }
});

it('there is nothing to read in a folder that is not there, and a file in its place is an error', async () => {
  expect(await readFormerRules(join(directory, 'gone'))).toEqual({ found: [], broken: [] });
  writeFileSync(join(directory, 'file'), '');
  await expect(readFormerRules(join(directory, 'file'))).rejects.toMatchObject({ code: 'ENOTDIR' });
});

it.runIf(process.getuid?.() !== 0)('a folder that may not be read is no empty one', async () => {
  write('/one', 'make');
  chmodSync(folderOf('/one'), 0);
  await expect(readFormerRules(directory)).rejects.toMatchObject({ code: 'EACCES' });
  chmodSync(folderOf('/one'), 0o700);
});
