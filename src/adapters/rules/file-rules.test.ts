import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ApprovalRule, RuleMatch } from '../../contract/index.ts';
import { createFileRules } from './file-rules.ts';
import { findRulePlace, fromRulePath, toRulePath } from './rule-place.ts';

let root: string;
let directory: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'rules-')));
  directory = join(root, 'data/rules');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function folder(name: string): string {
  const path = join(root, name);
  mkdirSync(path, { recursive: true });
  return path;
}

function git(cwd: string, ...args: string[]): void {
  execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.invalid', ...args], { cwd });
}

function repository(name: string): string {
  const path = folder(name);
  git(path, 'init', '-q');
  git(path, 'commit', '-q', '--allow-empty', '-m', 'Begin');
  return path;
}

function rule(match: RuleMatch, more: Partial<ApprovalRule> = {}): ApprovalRule {
  const given = { ruleId: 'rule_1', scope: 'repository', by: 'person', at: 1, threadId: 't', turnId: 'a' } as const;
  return { ...given, match, decision: 'accept', ...more };
}

const make = (cwd: string, command = 'make'): RuleMatch => ({
  ...{ type: 'commandExecution', command, cwd, sandbox: 'workspace-write' },
});
const changes = (...paths: string[]): RuleMatch => ({ type: 'fileChange', paths, sandbox: 'workspace-write' });

describe('the rules of a repository', () => {
  it('are seen from each of its work trees, by the paths of that one, and from no other repository', async () => {
    const main = repository('main');
    const tree = join(root, 'tree');
    git(main, 'worktree', 'add', '-q', '--detach', tree);
    const other = repository('other');
    const rules = createFileRules({ directory });
    await rules.remember(main, rule(make(join(main, 'sub'))));
    await rules.remember(folder('main/sub'), rule(changes(join(main, 'a'), '/etc/hosts')));
    const elsewhere = createFileRules({ directory });
    expect(await elsewhere.find(tree, make(join(tree, 'sub')))).toMatchObject([{ match: { cwd: join(tree, 'sub') } }]);
    expect(await elsewhere.find(tree, changes(join(tree, 'a')))).toMatchObject([
      { match: { paths: ['/etc/hosts', join(tree, 'a')] } },
    ]);
    expect(await elsewhere.find(tree, make(tree))).toEqual([]);
    expect(await elsewhere.find(other, make(join(other, 'sub')))).toEqual([]);
    const listed = await elsewhere.list(tree);
    expect(listed).toMatchObject({ repository: join(main, '.git') });
    expect(listed.rules.map(({ match }) => match)).toEqual(
      expect.arrayContaining([make('sub'), changes('/etc/hosts', 'a')]),
    );
    expect((await rules.list(other)).rules).toEqual([]);
  });

  it('are one where the same was answered twice, whoever did, and two where it was answered differently', async () => {
    const cwd = repository('main');
    const rules = createFileRules({ directory });
    await Promise.all(
      ['t1', 't2', 't3'].map((threadId, at) =>
        createFileRules({ directory }).remember(cwd, rule(make(cwd), { threadId, at })),
      ),
    );
    await rules.remember(cwd, rule(make(cwd), { decision: 'decline' }));
    expect((await rules.list(cwd)).rules.map(({ decision }) => decision).sort()).toEqual(['accept', 'decline']);
  });

  it('are revoked one by one, once', async () => {
    const cwd = repository('main');
    const rules = createFileRules({ directory });
    await rules.remember(cwd, rule(make(cwd), { at: 1 }));
    await rules.remember(cwd, rule(make(cwd, 'make all'), { at: 2 }));
    const [first, second] = (await rules.list(cwd)).rules;
    expect(await rules.revoke(cwd, first!.ruleId)).toBe(true);
    expect(await rules.revoke(cwd, first!.ruleId)).toBe(false);
    expect(await rules.revoke(cwd, '../../x')).toBe(false);
    expect((await rules.list(cwd)).rules).toEqual([second]);
    expect(await rules.find(cwd, make(cwd))).toEqual([]);
  });

  it('are forgotten, the oldest first, where there are very many', async () => {
    const cwd = repository('main');
    const rules = createFileRules({ directory, kept: 3 });
    for (let at = 0; at < 6; at++) await rules.remember(cwd, rule(make(cwd, `make ${at}`), { at }));
    expect((await rules.list(cwd)).rules.map(({ at }) => at)).toEqual([3, 4, 5]);
  });

  it('are no rules where their file was torn, changed, or moved from another repository', async () => {
    const [cwd, other] = [repository('main'), repository('other')];
    const rules = createFileRules({ directory });
    await rules.remember(cwd, rule(make(cwd)));
    const [of] = readdirSync(directory);
    const [name] = readdirSync(join(directory, of!));
    const path = join(directory, of!, name!);
    const text = readFileSync(path, 'utf8');
    await rules.remember(other, rule(make(other, 'ls')));
    const ofOther = readdirSync(directory).find((one) => one !== of);
    cpSync(path, join(directory, ofOther!, name!));
    expect((await rules.list(other)).rules).toHaveLength(1);
    for (const broken of [text.slice(0, -9), text.replace('"make"', '"rm -r ."'), '', '{}', 'null']) {
      writeFileSync(path, broken);
      expect((await rules.list(cwd)).rules).toEqual([]);
    }
    writeFileSync(path, text);
    expect((await rules.list(cwd)).rules).toHaveLength(1);
  });

  it('say what is wrong where they cannot be read or written', async () => {
    const inTheWay = join(root, 'file');
    writeFileSync(inTheWay, '');
    const rules = createFileRules({ directory: inTheWay });
    const cwd = repository('main');
    const failure = { code: 'rulesUnavailable', message: expect.stringContaining(cwd) as string };
    await expect(rules.remember(cwd, rule(make(cwd)))).rejects.toMatchObject(failure);
    await expect(rules.list(cwd)).rejects.toMatchObject(failure);
    await expect(createFileRules({ directory }).list(join(root, 'gone'))).rejects.toMatchObject({
      code: 'rulesUnavailable',
    });
  });
});

