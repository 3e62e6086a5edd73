import { describe, expect, it } from 'vitest';
import { Failure } from '../failures.ts';
import type { ConversationEntry, ModelRequest } from '../ports.ts';
import { askWithReasoning } from './refused-reasoning.ts';

const message = (text: string): ConversationEntry => ({ type: 'message', role: 'user', text });
const reasoning: ConversationEntry = { type: 'reasoning', summary: [], encryptedContent: 'sealed' };
const compaction: ConversationEntry = {
  type: 'compaction',
  provider: 'openai',
  output: [{ type: 'compaction', encrypted_content: 'sealed' }],
  otherwise: [message('kept')],
};

const requestWith = (...conversation: ConversationEntry[]): ModelRequest => ({
  model: 'openai/gpt-reasoning',
  instructions: '',
  conversation,
  tools: [],
  parallelToolCalls: true,
  promptCacheKey: 'thread',
});

const refusal = (words: string, providerCode?: string) =>
  new Failure('modelBadRequest', `Model gpt-reasoning at http://a answered HTTP 400: ${words}`, {
    details: providerCode === undefined ? {} : { providerCode },
  });

/** An endpoint that refuses entries of these types, and what it was sent. */
function endpoint(error: Failure, ...types: ConversationEntry['type'][]) {
  const sent: ConversationEntry['type'][][] = [];
  const ask = ({ conversation }: ModelRequest) => {
    sent.push(conversation.map(({ type }) => type));
    return conversation.some(({ type }) => types.includes(type)) ? Promise.reject(error) : Promise.resolve('answer');
  };
  return { sent, ask };
}

const { signal } = new AbortController();

describe('a request whose sealed reasoning is refused', () => {
  it.each([
    ['The encrypted content gAAA...c90= could not be verified.', 'invalid_encrypted_content'],
    ['No.', 'invalid_encrypted_content'],
    ['Reasoning input items can only be provided to a reasoning or computer use model.', undefined],
    ["Item 'rs_1' of type 'reasoning' was provided without its required following item.", undefined],
    ["Item with id 'rs_1' not found. Items are not persisted when `store` is set to false.", undefined],
    ['messages.1.content.0: Invalid `signature` in `thinking` block', 'invalid_request_error'],
    ['Thought signature is not valid', 'INVALID_ARGUMENT'],
  ])('is sent once more without it, with a warning: %s', async (words, code) => {
    const { sent, ask } = endpoint(refusal(words, code), 'reasoning');
    const { result, warnings } = await askWithReasoning(requestWith(message('a'), reasoning), signal, ask);
    expect(result).toBe('answer');
    expect(warnings).toEqual([
      'Model openai/gpt-reasoning was asked without the reasoning of earlier answers, because its endpoint refused it.',
    ]);
    expect(sent).toEqual([['message', 'reasoning'], ['message']]);
  });

  it('goes without the provider’s own compaction only if that is refused too', async () => {
    const { sent, ask } = endpoint(refusal('No.', 'invalid_encrypted_content'), 'reasoning', 'compaction');
    const { warnings } = await askWithReasoning(requestWith(compaction, reasoning), signal, ask);
    expect(warnings).toHaveLength(2);
    expect(sent).toEqual([['compaction', 'reasoning'], ['compaction'], ['message']]);
    const kept = endpoint(refusal('No.', 'invalid_encrypted_content'), 'reasoning');
    await askWithReasoning(requestWith(compaction, reasoning), signal, kept.ask);
    expect(kept.sent.at(-1)).toEqual(['compaction']);
  });

  it('is not sent again if it has none, or if the refusal is about something else', async () => {
    const sealed = endpoint(refusal('No.', 'invalid_encrypted_content'), 'message');
    await expect(askWithReasoning(requestWith(message('a')), signal, sealed.ask)).rejects.toThrow('No.');
    const effort = "Unsupported parameter: 'reasoning.effort' is not supported with this model.";
    const other = endpoint(refusal(effort), 'reasoning');
    await expect(askWithReasoning(requestWith(reasoning), signal, other.ask)).rejects.toThrow(effort);
    const broken = endpoint(new Failure('modelServerError', 'encrypted content'), 'reasoning');
    await expect(askWithReasoning(requestWith(reasoning), signal, broken.ask)).rejects.toThrow('encrypted content');
    expect([sealed.sent, other.sent, broken.sent].map(({ length }) => length)).toEqual([1, 1, 1]);
  });

  it('is not sent again once the step was stopped', async () => {
    const stop = new AbortController();
    const { sent, ask } = endpoint(refusal('No.', 'invalid_encrypted_content'), 'reasoning');
    const asked = askWithReasoning(requestWith(reasoning), stop.signal, (request) => {
      stop.abort(new Error('stopped'));
      return ask(request);
    });
    await expect(asked).rejects.toThrow('stopped');
    expect(sent).toHaveLength(1);
  });
});
