import { describe, expect, it } from 'vitest';
import { toCarryOver } from '../past/carry-over.ts';
import { QUIESCENCE_BOUND_MS } from './machine.ts';
import { NO_USAGE } from '../state/state.ts';
import { EXITED, exec, testThread, text } from '../testing/fixtures.ts';

describe('a turn', () => {
  it('runs one model step and ends with its message', () => {
    const thread = testThread();
    thread.submit('a');
    expect(thread.input('callModel')).toMatchObject({ step: 1, contextVersion: 1 });
    thread.answer('hi');
    expect(thread.types()).toEqual([
      'thread/started',
      'turn/started',
      'item/started',
      'item/completed',
      'item/started',
      'item/completed',
      'turn/completed',
    ]);
    expect(thread.completions('a')).toMatchObject([{ status: 'completed', lastAgentMessage: 'hi' }]);
    expect(thread.running).toEqual([]);
  });

  it('records every call before it runs, and asks the model again with the outputs', () => {
    const thread = testThread();
    thread.submit('a');
    thread.answer(exec('npm test'));
    const { index } = thread.input('execCommand');
    expect(thread.state.log.items[index]).toMatchObject({ type: 'commandExecution', status: 'inProgress' });
    thread.done('execCommand', EXITED);
    expect(thread.state.log.items[index]).toMatchObject({ status: 'completed', exitCode: 0 });
    expect(thread.input('callModel')).toMatchObject({ step: 2 });
  });

  it('keeps the limit that ended a command, and takes it for failed whatever its exit code says', () => {
    const thread = testThread();
    thread.submit('a');
    thread.answer(exec('make'));
    const { index } = thread.input('execCommand');
    thread.done('execCommand', { ...EXITED, limit: 'memoryMb' });
    expect(thread.state.log.items[index]).toMatchObject({ status: 'failed', exitCode: 0, limit: 'memoryMb' });
    thread.submit('b', 'true', { kind: 'user_shell' });
    const typed = thread.input('execCommand');
    thread.done('execCommand', { ...EXITED, limit: 'cpuS' });
    expect(thread.state.log.items[typed.index]).toMatchObject({ status: 'failed', limit: 'cpuS' });
    const begun = thread.events().flatMap((event) => (event.type === 'item/started' ? [event.item] : []));
    expect(begun.filter((item) => 'limit' in item)).toEqual([]);
  });

  it('tells the model of a patch what it changed, and where nothing had to be written', () => {
    const thread = testThread();
    thread.submit('a');
    thread.answer({ name: 'apply_patch', arguments: { input: '*** Begin Patch\n*** Delete File: a\n*** End Patch' } });
    const { index } = thread.input('applyPatch');
    const lines = { linesAdded: 1, linesRemoved: 0 };
    const changes = [
      { path: 'a', kind: 'update' as const, ...lines },
      { path: 'b', kind: 'update' as const, ...lines, unchanged: true as const },
    ];
    thread.done('applyPatch', { type: 'applied', changes });
    expect(thread.state.log.items[index]).toMatchObject({
      output: 'Done.\nupdate a (+1 -0)\nupdate b (+1 -0): nothing was written, it is like that already',
    });
  });

  it('says each time that an answer was cut, and keeps what had come', () => {
    const thread = testThread();
    for (const turnId of ['a', 'b']) {
      thread.submit(turnId);
      const output = [{ type: 'message' as const, text: 'half' }];
      thread.done('callModel', { type: 'answered', output, usage: NO_USAGE, cut: 'max_output_tokens' });
      expect(thread.completions(turnId)).toMatchObject([{ lastAgentMessage: 'half' }]);
    }
    const cut = { message: expect.stringContaining('cut before its end (max_output_tokens)') as string };
    expect(thread.events().filter(({ type }) => type === 'warning')).toMatchObject([cut, cut]);
  });

  it('says once what went wrong beside a step, however often it is reported', () => {
    const thread = testThread();
    for (const turnId of ['a', 'b']) {
      thread.submit(turnId);
      const warnings = ['AGENTS.md was cut'];
      thread.done('callModel', { type: 'answered', output: [], usage: NO_USAGE, warnings });
    }
    expect(thread.events().filter(({ type }) => type === 'warning')).toMatchObject([{ message: 'AGENTS.md was cut' }]);
  });

  it('is one turn when the same id is submitted twice', () => {
    const thread = testThread();
    thread.submit('a');
    const before = thread.state;
    thread.submit('a', 'something else');
    expect(thread.state).toBe(before);
  });

  it('fails with the code of the model failure, and the next turn runs', () => {
    const thread = testThread();
    thread.submit('a');
    const { id } = thread.step('callModel');
    const failure = { code: 'usageLimitExceeded', message: 'no quota', details: {} };
    thread.end('callModel', { type: 'failed', failure }, id);
    expect(thread.completions('a')).toMatchObject([{ status: 'failed', error: { code: 'usageLimitExceeded' } }]);
    thread.submit('b');
    thread.answer('fine');
    expect(thread.completions('b')).toMatchObject([{ status: 'completed' }]);
  });

  it('tells the model of a call that no tool can take, and continues', () => {
    const thread = testThread();
    thread.submit('a');
    thread.answer({ name: 'nothing_of_the_kind', arguments: {} }, { name: 'exec_command', arguments: '{not json' });
    expect(thread.state.log.items.slice(1)).toMatchObject([
      { type: 'dynamicToolCall', status: 'failed' },
      { type: 'dynamicToolCall', status: 'failed' },
    ]);
    expect(thread.input('callModel')).toMatchObject({ step: 2 });
  });
});

