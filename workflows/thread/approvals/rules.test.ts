import { describe, expect, it } from 'vitest';
import type {
  ApprovalDecision,
  ApprovalRule,
  RuleMatch,
  RuleScope,
  SandboxMode,
  ThreadSettings,
} from '../../../src/contract/index.ts';
import { fromCarriedState, toCarryOver } from '../past/carry-over.ts';
import { answerByRules, isRememberable, keepRule, withoutTurn } from './rules.ts';
import type { ThreadState } from '../state/state.ts';
import { EXITED, type TestThread, exec, testThread } from '../testing/fixtures.ts';

const CWD = '/work/repo';
const MODES: SandboxMode[] = ['read-only', 'workspace-write', 'danger-full-access'];

let rules = 0;
function rule(match: RuleMatch, decision: ApprovalRule['decision'] = 'accept'): ApprovalRule {
  const given = { scope: 'thread', by: 'person', at: 1, threadId: 't1', turnId: 'a' } as const;
  return { ...given, ruleId: `r${++rules}`, match, decision };
}

const make = (more: Partial<Extract<RuleMatch, { type: 'commandExecution' }>> = {}): RuleMatch => ({
  ...{ type: 'commandExecution', command: 'make', cwd: CWD, sandbox: 'workspace-write', ...more },
});
const files = (paths: string[], sandbox: SandboxMode = 'workspace-write'): RuleMatch => ({
  ...{ type: 'fileChange', paths, sandbox },
});
const tool = (name: string, sandbox: SandboxMode = 'workspace-write', server = 'files'): RuleMatch => ({
  ...{ type: 'mcpToolCall', server, tool: name, sandbox },
});

const answerOf = (asked: RuleMatch, ...given: ApprovalRule[]) => answerByRules(asked, given)?.decision ?? 'ask';

describe('a remembered answer about a command', () => {
  // prettier-ignore
  it.each([
    ['the same', make(), 'accept', 'decline'],
    ['another one', make({ command: 'make all' }), 'ask', 'ask'],
    ['the same with more after it', make({ command: 'make && rm -r x' }), 'ask', 'ask'],
    ['the same with a space more', make({ command: 'make ' }), 'ask', 'ask'],
    ['the same elsewhere', make({ cwd: `${CWD}/vendor` }), 'ask', 'ask'],
    ['a patch', files(['make']), 'ask', 'ask'],
    ['a tool', tool('make'), 'ask', 'ask'],
  ])('%s: accepted %#', (_, asked, accepted, declined) => {
    expect(answerOf(asked, rule(make()))).toBe(accepted);
    expect(answerOf(asked, rule(make(), 'decline'))).toBe(declined);
  });

  it.each(MODES.flatMap((given, width) => MODES.map((asked, wanted) => ({ given, asked, width, wanted }))))(
    'given for $given: what runs in $asked is accepted where that is no wider, declined where it is no narrower',
    ({ given, asked, width, wanted }) => {
      expect(answerOf(make({ sandbox: asked }), rule(make({ sandbox: given })))).toBe(
        wanted <= width ? 'accept' : 'ask',
      );
      const declined = rule(make({ sandbox: given }), 'decline');
      expect(answerOf(make({ sandbox: asked }), declined)).toBe(wanted >= width ? 'decline' : 'ask');
    },
  );
});

