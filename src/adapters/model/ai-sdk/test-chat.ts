/** For tests of the AI SDK path: the chat-completions wire, and requests to send over it. */
import type { ServerResponse } from 'node:http';
import type { ConversationEntry } from '../../../../activities/ports.ts';
import { createAiSdkModel } from './ai-sdk.ts';
import { aRequest, beginStream } from '../responses/test-endpoint.ts';

export const KEY = 'sk-very-secret-0123456789';
export const parameters = {
  type: 'object',
  properties: { command: { type: 'string' } },
  required: ['command'],
  additionalProperties: false,
};
export const tools = [{ name: 'exec_command', description: 'Runs a command', parameters }];

/** Chunks of a chat-completions stream. */
export function sendChunks(response: ServerResponse, choices: object[], usage?: object): void {
  beginStream(response);
  const chunk = (rest: object) => `data: ${JSON.stringify({ id: 'chat_1', model: 'm', created: 1, ...rest })}\n\n`;
  for (const choice of choices) response.write(chunk({ choices: [{ index: 0, ...choice }] }));
  if (usage !== undefined) response.write(chunk({ choices: [], usage }));
  response.end('data: [DONE]\n\n');
}

export const said = (content: string) => ({ delta: { content } });
export const stopped = { delta: {}, finish_reason: 'stop' };

export function compatible(url: string) {
  return createAiSdkModel({ BOBBIN_MODEL_BASE_URL: url, BOBBIN_MODEL_API_KEY: KEY }, { idleTimeoutMs: 2000 });
}

export const compatibleRequest = (conversation?: ConversationEntry[]) =>
  aRequest({ model: 'openai-compatible/org/m', tools, ...(conversation === undefined ? {} : { conversation }) });
