import { describe, expect, it, test } from 'vitest';
import { TOOLS } from '../../../activities/tools.ts';
import type { FileUpdateChange } from '../../../src/contract/index.ts';
import type { StepActivity, StepEnd } from '../state/steps.ts';
import { EXITED, type TestThread, exec, testThread } from '../testing/fixtures.ts';
import { toolNamed } from './index.ts';
import { commandOf, labelOf } from './labels.ts';

test.each(TOOLS.map((tool) => [tool.name, tool] as const))(
  'a thread knows what to do with calls of %s',
  (name, told) => {
    expect(toolNamed(name)?.definition).toBe(told);
  },
);

type Call = Parameters<TestThread['answer']>[number];

/** A thread whose model has just made these calls. */
function calling(...calls: Call[]): TestThread {
  const thread = testThread();
  thread.submit('a');
  thread.answer(...calls);
  return thread;
}

const call = (name: string, args: object): Call => ({ name, arguments: args });
const PATCH = '*** Begin Patch\n*** Add File: a\n+x\n*** End Patch';
const SKILL = call('read_skill', { name: 'lint' });
const IMAGE = call('view_image', { path: 'a.png' });
const CHANGE = call('apply_patch', { input: PATCH });

describe('a tool that is a step', () => {
  it.each<[Call, StepActivity, object, string, object]>([
    [SKILL, 'readSkill', { name: 'lint', path: null, cwd: '/work/repo' }, 'skill: lint', { type: 'dynamicToolCall' }],
    [
      ...([call('read_skill', { name: 'lint', path: 'more.md' }), 'readSkill'] as const),
      ...([{ name: 'lint', path: 'more.md' }, 'skill: lint more.md', { type: 'dynamicToolCall' }] as const),
    ],
    [
      ...([IMAGE, 'viewImage', { path: 'a.png', cwd: '/work/repo', sandbox: 'workspace-write' }] as const),
      ...(['image: a.png', { type: 'imageView', path: 'a.png' }] as const),
    ],
    [
      ...([CHANGE, 'applyPatch', { index: 1, cwd: '/work/repo', sandbox: 'workspace-write' }] as const),
      ...(['patch: a', { type: 'fileChange', patch: PATCH, changes: [] }] as const),
    ],
  ])('works in the workspace once that is clean: %j', (one, activity, input, summary, item) => {
    const thread = calling(one);
    expect(thread.step(activity)).toMatchObject({ id: 'tool/t1/1', turnId: 'a', onWorkspace: true, summary, input });
    expect(thread.state.log.items[1]).toMatchObject({ ...item, turnId: 'a', status: 'inProgress', output: '' });
    expect(Object.values(thread.input(activity))).not.toContain(undefined);
  });

  it('that only reads runs beside others, and one that writes runs alone', () => {
    expect(calling(SKILL, IMAGE, exec('make')).running).toEqual(['tool/t1/1', 'tool/t1/2']);
    expect(calling(CHANGE, SKILL, IMAGE).running).toEqual(['tool/t1/1']);
  });

  const failure = { code: 'internal', message: 'disk on fire', details: {} };
  const image = { sha256: 'ab', bytes: 1, mediaType: 'image/png' as const, width: 2, height: 3 };
  const changed = (unchanged?: true): FileUpdateChange => ({
    ...{ path: '/work/repo/a', kind: 'update', linesAdded: 1, linesRemoved: 2 },
    ...(unchanged === undefined ? {} : { unchanged }),
  });
  const done = (value: object) => ({ type: 'done', value }) as StepEnd;
  const said = 'update /work/repo/a (+1 -2)';
  const unchanged = `${said}: nothing was written, it is like that already`;

  it.each<[Call, StepActivity, StepEnd, object]>([
    [SKILL, 'readSkill', done({ type: 'read', output: 'Do so.' }), { status: 'completed', output: 'Do so.' }],
    [SKILL, 'readSkill', done({ type: 'refused', reason: 'gone' }), { status: 'failed', output: 'gone' }],
    [SKILL, 'readSkill', { type: 'aborted' }, { status: 'aborted', output: 'aborted by user' }],
    [SKILL, 'readSkill', { type: 'failed', failure }, { status: 'failed', output: 'disk on fire' }],
    [
      ...([IMAGE, 'viewImage', done({ type: 'viewed', output: 'a.png', image })] as const),
      { status: 'completed', output: 'a.png', images: [image] },
    ],
    [IMAGE, 'viewImage', done({ type: 'refused', reason: 'no image' }), { status: 'failed', output: 'no image' }],
    [IMAGE, 'viewImage', { type: 'aborted' }, { status: 'aborted', output: 'aborted by user' }],
    [IMAGE, 'viewImage', { type: 'failed', failure }, { status: 'failed', output: 'disk on fire' }],
    [
      ...([CHANGE, 'applyPatch', done({ type: 'applied', changes: [changed(), changed(true)] })] as const),
      { status: 'completed', changes: [changed(), changed(true)], output: `Done.\n${said}\n${unchanged}` },
    ],
    [
      ...([CHANGE, 'applyPatch', done({ type: 'applied', changes: [changed(true)] })] as const),
      { status: 'completed', output: `Nothing was changed.\n${unchanged}` },
    ],
    [
      ...([CHANGE, 'applyPatch', { type: 'aborted' }] as const),
      { status: 'aborted', output: 'aborted by user; it may have been applied in part', changes: [] },
    ],
    [CHANGE, 'applyPatch', { type: 'failed', failure }, { status: 'failed', output: 'disk on fire', changes: [] }],
  ])('ends with its result, which leaves nothing to clean up: %j, %s, %j', (one, activity, end, item) => {
    const thread = calling(one);
    thread.end(activity, end);
    expect(thread.state.log.items[1]).toMatchObject(item);
    expect(thread.steps('cleanWorkspace')).toEqual([]);
    expect(thread.input('callModel').step).toBe(2);
  });

  it('gets its own result, whichever ends first', () => {
    const thread = calling(SKILL, IMAGE);
    thread.done('viewImage', { type: 'viewed', output: 'a.png', image }, 'tool/t1/2');
    expect(thread.state.log.items.slice(1)).toMatchObject([{ status: 'inProgress' }, { status: 'completed' }]);
    expect(thread.running).toEqual(['tool/t1/1']);
  });

  it('is remembered by its files if a person allows it for the thread', () => {
    const thread = testThread({ approvalPolicy: 'untrusted' });
    thread.submit('a');
    thread.answer(CHANGE);
    const [request] = thread.state.requests;
    expect(request).toMatchObject({ type: 'fileChange', paths: ['/work/repo/a'], workspace: '/work/repo' });
    expect(request).not.toHaveProperty('leads');
    const answer = { requestId: request!.requestId, decision: 'acceptForSession' as const };
    thread.dispatch({ type: 'requestAnswered', answer, by: 'person' });
    const match = { type: 'fileChange', paths: ['/work/repo/a'], sandbox: 'workspace-write' };
    expect(thread.state.rules).toMatchObject([{ scope: 'thread', match }]);
  });

  it.each([SKILL, IMAGE, CHANGE, exec('make')])('takes the end of no other step for its own: %j', (one) => {
    const thread = calling(one);
    const before = thread.state;
    for (const id of ['tool/t1/1', 'tool/t1/9']) {
      thread.dispatch({ type: 'stepEnded', id, activity: 'takeSnapshot', end: { type: 'failed', failure } });
    }
    expect(thread.state.log).toEqual(before.log);
    expect(thread.state.active).toEqual(before.active);
  });
});