describe('a remembered answer about files', () => {
  // prettier-ignore
  it.each([
    ['the same files', ['/r/a', '/r/b'], 'accept', 'decline'],
    ['one of them', ['/r/b'], 'accept', 'ask'],
    ['another one', ['/r/c'], 'ask', 'ask'],
    ['another one besides one of them', ['/r/a', '/r/c'], 'ask', 'ask'],
    ['another one besides all of them', ['/r/a', '/r/b', '/r/c'], 'ask', 'decline'],
    ['no file at all', [], 'ask', 'ask'],
  ])('%s', (_, paths, accepted, declined) => {
    const about = files(['/r/a', '/r/b']);
    expect(answerOf(files(paths), rule(about))).toBe(accepted);
    expect(answerOf(files(paths), rule(about, 'decline'))).toBe(declined);
  });

  it('adds up with others that were accepted, and names those it took', () => {
    const [one, two] = [rule(files(['/r/a'])), rule(files(['/r/b', '/r/c']))];
    const answer = answerByRules(files(['/r/a', '/r/b']), [one, rule(files(['/r/z'])), two]);
    expect(answer).toEqual({ decision: 'accept', ruleIds: [one.ruleId, two.ruleId] });
  });

  it('of no file at all is about nothing', () => {
    expect(answerOf(files(['/r/a']), rule(files([]), 'decline'))).toBe('ask');
    expect(answerOf(files([]), rule(files([]), 'decline'))).toBe('ask');
    expect(answerOf(files([]), rule(files([])))).toBe('ask');
  });

  it.each(MODES.flatMap((given) => MODES.map((asked) => ({ given, asked }))))(
    'that was accepted in mode $given holds in mode $asked where that is the same',
    ({ given, asked }) => {
      expect(answerOf(files(['/r/a'], asked), rule(files(['/r/a'], given)))).toBe(given === asked ? 'accept' : 'ask');
      expect(answerOf(files(['/r/a'], asked), rule(files(['/r/a'], given), 'decline'))).toBe('decline');
      expect(answerOf(tool('write', asked), rule(tool('write', given)))).toBe(given === asked ? 'accept' : 'ask');
      expect(answerOf(tool('write', asked), rule(tool('write', given), 'decline'))).toBe('decline');
    },
  );
});

describe('a remembered answer about a tool', () => {
  it('is about this tool of this server', () => {
    expect(answerOf(tool('write'), rule(tool('write')))).toBe('accept');
    expect(answerOf(tool('write'), rule(tool('delete')))).toBe('ask');
    expect(answerOf(tool('write'), rule(tool('write', 'workspace-write', 'other')))).toBe('ask');
  });
});

it('what was declined wins over what was accepted, whichever came first', () => {
  expect(answerOf(make(), rule(make()), rule(make(), 'decline'))).toBe('decline');
  expect(answerOf(make(), rule(make(), 'decline'), rule(make()))).toBe('decline');
  const declined = rule(make(), 'decline');
  expect(answerByRules(make(), [rule(make()), declined])).toEqual({ decision: 'decline', ruleIds: [declined.ruleId] });
});

describe('the rules of a thread', () => {
  const keepAll = (state: ThreadState, ...given: ApprovalRule[]) =>
    given.reduce((current, one) => keepRule(current, 5, one), state);
  const about = (state: ThreadState) =>
    state.log.events.flatMap((event) => (event.type.startsWith('rule/') ? [event.type] : []));

  it('have each answer once, and the same with another scope, decision or subject is another one', () => {
    const others = [
      rule(make(), 'decline'),
      { ...rule(make()), scope: 'turn' as const },
      rule(make({ command: 'make all' })),
    ];
    const again = rule(make());
    const state = keepAll(testThread().state, rule(make()), ...others, again);
    expect(state.rules).toEqual([...others, again]);
    expect(about(state)).toEqual(Array(5).fill('rule/remembered'));
  });

  it('are a hundred, and the oldest goes with an event; a run of an earlier release says nothing of it', () => {
    const many = Array.from({ length: 101 }, (_, index) => rule(make({ command: `make ${index}` })));
    const { state } = testThread();
    const { decisions: _, ...earlier } = state;
    expect([keepAll(state, ...many).rules, keepAll(earlier, ...many).rules]).toEqual([many.slice(1), many.slice(1)]);
    expect(about(keepAll(state, ...many)).slice(100)).toEqual(['rule/remembered', 'rule/revoked']);
    expect(about(keepAll(earlier, ...many)).slice(100)).toEqual(['rule/remembered']);
  });

  it('are about no more than 4,000 bytes each', () => {
    const ofBytes = (bytes: number) =>
      make({ command: 'x'.repeat(bytes - JSON.stringify(make({ command: '' })).length) });
    const { state } = testThread();
    expect([4_000, 4_001].map((bytes) => isRememberable(state, ofBytes(bytes)))).toEqual([true, false]);
  });

  it('lose those of a turn with that turn, and no others', () => {
    const ofTurn = (turnId: string) => ({ ...rule(make()), scope: 'turn' as const, turnId });
    const [a, b, thread] = [ofTurn('a'), ofTurn('b'), rule(make())];
    expect(withoutTurn([a, b, thread], 'a')).toEqual([b, thread]);
  });
});

