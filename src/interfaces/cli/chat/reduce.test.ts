import { describe, expect, it } from 'vitest';
import {
  activeView,
  begin,
  commandRequest,
  happened,
  patchRequest,
  play,
  press,
  questionRequest,
  tick,
  typed,
  READ,
  USAGE,
  viewOf,
} from './test-state.ts';
import type { ChatInput } from './state.ts';

const view = (given: ReturnType<typeof viewOf>): ChatInput => ({ type: 'view', view: given });
const asking = (request: ReturnType<typeof commandRequest>): ChatInput[] => [
  view(activeView('regular', { openRequests: [request] })),
  ...READ,
];
const kinds = (effects: { type: string }[]) => effects.map(({ type }) => type);

describe('a prompt', () => {
  it('is sent with Enter, and is in the history', () => {
    const { state, effects } = play(begin(), typed('hello'), press('enter'));
    expect(effects).toEqual([
      { type: 'remember', prompts: ['hello'] },
      { type: 'submit', text: 'hello', onBusy: 'steer', model: null },
    ]);
    expect(state.draft.text).toBe('');
    expect(play(state, press('up')).state.draft.text).toBe('hello');
  });

  it('joins a turn of the conversation, waits with Tab, and always waits for a turn of another kind', () => {
    const sent = (kind: 'regular' | 'compact', key: 'enter' | 'tab') =>
      play(begin(), view(activeView(kind)), typed('more'), press(key)).effects.at(-1);
    expect(sent('regular', 'enter')).toMatchObject({ onBusy: 'steer' });
    expect(sent('regular', 'tab')).toMatchObject({ onBusy: 'queue' });
    expect(sent('compact', 'enter')).toMatchObject({ onBusy: 'queue' });
  });

  it('has several lines after a backslash, Ctrl-J or a paste', () => {
    const { state } = play(begin(), typed('a\\'), press('enter'), typed('b'), press('newline'), {
      type: 'paste',
      text: 'c\r\nd',
    });
    expect(state.draft.text).toBe('a\nb\nc\nd');
  });

  it('of a megabyte is not inserted, and that is said', () => {
    const { state, out } = play(begin(), typed('a'), { type: 'paste', text: 'x'.repeat(1_048_576) });
    expect(state.draft.text).toBe('a');
    expect(out).toEqual([expect.stringContaining('has 1,048,577 characters, and a prompt at most 262,144')]);
  });

  it('comes back if it could not be sent or was refused', () => {
    const submitted: ChatInput = { type: 'submitted', turnId: 'turn-9', text: 'hello' };
    const failed = play(begin(), submitted, { type: 'said', lines: ['no'], text: 'hello', turnId: 'turn-9' });
    expect(failed.state).toMatchObject({ waiting: [], draft: { text: 'hello' } });
    const reject = { message: 'submitTurn', code: 'queueFull' as const, reason: 'full', id: 'turn-9' };
    const refused = play(begin(), submitted, happened({ type: 'message/rejected', ...reject }));
    expect(refused.state).toMatchObject({ waiting: [], draft: { text: 'hello' } });
  });

  it('is shown as sent until the thread has recorded it', () => {
    const submitted: ChatInput = { type: 'submitted', turnId: 'turn-9', text: 'hello' };
    expect(play(begin(), submitted).state.waiting).toEqual([{ turnId: 'turn-9', text: 'hello' }]);
    const steered = happened({ type: 'turn/steered', turnId: 'turn-1', steerTurnId: 'turn-9' });
    expect(play(begin(), submitted, steered).state.waiting).toEqual([]);
  });

  it('that begins with ! or / is a command; a path is not', () => {
    const last = (text: string) => play(begin(), typed(text), press('enter')).effects.at(-1);
    expect(last('!ls -l')).toEqual({ type: 'shell', command: 'ls -l' });
    expect(last('/rollback 2')).toEqual({ type: 'slash', command: { name: 'rollback', argument: '2' } });
    expect(last('/etc/hosts has what?')).toMatchObject({ type: 'submit' });
    expect(play(begin(), typed('/nonsense'), press('enter'))).toMatchObject({
      out: [expect.stringContaining('no command /nonsense')],
      effects: [expect.objectContaining({ type: 'complete' })],
      state: { draft: { text: '/nonsense' } },
    });
  });

  it('uses the model that was chosen for it, once', () => {
    const { effects } = play(
      begin(),
      typed('/model big/one'),
      press('enter'),
      typed('a'),
      press('enter'),
      typed('b'),
      press('enter'),
    );
    const models = effects.flatMap((effect) => (effect.type === 'submit' ? [[effect.model, effect.onBusy]] : []));
    expect(models).toEqual([
      ['big/one', 'queue'],
      [null, 'steer'],
    ]);
  });
});