describe('a tool that is no step', () => {
  it('shows a plan, as an event and as an item', () => {
    const plan = [{ step: 'one', status: 'pending' }];
    const thread = calling(call('update_plan', { plan, explanation: 'first' }));
    expect(thread.events().find(({ type }) => type === 'turn/plan/updated')).toMatchObject({
      ...{ turnId: 'a', explanation: 'first', plan },
    });
    expect(thread.state.log.items[1]).toMatchObject({
      ...{ type: 'plan', status: 'completed', output: 'Plan updated', plan, explanation: 'first', turnId: 'a' },
    });
  });

  it('asks a person, whose answers are its result', () => {
    const questions = [{ id: 'q', header: 'Port', question: 'Which?' }];
    const thread = calling(call('request_user_input', { questions }));
    const [request] = thread.state.requests;
    expect(request).toMatchObject({ type: 'userInput', questions, reason: 'The agent has a question.' });
    expect(thread.state.log.items[1]).toMatchObject({ type: 'userInput', questions, answers: null });
    const answers = { q: { answers: ['80'] } };
    const answer = { requestId: request!.requestId, decision: 'accept' as const, answers };
    thread.dispatch({ type: 'requestAnswered', answer, by: 'person' });
    expect(thread.state.log.items[1]).toMatchObject({
      ...{ status: 'completed', answers, output: '{"answers":{"q":{"answers":["80"]}}}' },
    });
  });

  it('does not exist under another name, which is cut to 256 characters', () => {
    const thread = calling(call('x'.repeat(1_000), {}));
    expect(thread.state.log.items[1]).toMatchObject({ type: 'dynamicToolCall', status: 'failed' });
    const { output } = thread.state.log.items[1] as { output: string };
    expect(output).toMatch(/^There is no tool named x+\.$/);
    expect(output.length).toBeLessThan(300);
  });
});