describe('the place of a folder', () => {
  it('is its own where it is in no repository', async () => {
    const cwd = folder('plain');
    expect(await findRulePlace(cwd)).toEqual({ repository: cwd, folder: cwd, prefix: '' });
  });

  it('is its repository from anywhere below the root', async () => {
    const cwd = repository('main');
    const place = { repository: join(cwd, '.git'), folder: cwd, prefix: '' };
    expect(await findRulePlace(folder('main/a/b'))).toEqual(place);
    mkdirSync(join(cwd, 'a/.git'));
    expect(await findRulePlace(join(cwd, 'a/b'))).toEqual(place);
  });

  it('is no other repository, whatever a link or a file named .git says', async () => {
    const trusted = join(repository('trusted'), '.git');
    const tree = join(root, 'tree');
    git(join(root, 'trusted'), 'worktree', 'add', '-q', '--detach', tree);
    const own = readdirSync(join(trusted, 'worktrees'))[0]!;
    const posing = folder('posing');
    symlinkSync(trusted, join(posing, '.git'));
    expect(await findRulePlace(posing)).toMatchObject({ repository: posing });
    for (const pointer of [trusted, join(trusted, 'worktrees', own), join(posing, 'made-up')]) {
      rmSync(join(posing, '.git'), { force: true });
      writeFileSync(join(posing, '.git'), `gitdir: ${pointer}\n`);
      mkdirSync(join(posing, 'made-up'), { recursive: true });
      writeFileSync(join(posing, 'made-up/gitdir'), join(posing, '.git'));
      writeFileSync(join(posing, 'made-up/commondir'), trusted);
      expect(await findRulePlace(posing)).toMatchObject({ repository: posing });
    }
    expect(await findRulePlace(tree)).toMatchObject({ repository: trusted });
  });

  it('keeps to what lies in a folder that is named by a link', async () => {
    const cwd = repository('main');
    folder('main/sub');
    const link = join(root, 'link');
    symlinkSync(join(cwd, 'sub'), link);
    const place = await findRulePlace(link);
    expect(place).toEqual({ repository: join(cwd, '.git'), folder: link, prefix: 'sub/' });
    const there = await findRulePlace(cwd);
    for (const [path, named] of [
      [link, 'sub'],
      [join(link, 'a'), 'sub/a'],
      [join(root, 'a'), join(root, 'a')],
    ] as const) {
      expect(toRulePath(path, place)).toBe(named);
      expect(fromRulePath(named, place)).toBe(path);
    }
    expect(toRulePath(cwd, there)).toBe('.');
    expect(fromRulePath('.', there)).toBe(cwd);
    expect(fromRulePath('a', place)).toBeNull();
    expect(fromRulePath('.', place)).toBeNull();
    expect(fromRulePath('subway', place)).toBeNull();
    expect(toRulePath(`${cwd}way/a`, there)).toBe(`${cwd}way/a`);
  });
});

it.runIf(process.getuid?.() !== 0)('a folder that may not be read is no empty one', async () => {
  const cwd = repository('main');
  const rules = createFileRules({ directory });
  await rules.remember(cwd, rule(make(cwd)));
  chmodSync(join(directory, readdirSync(directory)[0]!), 0);
  await expect(rules.list(cwd)).rejects.toMatchObject({ code: 'rulesUnavailable' });
  chmodSync(join(directory, readdirSync(directory)[0]!), 0o700);
});