// --------------------------------------------------------------------------------------------- in the life of a thread

const UNTRUSTED = { cwd: CWD, approvalPolicy: 'untrusted' } as const;

function asking(settings: Partial<ThreadSettings> = {}, ...commands: string[]): TestThread {
  const thread = testThread({ ...UNTRUSTED, ...settings });
  thread.submit('a');
  thread.answer(...(commands.length > 0 ? commands : ['make']).map((command) => exec(command)));
  return thread;
}

function answer(thread: TestThread, decision: ApprovalDecision, scope?: RuleScope): void {
  const [request] = thread.state.requests;
  const remember = scope === undefined ? {} : { remember: { scope } };
  const given = { requestId: request?.requestId ?? 'none', decision, ...remember };
  thread.dispatch({ type: 'requestAnswered', answer: given, by: 'person' });
}

function runs(thread: TestThread): void {
  thread.done('execCommand', EXITED);
}

function endTurn(thread: TestThread): void {
  thread.answer('done');
}

/** Whether the command asks in a separate turn. */
function asksFor(thread: TestThread, turnId: string, command = 'make'): boolean {
  thread.submit(turnId);
  thread.answer(exec(command));
  return thread.state.requests.some(({ type }) => type === 'commandExecution');
}

describe('an answer with a scope', () => {
  it.each([undefined, 'call'] as const)('%s holds this once', (scope) => {
    const thread = asking();
    answer(thread, 'accept', scope);
    runs(thread);
    expect(thread.state.rules).toEqual([]);
    thread.answer(exec('make'));
    expect(thread.state.requests).toHaveLength(1);
  });

  it('turn holds until the end of its turn, and not in the next one', () => {
    const thread = asking();
    answer(thread, 'accept', 'turn');
    runs(thread);
    thread.answer(exec('make'));
    expect(thread.state.requests).toEqual([]);
    runs(thread);
    endTurn(thread);
    expect(thread.state.rules).toEqual([]);
    expect(asksFor(thread, 'b')).toBe(true);
  });

  it('turn ends with a turn that is aborted or fails, too', () => {
    const thread = asking();
    answer(thread, 'accept', 'turn');
    expect(thread.state.rules).toMatchObject([{ scope: 'turn', turnId: 'a' }]);
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    thread.done('execCommand', EXITED, 'tool/t1/1');
    expect(thread.completions('a')).toMatchObject([{ status: 'aborted' }]);
    expect(thread.state.rules).toEqual([]);
  });

  it('thread holds for as long as the thread does, and says that it stood in', () => {
    const thread = asking();
    answer(thread, 'accept', 'thread');
    expect(thread.events().at(-1)).toMatchObject({
      type: 'rule/remembered',
      rule: {
        ...{ ruleId: 'rule_1', scope: 'thread', decision: 'accept', by: 'person', threadId: 't1', turnId: 'a' },
        match: { type: 'commandExecution', command: 'make', cwd: CWD, sandbox: 'workspace-write' },
      },
    });
    runs(thread);
    endTurn(thread);
    expect(asksFor(thread, 'b')).toBe(false);
    const applied = thread.events().filter(({ type }) => type === 'rule/applied');
    expect(applied).toMatchObject([{ turnId: 'b', decision: 'accept', ruleIds: ['rule_1'] }]);
    expect(thread.input('execCommand')).toMatchObject({ command: 'make', sandbox: 'workspace-write' });
  });

  it('acceptForSession is another name for accept with the scope thread', () => {
    const [one, other] = [asking(), asking()];
    answer(one, 'acceptForSession');
    answer(other, 'accept', 'thread');
    expect(one.state.rules).toEqual(other.state.rules);
  });

  it('can be a no: the model is told, and nobody is asked again', () => {
    const thread = asking();
    answer(thread, 'decline', 'thread');
    thread.answer(exec('make'));
    expect(thread.state.requests).toEqual([]);
    expect(thread.state.log.items.slice(1)).toMatchObject([
      { status: 'declined', output: 'rejected by user' },
      { status: 'declined', output: expect.stringContaining('is not asked again') as string },
    ]);
    expect(thread.input('callModel')).toMatchObject({ step: 3 });
  });

  it.each([
    ['cancel', 'thread'],
    ['acceptForSession', 'turn'],
  ] as const)('does not go with %s', (decision, scope) => {
    const thread = asking();
    answer(thread, decision, scope);
    expect(thread.events().at(-1)).toMatchObject({ type: 'message/rejected', code: 'requestMismatch' });
    expect(thread.state.requests).toHaveLength(1);
  });

  it('does not go with questions', () => {
    const thread = testThread();
    thread.submit('a');
    const questions = [{ id: 'q', header: 'Port', question: 'Which?' }];
    thread.answer({ name: 'request_user_input', arguments: { questions } });
    const [request] = thread.state.requests;
    const decision = 'accept' as const;
    const given = { requestId: request!.requestId, decision, answers: { q: { answers: ['80'] } } };
    const remember = { scope: 'turn' } as const;
    thread.dispatch({ type: 'requestAnswered', answer: { ...given, remember }, by: 'person' });
    expect(thread.events().at(-1)).toMatchObject({ type: 'message/rejected', code: 'requestMismatch' });
    thread.dispatch({ type: 'requestAnswered', answer: given, by: 'person' });
    expect(thread.state.rules).toEqual([]);
  });

  it('holds this once where what it is about is too long, and says so', () => {
    const long = `make ${'x'.repeat(5_000)}`;
    const thread = asking({ repositoryRules: true }, long);
    answer(thread, 'accept', 'repository');
    expect(thread.events().at(-1)).toMatchObject({ type: 'warning' });
    expect(thread.state.rules).toEqual([]);
    expect(thread.input('execCommand')).toMatchObject({ index: 1, command: null });
    expect(thread.state.log.items[1]).toMatchObject({ command: long });
  });

  it('given twice is one rule, and the oldest of very many are forgotten', () => {
    const thread = asking();
    for (let i = 0; i < 110; i++) {
      answer(thread, 'accept', 'thread');
      runs(thread);
      thread.answer(exec(`make ${i}`));
    }
    expect(thread.state.rules).toHaveLength(100);
    expect(thread.state.rules.at(-1)).toMatchObject({ match: { command: 'make 108' } });
  });
});

