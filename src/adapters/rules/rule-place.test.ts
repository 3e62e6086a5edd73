import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ApprovalRule, RuleMatch } from '../../contract/index.ts';
import { fromRepositoryRule, toRepositoryRule } from './repository-rule.ts';
import { findRulePlace, fromRulePath, toRulePath } from './rule-place.ts';

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'rules-')));
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
  const given = { ruleId: 'rule_1', scope: 'thread', by: 'person', at: 1, threadId: 't', turnId: 'a' } as const;
  return { ...given, match, decision: 'accept', ...more };
}

const make = (cwd: string, command = 'make'): RuleMatch => ({
  ...{ type: 'commandExecution', command, cwd, sandbox: 'workspace-write' },
});
const changes = (...paths: string[]): RuleMatch => ({ type: 'fileChange', paths, sandbox: 'workspace-write' });

describe('a rule of a repository', () => {
  it('is seen from each of its work trees, by the paths of that one', async () => {
    const main = repository('main');
    const tree = join(root, 'tree');
    git(main, 'worktree', 'add', '-q', '--detach', tree);
    const [there, here] = [await findRulePlace(main), await findRulePlace(tree)];
    expect(here.repository).toBe(there.repository);
    const shared = (match: RuleMatch) => fromRepositoryRule(toRepositoryRule(rule(match), there), here);
    expect(shared(make(join(main, 'sub')))).toMatchObject([{ match: make(join(tree, 'sub')) }]);
    expect(shared(changes(join(main, 'a'), '/etc/hosts'))).toMatchObject([
      { match: changes('/etc/hosts', join(tree, 'a')) },
    ]);
  });

  it('is one where the same was answered, by its id, and another one where it was answered differently', async () => {
    const cwd = repository('main');
    const place = await findRulePlace(cwd);
    const ids = [
      toRepositoryRule(rule(make(cwd)), place),
      toRepositoryRule(rule(make(cwd), { ruleId: 'rule_9', threadId: 'other', at: 2 }), place),
      toRepositoryRule(rule(make(cwd), { decision: 'decline' }), place),
      toRepositoryRule(rule(make(join(cwd, 'sub'))), place),
    ].map(({ ruleId }) => ruleId);
    expect(ids[1]).toBe(ids[0]);
    expect(new Set(ids).size).toBe(3);
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