describe('the label of a call', () => {
  const mcp = { server: 'files', tool: 'read', readOnly: true, approval: 'never' as const };

  it('is its command, or the names in it', () => {
    const thread = calling(exec('make'), SKILL, IMAGE, CHANGE);
    expect([1, 2, 3, 4].map((index) => labelOf(thread.state, index))).toEqual([
      ...['make', 'read_skill', 'view a.png', 'fileChange item_4'],
    ]);
    expect([1, 2, 3, 4].map((index) => commandOf(thread.state, index))).toEqual(['make', '', '', '']);
    const other = testThread();
    other.submit('a');
    const output = [{ type: 'toolCall' as const, callId: 'c', name: 'mcp__files__read', arguments: '{}', mcp }];
    const { id } = other.step('callModel');
    other.done('callModel', { type: 'answered', output, usage: other.state.usage }, id);
    expect(labelOf(other.state, 1)).toBe('files read');
  });

  it('is cut after 200 characters', () => {
    expect(labelOf(calling(exec('x'.repeat(250))).state, 1)).toBe(`${'x'.repeat(200)}… (+50 characters)`);
    expect(labelOf(calling(exec('x'.repeat(200))).state, 1)).toBe('x'.repeat(200));
  });
});

describe('a command', () => {
  it('that is asked for says why only if the model gave a reason', () => {
    const asked = [{}, { justification: 'the network' }].map((more) => {
      const thread = calling(exec('make', { sandbox_permissions: 'require_escalated', ...more }));
      return thread.state.requests[0];
    });
    expect(asked[0]).not.toHaveProperty('justification');
    expect(asked[1]).toMatchObject({ justification: 'the network' });
  });

  it('has a minute more than its time limit for its step', () => {
    const { input, options, losable } = calling(exec('make', { timeout_ms: 30_000 })).step('execCommand');
    expect([input.timeoutMs, options.startToCloseTimeout, losable]).toEqual([30_000, 90_000, true]);
  });

  it('of 2,000 characters is in the input of its step, and a longer one only in its item', () => {
    const inputs = [2_000, 2_001].map((chars) => calling(exec('x'.repeat(chars))).input('execCommand').command?.length);
    expect(inputs).toEqual([2_000, undefined]);
  });

  it.each([
    ['with exit code 0 is completed', {}, 'completed'],
    ['with another exit code has failed', { exitCode: 1 }, 'failed'],
    ['at its time limit has failed', { outcome: 'timedOut' }, 'failed'],
    ['at a limit of its processes has failed', { limit: 'memoryMb' }, 'failed'],
  ] as const)('that ends %s', (_, report, status) => {
    const thread = calling(exec('make'));
    thread.done('execCommand', { ...EXITED, ...report });
    expect(thread.state.log.items[1]).toMatchObject({ status });
  });

  it.each<[string, StepEnd<'execCommand'>, string, boolean]>([
    ['lost with its worker may have left processes', { type: 'lost', lastBeat: {} }, 'lost', true],
    ['stopped by the service is cleaned up after', { type: 'aborted' }, 'aborted', true],
    [
      ...([
        'that never began left nothing',
        { type: 'failed', failure: { code: 'x', message: 'x', details: {} } },
      ] as const),
      ...(['failed', false] as const),
    ],
  ])('%s', (_, end, status, cleansUp) => {
    const thread = calling(exec('make'));
    const { id } = thread.step('execCommand');
    thread.end('execCommand', end);
    expect(thread.state.log.items[1]).toMatchObject({ status });
    expect(thread.inputs('cleanWorkspace').map(({ commandIds }) => commandIds)).toEqual(cleansUp ? [[id]] : []);
  });

  it('that is cancelled ends the turn, which waits for the other commands that run', () => {
    const thread = testThread({ approvalPolicy: 'untrusted', sandbox: 'read-only' });
    thread.submit('a');
    thread.answer(exec('ls'), exec('make'));
    const { id } = thread.step('execCommand');
    const answer = { requestId: thread.state.requests[0]!.requestId, decision: 'cancel' as const };
    thread.dispatch({ type: 'requestAnswered', answer, by: 'person' });
    expect([thread.stopping, thread.completions('a')]).toEqual([[id], []]);
    thread.done('execCommand', { ...EXITED, outcome: 'aborted', exitCode: null }, id);
    expect(thread.completions('a')).toMatchObject([{ status: 'aborted', reason: 'interrupted', quiescent: true }]);
  });

  it('that the policy cancels ends the turn in the same way', () => {
    const unattended = { approvals: 'cancel' } as const;
    const given = { approvalPolicy: 'untrusted', sandbox: 'read-only', unattended, repositoryRules: true } as const;
    const thread = testThread(given);
    thread.submit('a');
    thread.answer(exec('ls'), exec('make'));
    const { id } = thread.step('execCommand');
    thread.done('findRules', { type: 'found', rules: [] });
    expect([thread.stopping, thread.completions('a')]).toEqual([[id], []]);
    thread.done('execCommand', { ...EXITED, outcome: 'aborted', exitCode: null }, id);
    expect(thread.completions('a')).toMatchObject([{ status: 'aborted', reason: 'interrupted', quiescent: true }]);
  });
});