describe('a rule', () => {
  it('lives on in the next run and in a resumed thread; a turn’s rule in the next run alone', () => {
    const thread = asking();
    answer(thread, 'accept', 'turn');
    runs(thread);
    thread.answer(exec('make check'));
    answer(thread, 'accept', 'thread');
    const { rules: kept } = thread.state;
    expect(kept.map(({ scope }) => scope)).toEqual(['turn', 'thread']);
    thread.restart(fromCarriedState(toCarryOver(thread.state).carriedOver));
    thread.dispatch({ type: 'runContinued' });
    expect(thread.state.rules).toEqual(kept);
    runs(thread);
    thread.answer(exec('make'), exec('make check'));
    runs(thread);
    expect(thread.state.requests).toEqual([]);
    thread.restart(thread.state);
    thread.dispatch({ type: 'threadResumed' });
    expect(thread.state.rules).toEqual(kept.filter(({ scope }) => scope === 'thread'));
  });

  it('of an earlier release is a rule of the thread, for the sandbox that it has', () => {
    const thread = testThread(UNTRUSTED);
    const earlier = [
      { type: 'command', command: 'make', cwd: CWD, escalated: false },
      { type: 'command', command: 'curl x', cwd: CWD, escalated: true },
      { type: 'patch', paths: ['/r/a'] },
      { type: 'mcpTool', server: 'files', tool: 'write' },
    ];
    const carried = { ...thread.state, rules: earlier } as unknown as ThreadState;
    const { rules: known } = fromCarriedState(carried);
    expect(known.map(({ match }) => match)).toEqual([
      make(),
      make({ command: 'curl x', sandbox: 'danger-full-access' }),
      files(['/r/a']),
      tool('write'),
    ]);
    expect(new Set(known.map(({ ruleId }) => ruleId)).size).toBe(4);
    thread.restart(fromCarriedState(carried));
    expect(asksFor(thread, 'a')).toBe(false);
  });

  it('can be revoked, once; from then on it is asked again', () => {
    const thread = asking();
    answer(thread, 'accept', 'thread');
    runs(thread);
    endTurn(thread);
    const revocation = { ruleId: 'rule_1' };
    thread.dispatch({ type: 'revocationRequested', revocation });
    expect(thread.events().at(-1)).toMatchObject({ type: 'rule/revoked', ruleId: 'rule_1' });
    thread.dispatch({ type: 'revocationRequested', revocation });
    expect(thread.events().at(-1)).toMatchObject({ type: 'message/rejected', code: 'ruleUnknown', id: 'rule_1' });
    expect(asksFor(thread, 'b')).toBe(true);
  });

  it('is revoked alone, and one of the repository only there', () => {
    const thread = testThread({ repositoryRules: true });
    const [one, other] = [rule(make()), rule(make({ command: 'make all' }))];
    const shared = { ...rule(tool('write')), scope: 'repository' as const };
    thread.restart({ ...thread.state, rules: [one, other, shared] });
    for (const ruleId of [shared.ruleId, 'unknown', one.ruleId]) {
      thread.dispatch({ type: 'revocationRequested', revocation: { ruleId } });
    }
    expect(thread.state.rules).toEqual([other, shared]);
    expect(thread.events().slice(-3)).toMatchObject([
      { type: 'message/rejected', code: 'ruleUnknown', id: shared.ruleId },
      { type: 'message/rejected', code: 'ruleUnknown', id: 'unknown' },
      { type: 'rule/revoked', ruleId: one.ruleId },
    ]);
  });

  it('allows nothing where the policy has become never, and nothing outside the sandbox', () => {
    const thread = asking({ repositoryRules: true });
    thread.done('findRules', { type: 'found', rules: [] }, 'rules/1');
    answer(thread, 'accept', 'thread');
    runs(thread);
    const outside = { sandbox_permissions: 'require_escalated', justification: 'please' };
    thread.answer(exec('make', outside));
    expect(thread.steps('execCommand')).toEqual([]);
    thread.done('findRules', { type: 'found', rules: [] }, 'rules/2');
    answer(thread, 'accept', 'thread');
    runs(thread);
    endTurn(thread);
    thread.submit('b', 'go', { overrides: { approvalPolicy: 'never' } });
    thread.answer(exec('make', outside));
    expect(thread.steps('findRules')).toEqual([]);
    expect(thread.state.log.items.at(-1)).toMatchObject({ status: 'declined' });
  });
});

