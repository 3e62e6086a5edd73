import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import type { Failure } from '../../../../activities/failures.ts';
import {
  aRequest,
  anIo,
  beginStream,
  createLatch,
  failureOf,
  onCut,
  startEndpoint,
} from '../responses/test-endpoint.ts';
import type { AiSdkModelOptions } from './ai-sdk.ts';
import { createAiSdkModel } from './ai-sdk.ts';
import { KEY } from './test-chat.ts';

const MODELS = ['openai-compatible/org/m', 'openai/gpt-test', 'anthropic/claude-test', 'google/gemini-test'];
const MIB = 1024 * 1024;

/** The failure of a call that is answered so, once its connection was seen to close. */
async function failTo(
  model: string,
  answer: (response: ServerResponse) => void,
  options: AiSdkModelOptions = {},
): Promise<Failure> {
  const cut = createLatch();
  await using endpoint = await startEndpoint((response) => {
    onCut(response, cut.open);
    answer(response);
  });
  const env = {
    BOBBIN_MODEL_BASE_URL: endpoint.url,
    OPENAI_API_KEY: KEY,
    OPENAI_BASE_URL: endpoint.url,
    ANTHROPIC_API_KEY: KEY,
    ANTHROPIC_BASE_URL: endpoint.url,
    GOOGLE_GENERATIVE_AI_API_KEY: KEY,
    GOOGLE_GENERATIVE_AI_BASE_URL: endpoint.url,
  };
  const failure = await failureOf(createAiSdkModel(env, options).respond(aRequest({ model }), anIo()));
  await cut.opened;
  return failure;
}

/** Writes the block again and again, for as long as somebody reads. */
function pour(response: ServerResponse, block: string): void {
  const write = () => {
    if (!response.destroyed) response.write(block, write);
  };
  write();
}

test.each(MODELS)('%s: comments without end are cut', async (model) => {
  const comments = (response: ServerResponse) => {
    beginStream(response);
    pour(response, `: ${'keep-alive'.repeat(1_000)}\r\n\r\n`);
  };
  const failure = await failTo(model, comments, { maxBodyBytes: MIB });
  expect(failure.code).toBe('modelAnswerMalformed');
  expect(failure.message).toContain('answered without end (more than 1048576 bytes)');
});

test('comments without end are cut at 64 MiB by default', async () => {
  const failure = await failTo('openai-compatible/org/m', (response) => {
    beginStream(response);
    pour(response, `: ${'keep-alive'.repeat(MIB / 10)}\r\n\r\n`);
  });
  expect(failure.message).toContain('answered without end (more than 67108864 bytes)');
});

test.each(MODELS)('%s: an event without end is cut', async (model) => {
  const event = (response: ServerResponse) => {
    beginStream(response);
    response.write(': hello\n\ndata: ');
    pour(response, 'x'.repeat(10_000));
  };
  const failure = await failTo(model, event, { maxBodyBytes: 2 * MIB, maxEventBytes: MIB });
  expect(failure.code).toBe('modelAnswerMalformed');
  expect(failure.message).toContain('sent an event without end');
});

test.each(MODELS)('%s: an answer of nothing but comments ends as broken', async (model) => {
  const failure = await failTo(
    model,
    (response) => {
      beginStream(response);
      const timer = setInterval(() => response.write(': keep-alive\n\n'), 5);
      response.once('close', () => clearInterval(timer));
    },
    { idleTimeoutMs: 1_000, eventTimeoutMs: 2_000 },
  );
  expect(failure.code).toBe('modelStreamBroken');
  expect(failure.message).toContain('sent nothing that can be used (nothing for 2000 ms)');
});

test.each(MODELS)('%s: of an error body without end the beginning is read', async (model) => {
  const failure = await failTo(model, (response) => {
    response.writeHead(400, { 'content-type': 'application/json' });
    pour(response, 'Slow down. '.repeat(10_000));
  });
  expect(failure.code).toBe('modelBadRequest');
  expect(failure.message).toContain('Slow down.');
});
