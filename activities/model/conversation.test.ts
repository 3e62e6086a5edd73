import { describe, expect, it } from 'vitest';
import type { Item, ReviewOutput } from '../../src/contract/index.ts';
import { toConversation, userMessagesOf } from './conversation.ts';

type Compaction = Extract<Item, { type: 'contextCompaction' }>;

const place = (index: number) => ({ id: `item_${index}`, turnId: 't', step: 0 });

function user(index: number): Item {
  return { ...place(index), type: 'userMessage', content: [{ type: 'text', text: `user ${index}` }] };
}

function agent(index: number): Item {
  return { ...place(index), type: 'agentMessage', text: `agent ${index}` };
}

function shell(index: number): Item {
  const base = { callId: `shell_${index}`, call: null, command: 'ls', cwd: '/w', source: 'userShell' } as const;
  return {
    ...place(index),
    ...base,
    type: 'commandExecution',
    status: 'completed',
    output: 'listed',
    exitCode: 0,
    durationMs: 1,
  };
}

function compaction(index: number, more: Partial<Compaction> = {}): Compaction {
  return {
    ...place(index),
    type: 'contextCompaction',
    trigger: 'manual',
    summary: `summary ${index}`,
    userMessages: ['kept'],
    provider: null,
    upTo: index,
    keptItems: [],
    tokensBefore: null,
    droppedEntries: 0,
    durationMs: 1,
    ...more,
  };
}

/** Who says what, in short. */
function shown(counted: { items: Item[]; first: number; compaction: number | null }): string[] {
  return toConversation(counted).map((entry) => {
    if (entry.type !== 'message') return entry.type;
    const summary = /summary \d+/.exec(entry.text);
    return summary !== null ? summary[0] : entry.text.startsWith('<user_shell') ? 'shell' : entry.text;
  });
}

describe('a conversation after a compaction', () => {
  it('is the messages that were kept, the summary, and what came after', () => {
    const items = [user(0), agent(1), compaction(2), user(3)];
    const counted = { items, first: 0, compaction: 2 };
    expect(shown(counted)).toEqual(['kept', 'summary 2', 'user 3']);
    expect(userMessagesOf(counted)).toEqual(['kept', 'user 3']);
  });

  it('has what the compaction did not replace after the summary, although it came before the compaction', () => {
    const items = [user(10), shell(11), compaction(12, { upTo: 10 }), agent(13)];
    expect(shown({ items, first: 10, compaction: 12 })).toEqual(['kept', 'summary 12', 'user 10', 'shell', 'agent 13']);
  });

  it('has the command that had not ended then, and nothing else of before', () => {
    const items = [shell(5), user(6), agent(7), compaction(8, { keptItems: [5] }), user(9)];
    const counted = { items, first: 5, compaction: 8 };
    expect(shown(counted)).toEqual(['kept', 'summary 8', 'shell', 'user 9']);
    expect(userMessagesOf(counted)).toEqual(['kept', 'user 9']);
  });

  it('shows nothing of a compaction that does not count', () => {
    const items = [user(0), compaction(1), agent(2), compaction(3), user(4)];
    expect(shown({ items, first: 0, compaction: 3 })).toEqual(['kept', 'summary 3', 'user 4']);
    expect(shown({ items, first: 0, compaction: null })).toEqual(['user 0', 'agent 2', 'user 4']);
  });

  it("is the provider's own form where it has one, with words for those that cannot read it", () => {
    const output = [{ type: 'compaction', encrypted_content: 'sealed' }];
    const own = compaction(1, { summary: '', provider: { provider: 'openai', output } });
    const entries = toConversation({ items: [own, user(2)], first: 1, compaction: 1 });
    expect(entries).toMatchObject([
      { type: 'compaction', provider: 'openai', output, otherwise: [{ text: 'kept' }, { role: 'user' }] },
      { type: 'message', text: 'user 2' },
    ]);
  });
});

describe('a review in a conversation', () => {
  const review = (output: ReviewOutput | null): Item => ({
    ...{ type: 'exitedReviewMode', id: 'item_1', turnId: 'r', step: 0, review: 'current changes' },
    ...{ reviewOutput: output, range: null },
  });
  const target = { type: 'uncommittedChanges' } as const;
  const entered: Item = { type: 'enteredReviewMode', id: 'item_0', turnId: 'r', step: 0, review: 'x', target };
  const messageOf = (output: ReviewOutput | null) => {
    const entries = toConversation({ items: [entered, review(output)], first: 0, compaction: null });
    expect(entries).toMatchObject([{ type: 'message', role: 'user' }]);
    return entries[0]?.type === 'message' ? entries[0].text : '';
  };
  const finding = { confidenceScore: 1, priority: 1, codeLocation: null } as const;
  const place = (path: string, more: object) => ({
    ...{ path, lineRange: { start: 3, end: 4 }, inRepository: true, inDiff: true },
    ...more,
  });

  it('is what it found: titles with their places, and bodies below them', () => {
    const text = messageOf({
      findings: [
        { ...finding, title: '[P1] Close it', body: 'It leaks.\n\nAlways.', codeLocation: place('a.ts', {}) },
        { ...finding, title: '[P3] Name it', body: '', codeLocation: place('b.ts', { inDiff: false }) },
        { ...finding, title: 'Else', body: '', codeLocation: place('/c.ts', { inRepository: false, inDiff: false }) },
      ],
      ...{ overallCorrectness: 'patch is incorrect', overallExplanation: 'It leaks.', overallConfidenceScore: 1 },
      findingsLeftOut: 2,
    });
    expect(text).toBe(
      [
        ...['<review>', '<target>', 'current changes', '</target>', '<result>', 'It leaks.', ''],
        ...['- [P1] Close it — a.ts:3-4', '  It leaks.', '', '  Always.'],
        ...['- [P3] Name it — b.ts:3-4 (outside the changes)', '- Else — /c.ts:3-4 (outside the repository)', ''],
        ...['(2 more could not be read or kept)', '</result>', '</review>'],
      ].join('\n'),
    );
  });

  it('says so where it found nothing, and where it came to no result', () => {
    const nothing = { findings: [], overallExplanation: '', overallConfidenceScore: null, findingsLeftOut: 0 };
    expect(messageOf({ ...nothing, overallCorrectness: 'patch is correct' })).toContain('It found nothing.');
    expect(messageOf(null)).toContain('came to no result');
  });
});
