import { describe, expect, it } from 'vitest';
import type { ModelOutput } from '../ports.ts';
import { toBounded } from './bounded-answer.ts';

const call = (bytes: number): ModelOutput => ({
  type: 'toolCall',
  callId: 'c',
  name: 'exec_command',
  arguments: 'a'.repeat(bytes),
});
const message = (text: string): ModelOutput => ({ type: 'message', text });
const reasoning = (summary: string[], encryptedContent: string): ModelOutput => ({
  type: 'reasoning',
  id: 'rs_1',
  summary,
  encryptedContent,
});

describe('an answer that is too large for the history', () => {
  it('keeps its calls and its text, and of its reasoning a part of the summary', () => {
    const whole = reasoning(['small'], 'sealed');
    for (const large of [reasoning(['Why', 'x'.repeat(400_000)], ''), reasoning(['Why'], 's'.repeat(400_000))]) {
      const [first, second, ...rest] = toBounded([large, whole, message('Done.'), call(10)]);
      expect(first).toEqual({ type: 'reasoning', summary: [expect.stringMatching(/^Why/)] });
      expect(JSON.stringify(first).length).toBeLessThan(5_000);
      expect([second, ...rest]).toEqual([whole, message('Done.'), call(10)]);
    }
    expect(toBounded([reasoning([], 's'.repeat(400_000)), message('Done.')])).toEqual([message('Done.')]);
  });

  it('has its text cut, also in front of a call', () => {
    const [cut, kept] = toBounded([message('m'.repeat(400_000)), call(100_000)]);
    expect(cut).toEqual(message(expect.stringMatching(/^m+\n… \d+ characters were left out$/) as string));
    expect(JSON.stringify(cut).length).toBeLessThan(201_000);
    expect(kept).toEqual(call(100_000));
  });

  it('is refused for its calls only', () => {
    expect(() => toBounded([call(200_000), call(200_000)])).toThrow(/calls of more than 300000 bytes/);
  });

  it('has no more than that however many thoughts it had', () => {
    const thoughts = Array.from({ length: 500 }, () => reasoning(['x'.repeat(3_000)], 's'.repeat(3_000)));
    const bounded = toBounded([...thoughts, message('Done.')]);
    expect(JSON.stringify(bounded).length).toBeLessThan(360_000);
    expect(bounded.at(-1)).toEqual(message('Done.'));
  });
});
