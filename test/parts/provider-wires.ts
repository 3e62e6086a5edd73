/**
 * Answers in the wire formats of model providers, in the form in which their endpoints send them: first a thought where the
 * format has them, a text, and a call of `exec_command`. The server that sends them is ours, and says so in each answer.
 */
import { crc32 } from 'node:zlib';

const TEXT = 'I look (test server of Bobbin).';
const ARGUMENTS = { command: 'ls' };

/** What every format says. */
export const SAID = {
  text: TEXT,
  call: { type: 'toolCall', name: 'exec_command', arguments: JSON.stringify(ARGUMENTS) },
  usage: { inputTokens: 11, outputTokens: 7 },
};

export interface Answer {
  contentType: string;
  body: string | Buffer;
}

/** By the path of the request; undefined for one of no format. */
export function answerTo(path: string): Answer | undefined {
  if (path.endsWith('/chat/completions')) return events(chat());
  if (path.endsWith('/responses')) return events(responses());
  if (path.endsWith('/v2/chat')) return events(cohere());
  if (path.includes(':streamGenerateContent')) return events(gemini());
  if (path.endsWith('/language-model')) return events(gateway());
  if (path.endsWith('/converse-stream')) return { contentType: 'application/vnd.amazon.eventstream', body: bedrock() };
  return undefined;
}

function events(parts: readonly object[]): Answer {
  const body = parts.map((part) => {
    const name = 'type' in part && typeof part.type === 'string' ? `event: ${part.type}\n` : '';
    return `${name}data: ${JSON.stringify(part)}\n\n`;
  });
  return { contentType: 'text/event-stream', body: body.join('') };
}

function chat(): object[] {
  const chunk = (delta: object, finish_reason: string | null = null, usage: object = {}) => ({
    id: 'chat-1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    provider: 'test',
    choices: [{ index: 0, delta, finish_reason }],
    ...usage,
  });
  const call = { index: 0, id: 'call12345', type: 'function' };
  const usage = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 };
  return [
    chunk({ role: 'assistant', content: TEXT }),
    chunk({ tool_calls: [{ ...call, function: { name: 'exec_command', arguments: SAID.call.arguments } }] }),
    // Groq has its usage in a member of its own, too.
    chunk({}, 'tool_calls', { usage, x_groq: { id: 'r', usage } }),
  ];
}

function responses(): object[] {
  const head = { id: 'resp_1', object: 'response', created_at: 1, model: 'm', output: [] };
  const message = { id: 'msg_1', type: 'message', role: 'assistant', status: 'completed' };
  const content = [{ type: 'output_text', text: TEXT, annotations: [] }];
  const call = { id: 'fc_1', type: 'function_call', call_id: 'call12345', name: 'exec_command', status: 'completed' };
  const whole = { ...call, arguments: SAID.call.arguments };
  const usage = { input_tokens: 11, output_tokens: 7, total_tokens: 18 };
  const details = { input_tokens_details: { cached_tokens: 0 }, output_tokens_details: { reasoning_tokens: 0 } };
  const place = (output_index: number, item_id: string) => ({ output_index, item_id });
  return [
    { type: 'response.created', response: { ...head, status: 'in_progress' } },
    { type: 'response.output_item.added', output_index: 0, item: { ...message, status: 'in_progress', content: [] } },
    { type: 'response.output_text.delta', ...place(0, 'msg_1'), content_index: 0, delta: TEXT, logprobs: [] },
    { type: 'response.output_item.done', output_index: 0, item: { ...message, content } },
    { type: 'response.output_item.added', output_index: 1, item: { ...call, arguments: '' } },
    { type: 'response.function_call_arguments.delta', ...place(1, 'fc_1'), delta: whole.arguments },
    { type: 'response.function_call_arguments.done', ...place(1, 'fc_1'), arguments: whole.arguments },
    { type: 'response.output_item.done', output_index: 1, item: whole },
    {
      type: 'response.completed',
      response: {
        ...head,
        status: 'completed',
        output: [{ ...message, content }, whole],
        usage: { ...usage, ...details },
      },
    },
  ].map((event, sequence_number) => ({ ...event, sequence_number }));
}

