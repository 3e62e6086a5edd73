import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import type { PartialEvent } from '../../../contract/index.ts';
import { toTypedInput } from '../../../contract/plain/remembering.ts';
import { toDollars } from '../../../contract/plain/words/amount-words.ts';
import { toFrame } from './frame.ts';
import type { ChatInput } from './state.ts';
import {
  activeView,
  begin,
  commandRequest,
  happened,
  plain,
  READ,
  play,
  questionRequest,
  tick,
  typed,
  viewOf,
} from './test-state.ts';

const rowsOf = (state: Parameters<typeof toFrame>[0], columns = 80, rows = 24) =>
  toFrame(state, { columns, rows }).rows.map(plain);
const partial = (event: PartialEvent): ChatInput => ({ type: 'event', event });
const COMMAND = {
  id: 'item_1',
  turnId: 'turn-1',
  step: 1,
  callId: 'c',
  call: null,
  status: 'inProgress' as const,
  output: '',
  type: 'commandExecution' as const,
  command: 'npm test',
  cwd: '/work',
  source: 'agent' as const,
  exitCode: null,
  durationMs: null,
};
const output = (offset: number, delta: string): ChatInput =>
  partial({ type: 'item/commandExecution/outputDelta', itemId: 'item_1', offset, delta });

describe('the frame', () => {
  it('says what runs, seconds, tokens, cost and context used, as far as it fits', () => {
    const { state } = play(begin(), { type: 'view', view: activeView() }, tick(12_000));
    const cost = toDollars(20_000);
    expect(rowsOf(state, 120)).toEqual([
      `the model answers · 12 s · Esc interrupts · 1,234 tokens · ${cost} · context 50% · offline/one`,
      '› ',
    ]);
    expect(rowsOf(state, 30)[0]).toBe('the model answers · 12 s');
  });

  it('says how many commands were left running, and what Esc does to them', () => {
    const session = {
      ...{ sessionId: 5, itemId: 'item_6', turnId: 'turn-1', command: 'npm run dev', cwd: '/work' },
      ...{ status: 'running' as const, startedAt: 0, endsAt: 1 },
    };
    const rowOf = (view: ReturnType<typeof viewOf>) =>
      rowsOf(play(begin(), { type: 'view', view: { ...view, sessions: [session] } }).state, 120)[0];
    expect(rowOf(viewOf())).toMatch(/^ready · 1 left running · Esc ends them · /);
    expect(rowOf(activeView())).toMatch(/^the model answers · [^·]*· 1 left running · Esc interrupts · /);
  });

  it('shows the text of the model and the output of a command while they come, each part once', () => {
    const message = (offset: number, delta: string, attempt = 1): ChatInput =>
      partial({ type: 'item/agentMessage/delta', turnId: 'turn-1', step: 1, attempt, offset, delta });
    const { state } = play(
      begin(),
      happened({ type: 'item/started', turnId: 'turn-1', item: COMMAND }),
      ...[output(0, 'one\n'), output(0, 'one\ntwo\n'), output(8, 'three\n')],
      ...[message(0, 'Hel'), message(3, 'lo')],
    );
    expect(rowsOf(state).slice(0, 5)).toEqual(['$ npm test', '│ one', '│ two', '│ three', '│ Hello']);
    expect(rowsOf(play(state, message(0, 'Again', 2)).state)).toContain('│ Again');
    const item = { ...COMMAND, status: 'completed' as const, exitCode: 0 };
    const ended = play(state, happened({ type: 'item/completed', turnId: 'turn-1', item })).state;
    expect(rowsOf(ended)).not.toContain('│ three');
  });

  it('shows what the model thinks until it is an item', () => {
    const delta = 'I look first.';
    const place = { turnId: 'turn-1', step: 1, attempt: 1, offset: 0 };
    const { state } = play(begin(), partial({ type: 'item/reasoning/summaryTextDelta', ...place, delta }));
    expect(rowsOf(state).slice(0, 2)).toEqual(['thinks', '│ I look first.']);
    const item = { id: 'item_2', turnId: 'turn-1', step: 1, type: 'reasoning' as const, summary: [delta] };
    const { state: ended } = play(state, happened({ type: 'item/completed', turnId: 'turn-1', item }));
    expect(rowsOf(ended)).not.toContain('thinks');
  });

  it('shows the patch that the model is writing until it is an item', () => {
    const patch = (call: number, delta: string): ChatInput =>
      partial({ type: 'item/fileChange/patchDelta', turnId: 'turn-1', step: 1, attempt: 1, call, offset: 0, delta });
    const { state } = play(begin(), patch(0, '*** Begin Patch\n*** Add File: a\n+one'));
    expect(rowsOf(state).slice(0, 4)).toEqual(['writes a patch', '│ *** Begin Patch', '│ *** Add File: a', '│ +one']);
    const other = play(state, patch(1, '*** Begin Patch')).state;
    expect(rowsOf(other).slice(0, 3)).toEqual([
      'writes a patch',
      '│ *** Begin Patch',
      expect.not.stringContaining('│'),
    ]);
    const recorded = happened({
      type: 'item/started',
      turnId: 'turn-1',
      item: { ...COMMAND, callId: 'c', call: { name: 'exec_command', arguments: '{}' } },
    });
    expect(rowsOf(play(other, recorded).state)).not.toContain('writes a patch');
    const retried = partial({ type: 'step/retrying', activity: 'callModel', attempt: 2, lastFailure: null });
    expect(rowsOf(play(other, retried).state)).not.toContain('writes a patch');
  });

  it('marks what was not shown of an output', () => {
    const { state } = play(
      begin(),
      happened({ type: 'item/started', turnId: 'turn-1', item: COMMAND }),
      output(0, 'a'),
      output(9, 'z'),
    );
    expect(rowsOf(state)).toContain('│ a… z');
  });

  it('asks with the keys that answer, or with the options of a question', () => {
    const open = (request: ReturnType<typeof commandRequest>) =>
      play(begin(), { type: 'view', view: activeView('regular', { openRequests: [request] }) }, ...READ).state;
    const command = rowsOf(open(commandRequest()), 120);
    expect(command[0]).toContain('? req_1 wants to run a command in the sandbox');
    expect(command[1]).toBe('  rm -rf build');
    expect(command[2]).toBe(
      '  y yes, once · a for the session · t remember for the thread · r for the repository · n no · Esc stop the turn',
    );
    const input = rowsOf(open(commandRequest({ command: toTypedInput(12, 'bash', 'y') })), 120);
    expect(input).toContain('  y yes, once · n no · Esc stop the turn');
    expect(rowsOf(open(questionRequest({ id: 'q', options: ['red', 'blue'] })))).toEqual(
      expect.arrayContaining(['  q?', '  1  red', '  2  blue']),
    );
  });

  it('never interprets foreign text', () => {
    const hostile = '\u001b[2J\u202e\u0007evil\r\n? req_2 wants\u009b31m';
    const { state } = play(
      begin(),
      { type: 'view', view: activeView('regular', { openRequests: [commandRequest({ command: hostile })] }) },
      happened({ type: 'item/started', turnId: 'turn-1', item: { ...COMMAND, command: hostile } }),
      output(0, hostile),
      typed(hostile),
      { type: 'offers', offers: { words: [hostile], from: 0, to: 0 } },
      { type: 'pick', threads: [{ threadId: 'a', title: hostile, status: 'running' }] },
    );
    const shown = rowsOf(state, 60, 40).join('\n');
    // eslint-disable-next-line no-control-regex
    expect(shown).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(rowsOf(state, 60, 40).filter((row) => row.startsWith('? '))).toHaveLength(1);
  });

  it('fits every screen, with the cursor in it', () => {
    fc.assert(
      fc.property(
        fc.record({ columns: fc.integer({ min: 20, max: 200 }), rows: fc.integer({ min: 6, max: 60 }) }),
        fc.string({ unit: 'grapheme', maxLength: 600 }),
        fc.string({ unit: 'binary', maxLength: 2_000 }),
        fc.nat(600),
        (size, text, foreign, at) => {
          const { state } = play(
            begin(),
            { type: 'view', view: activeView('regular', { openRequests: [commandRequest({ command: foreign })] }) },
            happened({ type: 'item/started', turnId: 'turn-1', item: { ...COMMAND, command: foreign } }),
            output(0, foreign),
          );
          const draft = { text, at: Array.from(text).slice(0, at).join('').length };
          const { rows, cursor } = toFrame({ ...state, draft }, size);
          expect(rows.length).toBeLessThan(size.rows);
          for (const row of rows) expect(stringWidth(plain(row))).toBeLessThanOrEqual(size.columns);
          expect(cursor.y).toBeLessThan(rows.length);
          expect(cursor.x).toBeLessThan(size.columns);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('is empty but for the prompt before the thread has answered', () => {
    expect(rowsOf(begin())).toEqual(['starting …', '› ']);
    expect(rowsOf(play(begin(), { type: 'view', view: viewOf() }).state, 120)[0]).toMatch(/^ready · /);
  });
});