describe('tool calls of one step', () => {
  it('run side by side as long as they only read, and one at a time in call order otherwise', () => {
    const thread = testThread();
    thread.submit('a');
    thread.answer(exec('ls'), exec('git status'), exec('make'), exec('cat x'));
    const first = thread.steps('execCommand');
    expect(first.map(({ input }) => input.command)).toEqual(['ls', 'git status']);
    for (const { id } of first) thread.done('execCommand', EXITED, id);
    expect(thread.input('execCommand').command).toBe('make');
    thread.done('execCommand', EXITED);
    expect(thread.input('execCommand').command).toBe('cat x');
  });

  it('run a few at a time, however many one answer holds', () => {
    const thread = testThread();
    thread.submit('a');
    thread.answer(...Array.from({ length: 20 }, (_, i) => exec(`cat ${i}`)));
    let most = 0;
    for (let ended = 0; ended < 20; ended++) {
      const running = thread.steps('execCommand');
      most = Math.max(most, running.length);
      thread.done('execCommand', EXITED, running.at(-1)!.id);
    }
    expect(most).toBe(8);
    expect(thread.input('callModel')).toMatchObject({ step: 2 });
  });

  it('of a lost command: it is never run again, its last output is told, and the workspace is cleaned first', () => {
    const thread = testThread();
    thread.submit('a');
    thread.answer(exec('deploy'), exec('echo after > x'));
    const { actionId, index } = thread.input('execCommand');
    thread.end('execCommand', { type: 'lost', lastBeat: { output: 'half way' } });
    expect(thread.state.log.items[index]).toMatchObject({
      status: 'lost',
      output: expect.stringContaining('half way') as string,
    });
    expect(thread.steps('execCommand')).toEqual([]);
    expect(thread.input('cleanWorkspace').commandIds).toEqual([actionId]);
    thread.done('cleanWorkspace', { ended: 2 });
    expect(thread.input('execCommand').command).toBe('echo after > x');
    expect(thread.events().find(({ type }) => type === 'warning')).toMatchObject({
      message: expect.stringContaining('2 processes') as string,
    });
  });
});

describe('onBusy', () => {
  it('replace aborts the active turn as replaced, without a marker for the model', () => {
    const thread = testThread();
    thread.submit('a');
    const { id } = thread.step('callModel');
    thread.submit('b');
    expect(thread.stopping).toEqual([id]);
    thread.end('callModel', { type: 'aborted' }, id);
    expect(thread.completions('a')).toMatchObject([{ status: 'aborted', reason: 'replaced', quiescent: true }]);
    expect(thread.state.log.items.some(({ type }) => type === 'turnAborted')).toBe(false);
    expect(thread.state.active?.turnId).toBe('b');
  });

  it('queue waits for the active turn to end', () => {
    const thread = testThread();
    thread.submit('a');
    thread.submit('b', 'next', { onBusy: 'queue' });
    thread.answer('first');
    expect(thread.state.active?.turnId).toBe('b');
  });

  it('steer adds the input to the next model request', () => {
    const thread = testThread();
    thread.submit('a');
    thread.submit('b', 'also this', { onBusy: 'steer' });
    thread.answer('first');
    expect(thread.input('callModel')).toMatchObject({ turnId: 'a', step: 2, contextVersion: 3 });
    expect(thread.state.log.items[2]).toMatchObject({ type: 'userMessage', content: text('also this') });
  });

  it('reject refuses visibly and changes nothing else', () => {
    const thread = testThread();
    thread.submit('a');
    thread.submit('b', 'no', { onBusy: 'reject' });
    expect(thread.events().at(-1)).toMatchObject({ type: 'message/rejected', code: 'threadBusy', id: 'b' });
    expect(thread.state.active?.turnId).toBe('a');
    thread.answer('first');
    thread.submit('b', 'now', { onBusy: 'reject' });
    expect(thread.state.active?.turnId).toBe('b');
  });
});

