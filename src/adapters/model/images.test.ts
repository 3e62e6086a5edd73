import { describe, expect, it } from 'vitest';
import type { ConversationEntry, ModelImage } from '../../../activities/ports.ts';
import { createAiSdkModel } from './ai-sdk/ai-sdk.ts';
import { toCompactBody, toResponsesBody } from './responses/request.ts';
import { aRequest, anIo, sendJson, startEndpoint } from './responses/test-endpoint.ts';

const image = (base64: string): ModelImage => ({ mediaType: 'image/png', width: 1, height: 1, sha256: 's', base64 });

const conversation: ConversationEntry[] = [
  { type: 'message', role: 'user', text: 'What is this?', images: [image('T05F'), image('VFdP')] },
  { type: 'toolCall', callId: 'a', name: 'view_image', arguments: '{"path":"a.png"}' },
  { type: 'toolCall', callId: 'b', name: 'view_image', arguments: '{"path":"b.png"}' },
  { type: 'toolOutput', callId: 'a', name: 'view_image', output: 'a.png', images: [image('VEhSRUU=')] },
  { type: 'toolOutput', callId: 'b', name: 'view_image', output: 'there is no such file' },
];

it('Responses: images are parts of a message, and of the output of a call', () => {
  const input = [
    {
      type: 'message',
      role: 'user',
      content: [
        { type: 'input_text', text: 'What is this?' },
        { type: 'input_image', image_url: 'data:image/png;base64,T05F' },
        { type: 'input_image', image_url: 'data:image/png;base64,VFdP' },
      ],
    },
    { type: 'function_call', call_id: 'a', name: 'view_image', arguments: '{"path":"a.png"}' },
    { type: 'function_call', call_id: 'b', name: 'view_image', arguments: '{"path":"b.png"}' },
    {
      type: 'function_call_output',
      call_id: 'a',
      output: [
        { type: 'input_text', text: 'a.png' },
        { type: 'input_image', image_url: 'data:image/png;base64,VEhSRUU=' },
      ],
    },
    { type: 'function_call_output', call_id: 'b', output: 'there is no such file' },
  ];
  expect(toResponsesBody(aRequest({ conversation }), false)['input']).toEqual(input);
  expect(toCompactBody(aRequest({ conversation }), false)['input']).toEqual(input);
});

describe('AI SDK', () => {
  /** The messages that reach the endpoint of a provider. */
  async function sent(provider: string, keys: (url: string) => Record<string, string>): Promise<unknown> {
    await using endpoint = await startEndpoint((response) => sendJson(response, 400, { error: { message: 'no' } }));
    const model = createAiSdkModel(keys(endpoint.url));
    await model.respond(aRequest({ model: `${provider}/m`, conversation }), anIo()).catch(() => undefined);
    const body = endpoint.received[0]?.body as { messages?: unknown; contents?: unknown };
    return body.messages ?? body.contents;
  }

  it('Anthropic: the same, in its words', async () => {
    const source = (data: string) => ({ type: 'image', source: { type: 'base64', media_type: 'image/png', data } });
    expect(await sent('anthropic', (url) => ({ ANTHROPIC_API_KEY: 'k', ANTHROPIC_BASE_URL: url }))).toMatchObject([
      { role: 'user', content: [{ type: 'text', text: 'What is this?' }, source('T05F'), source('VFdP')] },
      { role: 'assistant' },
      {
        role: 'user',
        content: [
          { tool_use_id: 'a', content: [{ type: 'text', text: 'a.png' }, source('VEhSRUU=')] },
          { tool_use_id: 'b', content: 'there is no such file' },
        ],
      },
    ]);
  });

  it('Google: images stand beside the output of a call, whose words stay', async () => {
    const keys = (url: string) => ({ GOOGLE_GENERATIVE_AI_API_KEY: 'k', GOOGLE_GENERATIVE_AI_BASE_URL: url });
    const contents = JSON.stringify(await sent('google', keys));
    for (const data of ['T05F', 'VFdP', 'VEhSRUU=']) expect(contents).toContain(`"data":"${data}"`);
    expect(contents).toContain('"content":"a.png"');
    expect(contents).toContain('there is no such file');
  });

  it('a compatible endpoint, whose outputs are text: images of outputs follow as a message', async () => {
    const part = (data: string) => ({ type: 'image_url', image_url: { url: `data:image/png;base64,${data}` } });
    expect(await sent('openai-compatible', (url) => ({ BOBBIN_MODEL_BASE_URL: url }))).toMatchObject([
      { role: 'system' },
      { role: 'user', content: [{ type: 'text', text: 'What is this?' }, part('T05F'), part('VFdP')] },
      { role: 'assistant' },
      { role: 'tool', tool_call_id: 'a', content: 'a.png' },
      { role: 'tool', tool_call_id: 'b', content: 'there is no such file' },
      { role: 'user', content: [{ type: 'text' }, part('VEhSRUU=')] },
    ]);
  });
});
