/** For tests: what the model was asked on behalf of a thread, as it went over the wire. */
import type { ModelServer } from '../../src/dev/model-server/server.ts';

export interface AskedOfModel {
  instructions: string;
  input: { type: string; role?: string; content?: { type: string; text: string }[] }[];
  tools: { name: string }[];
  prompt_cache_key: string;
}

/** The whole bodies, oldest first. */
export function askedFor(model: ModelServer, threadId: string): AskedOfModel[] {
  const bodies = model.requests.map(({ body }) => body as AskedOfModel);
  return bodies.filter((body) => body.prompt_cache_key === threadId);
}

/** The newest one, without the key that names its thread. */
export function lastAsked(model: ModelServer, threadId: string): Omit<AskedOfModel, 'prompt_cache_key'> {
  const body = askedFor(model, threadId).at(-1);
  if (body === undefined) throw new Error(`The model was never asked for thread ${threadId}`);
  const { prompt_cache_key: _, ...rest } = body;
  return rest;
}

/** Without what is told about the environment. */
export function conversationOf({ input }: Pick<AskedOfModel, 'input'>): AskedOfModel['input'] {
  return input.filter(({ content }) => content?.[0]?.text.startsWith('<environment_context>') !== true);
}

/** The same without facts about the environment: a git that was slow to answer changes them. */
export function lastAskedApart(model: ModelServer, threadId: string): ReturnType<typeof lastAsked> {
  const last = lastAsked(model, threadId);
  return { ...last, input: conversationOf(last) };
}

export function message(role: 'user' | 'assistant', text: string): AskedOfModel['input'][number] {
  const type = role === 'user' ? 'input_text' : 'output_text';
  return { type: 'message', role, content: [{ type, text }] };
}