function gemini(): object[] {
  const parts = [{ text: TEXT }, { functionCall: { name: 'exec_command', args: ARGUMENTS } }];
  const usageMetadata = { promptTokenCount: 11, candidatesTokenCount: 7, totalTokenCount: 18 };
  return [{ candidates: [{ content: { role: 'model', parts }, finishReason: 'STOP', index: 0 }], usageMetadata }];
}

function cohere(): object[] {
  const function_ = { name: 'exec_command', arguments: '' };
  const usage = {
    billed_units: { input_tokens: 11, output_tokens: 7 },
    tokens: { input_tokens: 11, output_tokens: 7 },
  };
  const toolCalls = (value: object) => ({ message: { tool_calls: value } });
  return [
    { type: 'message-start', id: 'msg-1', delta: { message: { role: 'assistant', content: [] } } },
    { type: 'content-start', index: 0, delta: { message: { content: { type: 'text', text: '' } } } },
    { type: 'content-delta', index: 0, delta: { message: { content: { text: TEXT } } } },
    { type: 'content-end', index: 0 },
    { type: 'tool-call-start', index: 0, delta: toolCalls({ id: 'call12345', type: 'function', function: function_ }) },
    { type: 'tool-call-delta', index: 0, delta: toolCalls({ function: { arguments: SAID.call.arguments } }) },
    { type: 'tool-call-end', index: 0 },
    { type: 'message-end', delta: { finish_reason: 'TOOL_CALL', usage } },
  ];
}

function gateway(): object[] {
  const usage = { inputTokens: { total: 11 }, outputTokens: { total: 7 } };
  return [
    { type: 'stream-start', warnings: [] },
    { type: 'text-start', id: '1' },
    { type: 'text-delta', id: '1', delta: TEXT },
    { type: 'text-end', id: '1' },
    { type: 'tool-call', toolCallId: 'call12345', toolName: 'exec_command', input: SAID.call.arguments },
    { type: 'finish', finishReason: { unified: 'tool-calls', raw: 'tool_use' }, usage },
  ];
}

/** Frames of an event stream of AWS: lengths, checksums, headers, a JSON body. */
function bedrock(): Buffer {
  const toolUse = { toolUseId: 'call12345', name: 'exec_command' };
  const frames: [type: string, body: object][] = [
    ['messageStart', { role: 'assistant' }],
    ['contentBlockDelta', { contentBlockIndex: 0, delta: { text: TEXT } }],
    ['contentBlockStop', { contentBlockIndex: 0 }],
    ['contentBlockStart', { contentBlockIndex: 1, start: { toolUse } }],
    ['contentBlockDelta', { contentBlockIndex: 1, delta: { toolUse: { input: SAID.call.arguments } } }],
    ['contentBlockStop', { contentBlockIndex: 1 }],
    ['messageStop', { stopReason: 'tool_use' }],
    ['metadata', { usage: { inputTokens: 11, outputTokens: 7, totalTokens: 18 }, metrics: { latencyMs: 1 } }],
  ];
  return Buffer.concat(frames.map(([type, body]) => toFrame(type, JSON.stringify(body))));
}

function toFrame(type: string, body: string): Buffer {
  const headers = Buffer.concat(
    Object.entries({ ':event-type': type, ':content-type': 'application/json', ':message-type': 'event' }).map(
      ([name, value]) => {
        const length = Buffer.alloc(2);
        length.writeUInt16BE(value.length);
        // 7: a string.
        return Buffer.concat([
          Buffer.from([name.length]),
          Buffer.from(name),
          Buffer.from([7]),
          length,
          Buffer.from(value),
        ]);
      },
    ),
  );
  const prelude = Buffer.alloc(8);
  prelude.writeUInt32BE(16 + headers.length + body.length, 0);
  prelude.writeUInt32BE(headers.length, 4);
  const unchecked = Buffer.concat([prelude, checksum(prelude), headers, Buffer.from(body)]);
  return Buffer.concat([unchecked, checksum(unchecked)]);
}

function checksum(bytes: Buffer): Buffer {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(bytes));
  return sum;
}