describe('the effort', () => {
  const overridesOf = (...lines: string[]) =>
    play(begin(), ...lines.flatMap((line) => [typed(line), press('enter')])).effects.flatMap((effect) =>
      effect.type === 'submit' ? [{ effort: effect.effort, onBusy: effect.onBusy }] : [],
    );

  it('that was chosen comes with the next prompt, once', () => {
    expect(overridesOf('/effort high', 'a', 'b')).toEqual([
      { effort: 'high', onBusy: 'queue' },
      { effort: undefined, onBusy: 'steer' },
    ]);
  });

  it('may come with the model, as its second word', () => {
    const { effects } = play(begin(), typed('/model big/one high'), press('enter'), typed('a'), press('enter'));
    expect(effects).toContainEqual(expect.objectContaining({ type: 'submit', model: 'big/one', effort: 'high' }));
  });

  it('is one of the known words', () => {
    const { out } = play(begin(), typed('/effort immense'), press('enter'));
    expect(String(out.at(-1))).toContain('An effort is one of default, none');
    expect(overridesOf('/effort immense', 'a')).toMatchObject([{ onBusy: 'steer' }]);
  });
});

describe('a request', () => {
  it.each([
    ['y', { decision: 'accept' }],
    ['a', { decision: 'acceptForSession' }],
    ['t', { decision: 'accept', remember: { scope: 'thread' } }],
    ['r', { decision: 'accept', remember: { scope: 'repository' } }],
    ['n', { decision: 'decline' }],
  ])('is answered by %s, once', (key, answer) => {
    const { effects } = play(begin(), ...asking(commandRequest()), typed(key), typed(key));
    const answers = effects.filter(({ type }) => type === 'resolve');
    expect(answers).toEqual([{ type: 'resolve', answer: { requestId: 'req_1', ...answer } }]);
  });

  it('stops the turn with Esc', () => {
    const { effects } = play(begin(), ...asking(commandRequest()), press('escape'));
    expect(effects).toEqual([{ type: 'resolve', answer: { requestId: 'req_1', decision: 'cancel' } }]);
  });

  it('is not answered by keys that were typed before it could be read, or into a prompt', () => {
    const open = view(activeView('regular', { openRequests: [commandRequest()] }));
    // One tick, however late: the process was busy, and what was typed meanwhile comes after it.
    const early = play(begin(), open, tick(60_000), typed('y'));
    expect(early.effects).toEqual([]);
    expect(early.state.draft.text).toBe('y');
    const later = play(early.state, ...READ, typed('es'));
    expect(later.state.draft.text).toBe('yes');
    expect(kinds(play(later.state, press('deleteBefore'), typed('y')).effects)).toEqual(['resolve']);
  });

  it('is not answered by the second of two keys that are pressed at once', () => {
    const [one, two] = [commandRequest(), commandRequest({ requestId: 'req_2', itemId: 'item_2' })];
    const both = view(activeView('regular', { openRequests: [one, two] }));
    const once = play(begin(), both, ...READ, typed('y'), typed('y'));
    expect(once.effects).toEqual([{ type: 'resolve', answer: { requestId: 'req_1', decision: 'accept' } }]);
    const then = play(once.state, press('deleteBefore'), ...READ, typed('n'));
    expect(then.effects).toEqual([{ type: 'resolve', answer: { requestId: 'req_2', decision: 'decline' } }]);
  });

  it('is printed whole, once, before it can be answered, whichever of its event and the view comes first', () => {
    const request = commandRequest();
    const asked = happened({ type: 'item/commandExecution/requestApproval', request });
    const open = view(activeView('regular', { openRequests: [request] }));
    for (const inputs of [
      [asked, open],
      [open, asked],
      [open, open],
    ]) {
      const { out } = play(begin(), ...inputs);
      expect(out.filter((row) => row.includes('wants to run a command'))).toHaveLength(1);
      expect(out).toContain('     folder | /work');
    }
  });

  it('that somebody else has answered takes no key any more', () => {
    const by = { requestId: 'req_1', decision: 'accept' as const, by: 'person' as const };
    const { state } = play(begin(), ...asking(commandRequest()), happened({ type: 'serverRequest/resolved', ...by }));
    expect(kinds(play(state, typed('n')).effects)).toEqual([]);
  });

  it('can be answered again if the answer was refused', () => {
    const answered = play(begin(), ...asking(commandRequest()), typed('y')).state;
    expect(play(answered, ...asking(commandRequest())).state.requests).toEqual([]);
    const reject = { message: 'resolveRequest', code: 'requestMismatch' as const, reason: 'no', id: 'req_1' };
    const again = play(answered, happened({ type: 'message/rejected', ...reject }), ...asking(commandRequest()));
    expect(kinds(play(again.state, typed('n')).effects)).toEqual(['resolve']);
  });

  it('shows the whole command and its folder, or every line of a patch', () => {
    const command = `echo ${'long '.repeat(100)}end`;
    const asked = (request: ReturnType<typeof commandRequest>) =>
      play(begin(), happened({ type: 'item/commandExecution/requestApproval', request })).out;
    const rows = asked(commandRequest({ command }));
    const shown = rows.map((row) => row.slice(14)).join('');
    expect(shown.replaceAll(' ', '')).toContain(command.replaceAll(' ', ''));
    expect(rows).toContain('     folder | /work');
    const patch = [
      '*** Begin Patch',
      '*** Add File: a.txt',
      ...Array.from({ length: 200 }, (_, n) => `+line ${n}`),
    ].join('\n');
    expect(asked(patchRequest(patch)).filter((row) => /\| \+line \d+$/.test(row))).toHaveLength(200);
  });

  it('of an agent below names its path', () => {
    const origin = { threadId: 't-1/1/2', path: ['t-1/1', 't-1/1/2'], requestId: 'req_4', answered: false };
    const { out } = play(
      begin(),
      happened({ type: 'item/commandExecution/requestApproval', request: commandRequest({ origin }) }),
    );
    expect(out[0]).toContain('agent t-1/1 › t-1/1/2 wants to run a command');
  });

  it('of the past is only named', () => {
    const past: ChatInput = { type: 'past', until: 5, open: [], lines: [] };
    const { out } = play(
      begin(),
      past,
      happened({ type: 'item/commandExecution/requestApproval', request: commandRequest() }, 3),
    );
    expect(out).toEqual(['? req_1 wants to run a command in the sandbox']);
  });
});

