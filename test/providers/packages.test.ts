/**
 * `npm run test:providers`: the packages of all providers, which are installed once, 110 MB, in node_modules/.cache, against
 * answers in the wire format of each.
 */
import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ConversationEntry } from '../../activities/ports.ts';
import { tools } from '../../src/adapters/model/ai-sdk/test-chat.ts';
import { createModels } from '../../src/adapters/model/models.ts';
import { PROVIDER_NAMES, type ProviderName, providerOf } from '../../src/adapters/model/provider-table.ts';
import { aRequest, anIo, startEndpoint } from '../../src/adapters/model/responses/test-endpoint.ts';
import { SAID, answerTo } from '../parts/provider-wires.ts';

const FOLDER = join(import.meta.dirname, '../../node_modules/.cache/providers');
/** As if Bobbin had been installed next to them. */
const PACKAGE_ROOT = join(FOLDER, 'node_modules/bobbin');
const KEY = 'sk-very-secret-0123456789';
const INSTALLED = PROVIDER_NAMES.filter((name) => providerOf(name).included !== true);

/** Where the others send it, and how they are signed for. */
const OTHERS: Partial<Record<ProviderName, { path?: string; header?: string; value?: string | RegExp; env?: object }>> =
  {
    azure: { path: '/v1/responses', header: 'api-key', value: KEY },
    bedrock: { path: '/model/org%2Fm/converse-stream', env: { AWS_REGION: 'eu-central-1' } },
    vertex: { path: '/v1/org/m:streamGenerateContent', header: 'x-goog-api-key', value: KEY },
    cohere: { path: '/v2/chat' },
    deepinfra: { path: '/v1/openai/chat/completions' },
    gateway: { path: '/v1/language-model' },
    xai: { path: '/v1/responses' },
  };

/** All parts of an answer, as the next request has them. */
const asHistory = (output: readonly object[]): ConversationEntry[] =>
  (output as { type: string }[]).map((entry) =>
    entry.type === 'message' ? { ...entry, role: 'assistant' } : entry,
  ) as ConversationEntry[];

describe.runIf(process.env['PROVIDERS'] === '1')('The package of a provider', () => {
  beforeAll(async () => {
    mkdirSync(FOLDER, { recursive: true });
    const install = ['install', '--prefix', FOLDER, '--ignore-scripts', '--no-audit', '--no-fund'];
    await promisify(execFile)('npm', [...install, ...INSTALLED.map((name) => providerOf(name).package)]);
  }, 600_000);

  it.each(INSTALLED)('%s takes a conversation with tools, and gives text, a call and usage', async (provider) => {
    const {
      path = '/v1/chat/completions',
      header = 'authorization',
      value = `Bearer ${KEY}`,
      env,
    } = OTHERS[provider] ?? {};
    await using endpoint = await startEndpoint((response, { path: asked }) => {
      const answer = answerTo(asked);
      response.writeHead(answer === undefined ? 404 : 200, { 'content-type': answer?.contentType ?? 'text/plain' });
      response.end(answer?.body);
    });
    const { keyNames, baseUrlName } = providerOf(provider);
    const url = provider === 'cohere' ? endpoint.url.replace('/v1', '/v2') : endpoint.url;
    const base = provider === 'bedrock' ? endpoint.url.replace('/v1', '') : url;
    const models = createModels({
      env: { ...env, [keyNames[0]]: KEY, [baseUrlName]: base },
      packageRoot: PACKAGE_ROOT,
    });
    const request = aRequest({ model: `${provider}/org/m`, tools, options: { effort: 'high' } });
    const io = anIo();
    const first = await models.respond(request, io);
    expect(io.pieces.join('')).toBe(SAID.text);
    expect(first.output.find(({ type }) => type === 'message')).toMatchObject({ text: SAID.text });
    expect(first.output.find(({ type }) => type === 'toolCall')).toMatchObject(SAID.call);
    expect(first.usage).toMatchObject(SAID.usage);
    const { callId } = first.output.find((output) => output.type === 'toolCall')!;
    const output: ConversationEntry = { type: 'toolOutput', callId, name: 'exec_command', output: 'a.txt' };
    await models.respond(
      { ...request, conversation: [...request.conversation, ...asHistory(first.output), output] },
      anIo(),
    );
    expect(endpoint.received.map((one) => one.path.split('?')[0])).toEqual([path, path]);
    expect(endpoint.received[0]!.headers[header]).toEqual(value);
    expect(JSON.stringify(endpoint.received[1]!.body)).toContain('a.txt');
  });
});