describe('an interrupt', () => {
  it('waits for the end of the step, then records output, marker and terminal event at once', () => {
    const thread = testThread();
    thread.submit('a');
    thread.answer(exec('sleep 100'));
    const { actionId, index } = thread.input('execCommand');
    thread.dispatch({ type: 'interruptRequested', interrupt: { turnId: 'a' } });
    expect(thread.completions('a')).toEqual([]);
    thread.done('execCommand', { ...EXITED, outcome: 'aborted', exitCode: null, output: 'half' }, actionId);
    expect(thread.state.log.items[index]).toMatchObject({
      status: 'aborted',
      output: expect.stringContaining('half') as string,
    });
    expect(thread.types().slice(-4)).toEqual(['item/completed', 'item/started', 'item/completed', 'turn/completed']);
    expect(thread.state.log.items.at(-1)).toMatchObject({ type: 'turnAborted' });
    expect(thread.completions('a')).toMatchObject([{ status: 'aborted', reason: 'interrupted', quiescent: true }]);
  });

  it('of a turn that is not active is refused and changes nothing', () => {
    const thread = testThread();
    thread.submit('a');
    thread.dispatch({ type: 'interruptRequested', interrupt: { turnId: 'z' } });
    expect(thread.events().at(-1)).toMatchObject({ type: 'message/rejected', code: 'turnNotActive' });
    expect(thread.state.active?.aborting).toBeNull();
  });

  it('twice is the same as once', () => {
    const thread = testThread();
    thread.submit('a');
    const { id } = thread.step('callModel');
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    thread.end('callModel', { type: 'aborted' }, id);
    expect(thread.completions('a')).toHaveLength(1);
  });

  it('with a request open: the request is withdrawn, and the model never sees a rejection nobody made', () => {
    const thread = testThread({ approvalPolicy: 'untrusted' });
    thread.submit('a');
    thread.answer(exec('rm -r build'));
    expect(thread.state.requests).toHaveLength(1);
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    expect(thread.state.requests).toEqual([]);
    const resolved = thread.events().filter(({ type }) => type === 'serverRequest/resolved');
    expect(resolved).toMatchObject([{ decision: 'cancel', by: 'abort' }]);
    expect(thread.state.log.items[1]).toMatchObject({
      status: 'aborted',
      output: expect.stringContaining('aborted by user') as string,
    });
  });

  it('whose step never ends: after the bound the turn is aborted as not quiescent, and the workspace is cleaned before the next step', () => {
    const thread = testThread();
    thread.submit('a');
    thread.answer(exec('hang'));
    const { id } = thread.step('execCommand');
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    const timer = thread.action('awaitTime');
    expect(timer.at - thread.at).toBe(QUIESCENCE_BOUND_MS);
    thread.dispatch({ type: 'timeCame', id: timer.id, about: timer.about });
    expect(thread.completions('a')).toMatchObject([{ status: 'aborted', quiescent: false }]);
    thread.submit('b');
    thread.answer(exec('make'));
    expect(thread.steps('execCommand')).toEqual([]);
    expect(thread.input('cleanWorkspace').commandIds).toEqual([id]);
    thread.done('execCommand', EXITED, id);
    expect(thread.state.counters.droppedResults).toBe(1);
    thread.done('cleanWorkspace', { ended: 0 });
    expect(thread.input('execCommand').command).toBe('make');
  });

  it('drops and counts a model answer that comes after it', () => {
    const thread = testThread();
    thread.submit('a');
    const { id } = thread.step('callModel');
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    const output = [{ type: 'message' as const, text: 'late' }];
    thread.done('callModel', { type: 'answered', output, usage: thread.state.usage }, id);
    expect(thread.state.log.items.some((item) => item.type === 'agentMessage')).toBe(false);
    expect(thread.state.counters.droppedResults).toBe(1);
  });

  it('of a queued turn ends that turn without starting it', () => {
    const thread = testThread();
    thread.submit('a');
    thread.submit('b', 'later', { onBusy: 'queue' });
    thread.dispatch({ type: 'interruptRequested', interrupt: { turnId: 'b' } });
    expect(thread.completions('b')).toMatchObject([{ status: 'aborted', startedAt: null }]);
    thread.answer('first');
    expect(thread.state.active).toBeNull();
  });
});