describe('a question', () => {
  it('is answered by the number of an option or by words, one question after the other', () => {
    const request = questionRequest({ id: 'colour', options: ['red', 'blue'] }, { id: '__proto__', options: [] });
    const { effects } = play(begin(), ...asking(request), typed('2'), press('enter'), typed('any y'), press('enter'));
    const answers = JSON.parse('{"colour":{"answers":["blue"]},"__proto__":{"answers":["any y"]}}') as object;
    expect(effects).toEqual([{ type: 'resolve', answer: { requestId: 'req_1', decision: 'accept', answers } }]);
  });

  it('is not answered by what was typed before it was there', () => {
    const before = play(
      begin(),
      typed('also fix the tests'),
      ...asking(questionRequest({ id: 'colour', options: [] })),
    );
    expect(kinds(play(before.state, press('enter')).effects)).toEqual(['remember', 'submit']);
    const then = play(before.state, press('deleteBefore'), ...READ, typed('red'), press('enter'));
    expect(kinds(then.effects)).toEqual(['resolve']);
  });

  it('still lets commands through', () => {
    const request = questionRequest({ id: 'colour', options: [] });
    const { effects } = play(begin(), ...asking(request), typed('/help'), press('enter'));
    expect(effects.at(-1)).toMatchObject({ type: 'slash' });
  });
});

