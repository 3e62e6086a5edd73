import { describe, expect, it } from 'vitest';
import type { ApprovalRule, RuleMatch } from '../../src/contract/index.ts';
import { toRulesDetails } from './details.ts';
import { type RulesState, findRules, newRules, remember, revoke } from './rules-state.ts';

const make = (command: string, cwd = '.'): RuleMatch => ({
  ...{ type: 'commandExecution', command, cwd, sandbox: 'workspace-write' },
});

function rule(command: string, at: number, more: Partial<ApprovalRule> = {}): ApprovalRule {
  const given = { scope: 'repository', by: 'person', threadId: 't', turnId: 'a', decision: 'accept' } as const;
  return { ruleId: `repo_${command.slice(0, 40)}`, match: make(command), at, ...given, ...more };
}

const EMPTY = newRules({ host: 'one', repository: '/repo/.git' });
const idsOf = ({ rules }: RulesState) => rules.map(({ ruleId }) => ruleId);

function revoked(state: RulesState, at: number, ruleId: string): RulesState {
  const next = revoke(state, at, { ruleId });
  if ('code' in next) throw new Error(next.reason);
  return next;
}

describe('the rules of a repository', () => {
  it('are one where the same was answered twice, with the newest answer, oldest first', () => {
    const state = remember(remember(EMPTY, [rule('b', 2), rule('a', 1)]), [rule('a', 3), rule('b', 1)]);
    expect(state.rules.map(({ ruleId, at }) => [ruleId, at])).toEqual([
      ['repo_b', 2],
      ['repo_a', 3],
    ]);
  });

  it('are found by what may apply', () => {
    const changes: RuleMatch = { type: 'fileChange', paths: ['a', 'b'], sandbox: 'workspace-write' };
    const tool: RuleMatch = { type: 'mcpToolCall', server: 's', tool: 't', sandbox: 'workspace-write' };
    const state = remember(EMPTY, [
      rule('make', 1),
      rule('files', 2, { match: changes }),
      rule('tool', 3, { match: tool }),
    ]);
    const found = (asked: RuleMatch) => findRules(state, asked).map(({ ruleId }) => ruleId);
    expect(found(make('make'))).toEqual(['repo_make']);
    expect(found(make('make', 'sub'))).toEqual([]);
    expect(found({ ...changes, paths: ['b', 'c'] })).toEqual(['repo_files']);
    expect(found({ ...changes, paths: ['c'] })).toEqual([]);
    expect(found(tool)).toEqual(['repo_tool']);
    expect(found({ ...tool, tool: 'other' })).toEqual([]);
  });

  it('are revoked once; one that is not there is refused', () => {
    const state = remember(EMPTY, [rule('a', 1), rule('b', 2)]);
    const without = revoked(state, 5, 'repo_a');
    expect(idsOf(without)).toEqual(['repo_b']);
    expect(revoke(without, 6, { ruleId: 'repo_a' })).toMatchObject({ code: 'ruleUnknown' });
    expect(revoke(EMPTY, 6, { ruleId: 'repo_a' })).toMatchObject({ code: 'ruleUnknown' });
  });

  it('do not come back by an answer from before they were revoked, only by a later one', () => {
    const state = revoked(remember(EMPTY, [rule('a', 10)]), 20, 'repo_a');
    for (const at of [10, 19, 20]) expect(idsOf(remember(state, [rule('a', at)]))).toEqual([]);
    const again = remember(state, [rule('a', 21)]);
    expect(idsOf(again)).toEqual(['repo_a']);
    expect(idsOf(revoked(again, 30, 'repo_a'))).toEqual([]);
  });

  it('do not come back if the clock is set back before they are revoked', () => {
    const state = revoked(remember(EMPTY, [rule('a', 100)]), 20, 'repo_a');
    expect(idsOf(remember(state, [rule('a', 100)]))).toEqual([]);
  });

  it('do not come back however many others are revoked since', () => {
    let state = EMPTY;
    for (let at = 1; at <= 1_200; at += 2) {
      state = revoked(remember(state, [rule(`run ${at}`, at)]), at + 1, `repo_run ${at}`);
    }
    expect(state.revoked.length).toBeLessThanOrEqual(500);
    expect(idsOf(remember(state, [rule('run 1', 1), rule('run 1199', 1_199), rule('never seen', 5)]))).toEqual([]);
    expect(idsOf(remember(state, [rule('run 1', 2_000)]))).toEqual(['repo_run 1']);
  });

  it('are forgotten, the oldest first, where they are very many or very large, and never the newest', () => {
    const many = remember(
      EMPTY,
      Array.from({ length: 310 }, (_, at) => rule(`run ${at}`, at + 1)),
    );
    expect(many.rules.map(({ at }) => at)).toEqual(Array.from({ length: 300 }, (_, at) => at + 11));
    expect(many.forgotten).toBe(10);
    let large = EMPTY;
    for (let at = 1; at <= 300; at++) large = remember(large, [rule(`${at} ${'ä'.repeat(3_900)}`, at)]);
    expect(large.rules.at(-1)?.at).toBe(300);
    expect(new TextEncoder().encode(JSON.stringify(large)).length).toBeLessThan(700 * 1_024);
  });

  it('are shown with the id that revokes them, and foreign text is no markup', () => {
    const state = remember(EMPTY, [
      rule('echo `x` **bold**', 1),
      ...Array.from({ length: 30 }, (_, i) => rule(`r ${i}`, i + 2)),
    ]);
    const details = toRulesDetails(state);
    expect(details).toContain('**Remembered answers:** 31');
    expect(details).toContain('`repo_r 29` accept: command `r 29` in `.`');
    expect(details).toContain('and 11 older');
    expect(toRulesDetails(remember(EMPTY, [rule('echo `x` **bold**', 1)]))).toContain('``echo `x` **bold**``');
  });
});
