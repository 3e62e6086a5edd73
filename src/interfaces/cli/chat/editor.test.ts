import { describe, expect, it } from 'vitest';
import { type Draft, type Key, addPrompt, draftOf, edit, insert, recall, recallOf } from './editor.ts';

const key = (name: Key['name'], text = ''): Key => ({ name, text });
const press = (draft: Draft, ...names: Key['name'][]): Draft =>
  names.reduce((now, name) => edit(now, key(name)) ?? now, draft);

describe('the prompt', () => {
  it('inserts where the cursor is, and moves by characters, words and lines', () => {
    expect(insert({ text: 'ac', at: 1 }, 'b')).toEqual({ text: 'abc', at: 2 });
    expect(press(draftOf('one two'), 'wordLeft')).toEqual({ text: 'one two', at: 4 });
    expect(press(draftOf('one two'), 'home', 'wordRight').at).toBe(3);
    expect(press(draftOf('abc\nde'), 'up')).toEqual({ text: 'abc\nde', at: 2 });
    expect(press({ text: 'abc\nde', at: 3 }, 'down').at).toBe(6);
    expect(press(draftOf('abc\nde'), 'home').at).toBe(4);
    expect(press({ text: 'abc\nde', at: 0 }, 'end').at).toBe(3);
  });

  it('deletes whole characters, also of several code points', () => {
    expect(press(draftOf('a👩‍👩‍👧'), 'backspace')).toEqual(draftOf('a'));
    expect(press({ text: '👩‍👩‍👧b', at: 0 }, 'delete')).toEqual({ text: 'b', at: 0 });
    expect(press(draftOf('e\u0301'), 'left').at).toBe(0);
    expect(press(draftOf(''), 'backspace', 'left', 'delete', 'right')).toEqual(draftOf(''));
  });

  it('deletes words and parts of lines', () => {
    expect(press(draftOf('one two '), 'deleteWord')).toEqual(draftOf('one '));
    expect(press({ text: 'a\nbcd', at: 4 }, 'deleteBefore')).toEqual({ text: 'a\nd', at: 2 });
    expect(press({ text: 'abc\nd', at: 1 }, 'deleteAfter')).toEqual({ text: 'a\nd', at: 1 });
  });

  it('takes every kind of line end for a line feed', () => {
    expect(edit(draftOf(''), key('text', 'a\r\nb\rc'))).toEqual(draftOf('a\nb\nc'));
  });
});

describe('earlier prompts', () => {
  it('come one after the other, and what was typed comes back', () => {
    const up1 = recall(recallOf(['one', 'two']), draftOf('typed'), 'up');
    expect(up1?.draft).toEqual(draftOf('two'));
    const up2 = recall(up1!.recall, up1!.draft, 'up');
    expect(up2?.draft.text).toBe('one');
    expect(recall(up2!.recall, up2!.draft, 'up')).toBeUndefined();
    const down = recall(up1!.recall, up1!.draft, 'down');
    expect(down?.draft).toEqual(draftOf('typed'));
    expect(recall(down!.recall, down!.draft, 'down')).toBeUndefined();
  });

  it('are kept once, the newest last', () => {
    expect(addPrompt(recallOf(['one', 'two']), 'one').prompts).toEqual(['two', 'one']);
  });
});