describe('Esc and Ctrl-C', () => {
  it('interrupt a turn; the second Ctrl-C leaves', () => {
    const active = play(begin(), view(activeView())).state;
    expect(kinds(play(active, press('escape')).effects)).toEqual(['interrupt']);
    const session = {
      ...{ sessionId: 5, itemId: 'item_6', turnId: 'turn-1', command: 'npm run dev', cwd: '/work' },
      ...{ status: 'running' as const, startedAt: 0, endsAt: 1 },
    };
    const left = play(begin(), { type: 'view', view: viewOf({ sessions: [session] }) }).state;
    expect(kinds(play(left, press('escape')).effects)).toEqual(['interrupt']);
    expect(kinds(play(active, press('interrupt'), press('interrupt')).effects)).toEqual(['interrupt', 'leave']);
  });

  it('interrupt a turn that was sent and has not ended, although the view does not show it yet', () => {
    const sent = play(begin(), view(viewOf()), { type: 'submitted', turnId: 'turn-1', text: 'go' }).state;
    for (const name of ['escape', 'interrupt'] as const)
      expect(kinds(play(sent, press(name)).effects)).toEqual(['interrupt']);
    const ended = play(sent, { type: 'said', turnId: 'turn-1', lines: [] }).state;
    expect(kinds(play(ended, press('escape')).effects)).toEqual([]);
  });

  it('clear the prompt first, and forget the first Ctrl-C after a while or another key', () => {
    const idle = play(begin(), view(viewOf()), typed('text'), press('interrupt')).state;
    expect(idle).toMatchObject({ draft: { text: '' }, leavingAt: null });
    expect(kinds(play(idle, press('interrupt'), tick(3_000), press('interrupt')).effects)).toEqual([]);
    expect(kinds(play(idle, press('interrupt'), typed('a'), press('interrupt')).effects)).toEqual([]);
    expect(kinds(play(idle, press('interrupt'), tick(1_000), press('interrupt')).effects)).toEqual(['leave']);
  });

  it('Ctrl-D leaves with an empty prompt only', () => {
    expect(kinds(play(begin(), press('endOfInput')).effects)).toEqual(['leave']);
    expect(kinds(play(begin(), typed('a'), press('endOfInput')).effects)).toEqual([]);
  });
});

describe('the queue', () => {
  const queued = { turnId: 'q-1', kind: 'regular' as const, text: 'later', chars: 5, overrides: {} };

  it('gives its newest turn back to the prompt', () => {
    const { state, effects } = play(begin(), view(activeView('regular', { queuedTurns: [queued] })), press('takeBack'));
    expect(state.draft.text).toBe('later');
    expect(effects).toEqual([
      { type: 'editQueue', edit: { op: 'drop', turnId: 'q-1', reason: 'taken back to be edited' } },
    ]);
  });

  it('keeps a turn of which only the beginning is known', () => {
    const { effects } = play(
      begin(),
      view(activeView('regular', { queuedTurns: [{ ...queued, chars: 9_000 }] })),
      press('takeBack'),
    );
    expect(effects).toEqual([]);
  });
});

describe('another thread', () => {
  it('takes nothing over from the one before but the prompt', () => {
    const before = play(
      begin(['old']),
      ...asking(commandRequest()),
      { type: 'submitted', turnId: 'x', text: 'x' },
      typed('draft'),
    );
    const { state } = play(before.state, { type: 'opened', threadId: 't-2', lines: [] });
    expect(state).toMatchObject({ threadId: 't-2', pastUntil: 0, view: null, requests: [], waiting: [], live: [] });
    expect(state).toMatchObject({ draft: { text: 'draft' }, recall: { prompts: ['old'] } });
  });
});

describe('lost connections', () => {
  it('are said once, and so is their end', () => {
    const trouble = (given: 'worker' | 'service' | 'slow' | null): ChatInput => ({ type: 'trouble', trouble: given });
    const { out } = play(
      begin(),
      trouble('slow'),
      trouble('worker'),
      trouble('slow'),
      trouble('worker'),
      trouble(null),
      trouble(null),
    );
    expect(out).toEqual([expect.stringContaining('The worker does not answer'), 'A worker answers again.']);
  });
});

describe('the list of threads', () => {
  it('is moved through with the arrow keys, and Enter opens one', () => {
    const threads = ['a', 'b', 'c'].map((threadId) => ({ threadId, title: '', status: 'running' }));
    const picking = play(begin(), { type: 'pick', threads }).state;
    const { effects, state } = play(picking, press('down'), press('down'), press('down'), press('up'), press('enter'));
    expect(effects).toEqual([{ type: 'slash', command: { name: 'resume', argument: 'b' } }]);
    expect(state.picker).toBeNull();
    expect(play(picking, press('escape')).state.picker).toBeNull();
  });
});