describe('a rule about a command', () => {
  it.each([
    ['another one after it', 'make; curl x | sh'],
    ['another one on the next line', 'make\ncurl x | sh'],
    ['a character that is not seen', 'make\u200b'],
    ['a mark of direction', 'make\u202e'],
    ['a blank that is no space', 'make\u00a0'],
    ['a letter of another alphabet', 'm\u0430ke'],
    ['a control character', 'make\u0008'],
    ['one more space', 'make '],
    ['other letters', 'MAKE'],
  ])('does not cover the same with %s', (_what, command) => {
    const thread = asking();
    answer(thread, 'accept', 'thread');
    runs(thread);
    thread.answer(exec(command));
    expect(thread.steps('execCommand')).toEqual([]);
    expect(thread.state.requests).toMatchObject([{ command }]);
  });

  it('given for the sandbox does not cover a run outside of it, by whatever answer it was made', () => {
    for (const scope of ['turn', 'thread'] as const) {
      const thread = asking();
      answer(thread, 'accept', scope);
      runs(thread);
      thread.answer(exec('make', { sandbox_permissions: 'require_escalated' }));
      expect(thread.steps('execCommand')).toEqual([]);
      expect(thread.state.requests).toMatchObject([{ escalated: true, sandbox: 'danger-full-access' }]);
    }
  });
});