describe('user_shell', () => {
  it('runs beside an active turn without disturbing it, and its result enters history', () => {
    const thread = testThread();
    thread.submit('a');
    thread.submit('s', 'git status', { kind: 'user_shell' });
    const { id, input } = thread.step('execCommand');
    expect(input).toMatchObject({ sandbox: 'danger-full-access', command: 'git status' });
    thread.answer('hi');
    expect(thread.completions('a')).toMatchObject([{ status: 'completed' }]);
    thread.done('execCommand', EXITED, id);
    expect(thread.completions('s')).toMatchObject([{ status: 'completed', kind: 'user_shell' }]);
  });

  it('is the active turn where there is none, and can be interrupted', () => {
    const thread = testThread();
    thread.submit('s', 'sleep 9', { kind: 'user_shell' });
    expect(thread.state.active?.turnId).toBe('s');
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    const [id] = thread.stopping;
    thread.done('execCommand', { ...EXITED, outcome: 'aborted' }, id);
    expect(thread.completions('s')).toMatchObject([{ status: 'aborted', reason: 'interrupted' }]);
  });
});

describe('closing', () => {
  it('aborts what runs, drops what is queued, and then completes', () => {
    const thread = testThread();
    thread.submit('a');
    thread.submit('b', 'later', { onBusy: 'queue' });
    const { id } = thread.step('callModel');
    thread.dispatch({ type: 'closeRequested', close: { reason: 'enough' } });
    expect(thread.completions('b')).toMatchObject([{ reason: 'threadClosed' }]);
    thread.end('callModel', { type: 'aborted' }, id);
    expect(thread.completions('a')).toMatchObject([{ reason: 'threadClosed' }]);
    expect(thread.events().at(-1)).toMatchObject({ type: 'thread/closed', reason: 'enough' });
    expect(thread.action('complete')).toBeDefined();
    thread.submit('c');
    expect(thread.events().at(-1)).toMatchObject({ type: 'message/rejected', code: 'threadClosed' });
  });
});

describe('going on as a new run', () => {
  it('happens at a step boundary in the middle of a turn, with a request open, and changes nothing', () => {
    const thread = testThread({ approvalPolicy: 'untrusted' });
    thread.submit('a');
    thread.answer(exec('ls'), exec('make'));
    thread.dispatch({ type: 'rolloverDue' });
    expect(thread.actions('continueAsNew')).toEqual([]);
    thread.done('execCommand', EXITED);
    expect(thread.state.requests).toHaveLength(1);
    expect(thread.action('continueAsNew')).toBeDefined();
    const before = thread.events();
    thread.restart(JSON.parse(JSON.stringify(toCarryOver(thread.state).carriedOver)) as typeof thread.state);
    expect(thread.events()).toEqual(before);
    expect(thread.action('awaitTime').about).toMatchObject({ type: 'requestDeadline' });
    const requestId = thread.state.requests[0]!.requestId;
    thread.dispatch({ type: 'requestAnswered', answer: { requestId, decision: 'accept' }, by: 'person' });
    expect(thread.input('execCommand').command).toBe('make');
  });

  it('archives the past first and keeps every event readable by its number', () => {
    const thread = testThread();
    for (let i = 0; i < 40; i++) {
      thread.submit(`turn-${i}`);
      thread.answer(`answer ${i}`);
    }
    const all = thread.events();
    thread.dispatch({ type: 'rolloverDue' });
    const { segment } = thread.input('archiveSegment');
    thread.done('archiveSegment', null);
    expect(thread.action('continueAsNew')).toBeDefined();
    expect(thread.state.log.firstSeq).toBe(segment.events.to);
    expect(thread.state.log.archived).toEqual([segment]);
    const live = all.filter(({ seq }) => seq >= segment.events.to);
    thread.restart(toCarryOver(thread.state).carriedOver);
    thread.submit('next');
    expect(thread.state.log.events.slice(0, live.length).map(({ seq }) => seq)).toEqual(live.map(({ seq }) => seq));
  });
});