describe('without a terminal', () => {
  const line = (text: string): ChatInput => ({ type: 'line', text });

  it('a line is a prompt that waits for its turn, or the answer to the open request', () => {
    expect(play(begin(), line('hello')).effects.at(-1)).toMatchObject({
      type: 'submit',
      text: 'hello',
      onBusy: 'queue',
    });
    const open = view(activeView('regular', { openRequests: [commandRequest()] }));
    expect(play(begin(), open, line('Y')).effects).toMatchObject([{ type: 'resolve', answer: { decision: 'accept' } }]);
    expect(play(begin(), open, line('esc')).effects).toMatchObject([{ answer: { decision: 'cancel' } }]);
    const asked = view(activeView('regular', { openRequests: [questionRequest({ id: 'q', options: ['a'] })] }));
    expect(play(begin(), asked, line('1')).effects).toMatchObject([{ answer: { answers: { q: { answers: ['a'] } } } }]);
  });
});

describe('an answer that is cut off', () => {
  const delta = (text: string): ChatInput => ({
    type: 'event',
    event: { type: 'item/agentMessage/delta', turnId: 'turn-1', step: 1, attempt: 1, offset: 0, delta: text },
  });
  const ended = (turnId: string, end: object): ChatInput =>
    happened({
      type: 'turn/completed',
      turn: { turnId, kind: 'regular', durationMs: 5, usage: USAGE, ...end } as never,
    });
  const aborted = { status: 'aborted', reason: 'interrupted', detail: null, quiescent: true };

  it('stays on the screen once, with a mark, however its turn ends', () => {
    const marker = { id: 'item_3', turnId: 'turn-1', type: 'turnAborted', text: '' } as never;
    const failed = { status: 'failed', error: { code: 'modelFailed', message: 'no' } };
    for (const end of [
      [happened({ type: 'item/completed', turnId: 'turn-1', item: marker }), ended('turn-1', aborted)],
      [ended('turn-1', aborted)],
      [ended('turn-1', failed)],
    ]) {
      const { out, state } = play(begin(), delta('half an ans'), ...end);
      expect(out.filter((row) => row === '│ half an ans')).toHaveLength(1);
      expect(out).toContain('  cut off here; the thread keeps nothing of this answer');
      expect(state.live).toEqual([]);
    }
  });

  it('is not one that became an item, and not one that goes on while a command of the person ends', () => {
    const item = { id: 'item_3', turnId: 'turn-1', step: 1, type: 'agentMessage', text: 'whole' } as const;
    const whole = play(begin(), delta('whole'), happened({ type: 'item/completed', turnId: 'turn-1', item }));
    expect(whole.out).toEqual(['', '│ whole']);
    const other = play(begin(), delta('goes on'), ended('of-the-person', { ...aborted, kind: 'user_shell' }));
    expect(other.out.join()).not.toContain('goes on');
    expect(other.state.live).toMatchObject([{ tail: 'goes on' }]);
  });
});

describe('an agent below', () => {
  const of = (input: ChatInput, threadId = 't-1/1', name = 'helper'): ChatInput => {
    if (input.type !== 'event') throw new Error('no event');
    return { type: 'agentEvent', threadId, name, event: input.event };
  };
  const delta = (turnId: string, text: string): ChatInput => ({
    type: 'event',
    event: { type: 'item/agentMessage/delta', turnId, step: 1, attempt: 1, offset: 0, delta: text },
  });

  it('is shown with its name, apart from others that have the same ids', () => {
    const item = { id: 'item_3', turnId: 'turn-1', step: 1, type: 'agentMessage', text: 'done' } as const;
    const { state, out } = play(
      begin(),
      delta('turn-1', 'of the thread'),
      of(delta('turn-1', 'of the helper')),
      of(delta('turn-1', 'deep down'), 't-1/1/1', 'helper › deep'),
      of(happened({ type: 'item/completed', turnId: 'turn-1', item })),
    );
    expect(out).toEqual(['[helper] │ done']);
    expect(state.live).toMatchObject([{ tail: 'of the thread' }]);
    expect([...state.agents]).toMatchObject([['t-1/1/1', { name: 'helper › deep', live: [{ tail: 'deep down' }] }]]);
  });

  it('whose answer is cut off keeps what was shown, with its name', () => {
    const turn = {
      turnId: 'turn-1',
      kind: 'regular',
      status: 'aborted',
      reason: 'interrupted',
      durationMs: 5,
      usage: USAGE,
    };
    const { out } = play(
      begin(),
      of(delta('turn-1', 'half an ans')),
      of(happened({ type: 'turn/completed', turn: { ...turn, detail: null, quiescent: true } as never })),
    );
    expect(out.slice(0, 2)).toEqual([
      '[helper] │ half an ans',
      '[helper]   cut off here; the thread keeps nothing of this answer',
    ]);
  });
});
