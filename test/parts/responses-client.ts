/** A small client of the Responses API for tests: sends requests, reads streams, and plays the part of an agent. */
import { createParser } from 'eventsource-parser';

export type WireEvent = { type: string; sequence_number: number } & Record<string, unknown>;
export type WireItem = { type: string; call_id?: string; name?: string } & Record<string, unknown>;
type Body = Record<string, unknown>;

export interface StreamedResponse {
  status: number;
  events: WireEvent[];
  /** Items of the `response.output_item.done` events. */
  items: WireItem[];
  /** Text of all deltas. */
  text: string;
  usage: Record<string, unknown> | undefined;
  /** Whether the connection broke before its end. */
  broken: boolean;
}

export const EXEC_COMMAND = { type: 'function', name: 'exec_command', parameters: { properties: { cmd: {} } } };

export function user(text: string): Body {
  return { type: 'message', role: 'user', content: [{ type: 'input_text', text }] };
}

export function assistant(text: string): Body {
  return { type: 'message', role: 'assistant', content: [{ type: 'output_text', text }] };
}

export function outputOf(call: WireItem, output: unknown): Body {
  const custom = call.type === 'custom_tool_call' ? 'custom_tool_call_output' : 'function_call_output';
  return { type: custom, call_id: call.call_id, output };
}

export function send(url: string, body: unknown, init: RequestInit = {}): Promise<Response> {
  return fetch(`${url}/v1/responses`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...init,
    headers: { 'content-type': 'application/json', ...(init.headers as Record<string, string> | undefined) },
  });
}

/** One streamed request for the input; tools default to `exec_command`. */
export async function respond(url: string, input: unknown, more: Body = {}): Promise<StreamedResponse> {
  const body = { model: 'test-model', stream: true, tools: [EXEC_COMMAND], input, ...more };
  return readStream(await send(url, body));
}

export async function readStream(response: Response): Promise<StreamedResponse> {
  const events: WireEvent[] = [];
  const parser = createParser({
    onEvent: ({ event, data }) => {
      const parsed = JSON.parse(data) as WireEvent;
      if (parsed.type !== event) throw new Error(`event ${String(event)} carries ${parsed.type}`);
      events.push(parsed);
    },
  });
  let broken = false;
  try {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) parser.feed(decoder.decode(chunk as Uint8Array, { stream: true }));
  } catch {
    broken = true;
  }
  const last = events.at(-1)?.['response'] as Body | undefined;
  return {
    status: response.status,
    events,
    items: events.filter(({ type }) => type === 'response.output_item.done').map(({ item }) => item as WireItem),
    text: events.map(({ type, delta }) => (type === 'response.output_text.delta' ? (delta as string) : '')).join(''),
    usage: last?.['usage'] as Record<string, unknown> | undefined,
    broken,
  };
}

/** Runs a prompt to its final answer; `run` gives the output of each call. At most twenty responses. */
export async function runTurn(
  url: string,
  prompt: string,
  run: (call: WireItem) => unknown = () => 'output',
  more: Body = {},
): Promise<{ responses: StreamedResponse[]; calls: WireItem[]; answer: string; input: Body[] }> {
  const input: Body[] = [user(prompt)];
  const responses: StreamedResponse[] = [];
  for (let count = 0; count < 20; count += 1) {
    const response = await respond(url, input, more);
    responses.push(response);
    const calls = response.items.filter(({ type }) => type.endsWith('_call'));
    input.push(...response.items, ...calls.map((call) => outputOf(call, run(call))));
    if (calls.length === 0) {
      const all = responses.flatMap(({ items }) => items).filter(({ type }) => type.endsWith('_call'));
      return { responses, calls: all, answer: response.text, input };
    }
  }
  throw new Error('The turn does not end.');
}
