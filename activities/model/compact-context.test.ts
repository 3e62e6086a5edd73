import { describe, expect, it } from 'vitest';
import type { ConversationEntry } from '../ports.ts';
import { withoutOldest } from './compact-context.ts';
import { toSummaryMessage } from './summary-words.ts';
import { newestMessages } from './user-messages.ts';

const message = (text: string): ConversationEntry => ({ type: 'message', role: 'user', text });
const call = (callId: string): ConversationEntry => ({
  type: 'toolCall',
  callId,
  name: 'exec_command',
  arguments: '{}',
});
const output = (callId: string): ConversationEntry => ({
  type: 'toolOutput',
  callId,
  name: 'exec_command',
  output: 'o',
});

describe('a conversation without its oldest entries', () => {
  it('has no output whose call is left out', () => {
    const entries = [message('a'), call('one'), call('two'), output('one'), output('two'), message('b')];
    expect(withoutOldest(entries, 0)).toEqual(entries);
    expect(withoutOldest(entries, 2)).toEqual([call('two'), output('two'), message('b')]);
    expect(withoutOldest(entries, 3)).toEqual([message('b')]);
  });

  it('keeps the summary of what was before it', () => {
    const summary = message(toSummaryMessage('so far'));
    expect(withoutOldest([message('a'), summary, message('b'), message('c')], 3)).toEqual([summary, message('c')]);
  });
});

describe('the newest messages of the person', () => {
  it('are those within the limit, oldest first; the one that crosses it is cut in its middle', () => {
    const messages = ['x'.repeat(50), `${'h'.repeat(20)}${'t'.repeat(20)}`, 'y'.repeat(20)];
    expect(newestMessages(messages, 10)).toEqual([
      `${'h'.repeat(10)}\n… 20 characters were left out\n${'t'.repeat(10)}`,
      'y'.repeat(20),
    ]);
    expect(newestMessages(messages, 15)).toEqual(messages.slice(1));
    expect(newestMessages(messages, 1_000)).toEqual(messages);
    expect(newestMessages([], 10)).toEqual([]);
  });

  it('are never cut within a character', () => {
    const [cut = ''] = newestMessages(['😀'.repeat(20)], 5);
    expect(cut).not.toMatch(/\p{Surrogate}/u);
    expect(cut).toContain('😀');
  });
});