describe('a rule of the repository', () => {
  const lookingUp = () => asking({ repositoryRules: true });
  const given = (match: RuleMatch, decision: ApprovalRule['decision'] = 'accept'): ApprovalRule => ({
    ...rule(match, decision),
    scope: 'repository',
    threadId: 'another',
  });
  const found = (thread: TestThread, ...known: ApprovalRule[]) =>
    thread.done('findRules', { type: 'found', rules: known });

  it('is looked for where a person would be asked, and nowhere else', () => {
    const thread = asking({ repositoryRules: true, approvalPolicy: 'on-request' });
    expect(thread.steps('findRules')).toEqual([]);
    runs(thread);
    endTurn(thread);
    thread.submit('b', 'go', { overrides: { approvalPolicy: 'untrusted' } });
    thread.answer(exec('ls'));
    expect(thread.steps('findRules')).toEqual([]);
    runs(thread);
    thread.answer(exec('make'));
    expect(thread.input('findRules')).toMatchObject({ cwd: CWD, match: make() });
    expect(thread.state.requests).toEqual([]);
  });

  it.each([
    ['accept', { status: 'inProgress' }],
    ['decline', { status: 'declined' }],
  ] as const)('stands in for a person: %s', (decision, item) => {
    const thread = lookingUp();
    found(thread, given(make(), decision));
    expect(thread.state.requests).toEqual([]);
    expect(thread.state.log.items[1]).toMatchObject(item);
    expect(thread.steps('execCommand')).toHaveLength(decision === 'accept' ? 1 : 0);
  });

  it.each([
    ['there is none', []],
    ['it was given for a narrower sandbox', [given(make({ sandbox: 'read-only' }))]],
    ['it is about something else', [given(make({ command: 'make all' }))]],
  ])('is not taken where %s: a person is asked', (_, known) => {
    const thread = lookingUp();
    found(thread, ...known);
    expect(thread.state.requests).toMatchObject([{ type: 'commandExecution', command: 'make' }]);
    expect(thread.action('awaitTime')).toMatchObject({ about: { type: 'requestDeadline' } });
  });

  it('is looked for by each call, and found for that one', () => {
    const thread = asking({ repositoryRules: true, sandbox: 'read-only' }, 'make', 'make all');
    expect(thread.inputs('findRules').map(({ match }) => match)).toMatchObject([
      ...[{ command: 'make' }, { command: 'make all' }],
    ]);
    const all = given(make({ command: 'make all', sandbox: 'read-only' }));
    thread.done('findRules', { type: 'found', rules: [all] }, 'rules/9');
    thread.done('findRules', { type: 'found', rules: [all] }, 'rules/2');
    expect(thread.inputs('execCommand').map(({ command }) => command)).toEqual(['make all']);
    expect(thread.step('findRules').id).toBe('rules/1');
    thread.done('findRules', { type: 'found', rules: [all] }, 'rules/2');
    expect(thread.inputs('execCommand')).toHaveLength(1);
  });

  it('that cannot be read is told of, and a person is asked', () => {
    const thread = lookingUp();
    const failure = { code: 'rulesUnavailable', message: 'disk on fire', details: {} };
    thread.end('findRules', { type: 'failed', failure });
    expect(thread.state.requests).toHaveLength(1);
    expect(thread.events()).toContainEqual(
      expect.objectContaining({ type: 'warning', message: expect.stringContaining('disk on fire') as string }),
    );
  });

  it('is no longer waited for in a turn that is interrupted', () => {
    const thread = lookingUp();
    const { id } = thread.step('findRules');
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    expect(thread.stopping).toEqual([id]);
    thread.end('findRules', { type: 'aborted' }, id);
    expect(thread.completions('a')).toMatchObject([{ status: 'aborted', quiescent: true }]);
    expect(thread.state.requests).toEqual([]);
  });

  it('is looked for again by the next run, where that began meanwhile', () => {
    const thread = lookingUp();
    thread.restart(fromCarriedState(toCarryOver(thread.state).carriedOver));
    found(thread, given(make()));
    expect(thread.input('execCommand')).toMatchObject({ command: 'make' });
  });

  it('goes before the policy of a thread that nobody watches', () => {
    const thread = asking({ repositoryRules: true, unattended: { approvals: 'accept' } });
    found(thread, given(make(), 'decline'));
    expect(thread.state.log.items[1]).toMatchObject({ status: 'declined' });
  });

  it('is asked where the thread found it at its start, both to look up and to keep', () => {
    const rulesAt = { host: 'host-a', repository: '/work/repo/.git', folder: CWD, prefix: '' };
    const thread = asking({ repositoryRules: true, rulesAt });
    expect(thread.input('findRules')).toMatchObject({ rulesAt });
    thread.done('findRules', { type: 'found', rules: [] });
    answer(thread, 'accept', 'repository');
    expect(thread.input('rememberRule')).toMatchObject({ rulesAt });
  });

  it('is made by an answer, holds here until it is kept there, and can be looked at nowhere in between', () => {
    const thread = lookingUp();
    found(thread);
    answer(thread, 'accept', 'repository');
    const { id, input } = thread.step('rememberRule');
    const { cwd, rule: kept } = input;
    expect({ cwd, kept }).toMatchObject({ cwd: CWD, kept: { scope: 'repository', match: make(), threadId: 't1' } });
    runs(thread);
    thread.answer(exec('make'));
    expect(thread.input('execCommand')).toMatchObject({ command: 'make' });
    thread.done('rememberRule', null, id);
    expect(thread.state.rules).toEqual([]);
    runs(thread);
    thread.answer(exec('make'));
    expect(thread.steps('findRules')).toHaveLength(1);
  });

  it('that cannot be kept there holds for the thread, and says so', () => {
    const thread = lookingUp();
    found(thread);
    answer(thread, 'accept', 'repository');
    const failure = { code: 'internal', message: 'the disk is full', details: {} };
    thread.end('rememberRule', { type: 'failed', failure });
    expect(thread.state.rules).toMatchObject([{ scope: 'thread', match: make() }]);
    expect(thread.steps('rememberRule')).toEqual([]);
    expect(thread.events()).toContainEqual(
      expect.objectContaining({ type: 'warning', message: expect.stringContaining('the disk is full') as string }),
    );
  });

  it('leaves the others here until they are kept there, too', () => {
    const thread = testThread({ repositoryRules: true });
    const [mine, one, other] = [make(), make({ command: 'make all' }), tool('write')].map((match) => rule(match));
    const rulesHere = [mine!, given(one!.match), given(other!.match)];
    thread.restart({ ...thread.state, rules: rulesHere });
    const failure = { code: 'internal', message: 'no room', details: {} };
    thread.end('rememberRule', { type: 'failed', failure }, 'remember/unknown');
    thread.end('rememberRule', { type: 'failed', failure }, `remember/${mine!.ruleId}`);
    expect(thread.state.rules).toEqual(rulesHere);
    thread.done('rememberRule', null, `remember/${rulesHere[2]!.ruleId}`);
    expect(thread.state.rules).toEqual(rulesHere.slice(0, 2));
  });

  it('that cannot be kept once the thread is closed holds for the thread, without an event', () => {
    const thread = lookingUp();
    found(thread);
    answer(thread, 'decline', 'repository');
    const model = thread.step('callModel').id;
    thread.dispatch({ type: 'closeRequested', close: {} });
    thread.end('callModel', { type: 'aborted' }, model);
    thread.end('rememberRule', { type: 'failed', failure: { code: 'internal', message: 'no room', details: {} } });
    expect(thread.state.rules).toMatchObject([{ scope: 'thread', decision: 'decline', match: make() }]);
    expect(thread.events().at(-1)?.type).toBe('thread/closed');
  });

  it('is kept before a thread that closes is over', () => {
    const thread = lookingUp();
    found(thread);
    answer(thread, 'decline', 'repository');
    thread.dispatch({ type: 'closeRequested', close: {} });
    for (const { id } of thread.steps('callModel')) thread.end('callModel', { type: 'aborted' }, id);
    const model = thread.stopping.find((id) => id.startsWith('model/'));
    if (model !== undefined) thread.end('callModel', { type: 'aborted' }, model);
    expect(thread.state.status).toBe('closed');
    expect(thread.actions('complete')).toEqual([]);
    thread.done('rememberRule', null);
    expect(thread.action('complete')).toBeDefined();
  });

  it('is one of the thread where its worker keeps none', () => {
    const thread = asking({ repositoryRules: false });
    answer(thread, 'accept', 'repository');
    expect(thread.state.rules).toMatchObject([{ scope: 'thread' }]);
    expect(thread.steps('rememberRule')).toEqual([]);
    expect(thread.types()).toContain('warning');
  });
});
