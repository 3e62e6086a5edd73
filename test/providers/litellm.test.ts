/** `npm run test:providers`: the proxy of LiteLLM, installed once in the cache, in front of the offline model server. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ThreadHandle } from '../../src/client/index.ts';
import { type TestEnvironment, itemsOf, openEnvironment, runTurn } from '../environment.ts';
import { type ServerProcess, startServer } from '../parts/model-proxy.ts';
import { preparePython } from '../parts/python.ts';

const PACKAGES = join(import.meta.dirname, 'litellm.txt');
const KEY = 'sk-litellm-test-0123456789';

describe.runIf(process.env['PROVIDERS'] === '1')('Behind the proxy of LiteLLM', () => {
  let environment: TestEnvironment;
  let proxy: ServerProcess;
  beforeAll(async () => {
    environment = await openEnvironment({ worker: false, env: { BOBBIN_IDENTITY_MODE: 'off' } });
    const prepared = await preparePython(PACKAGES, 800_000);
    if ('missing' in prepared) throw new Error(prepared.missing);
    const config = join(environment.data, '..', 'litellm.json');
    const upstream = { api_base: `${environment.model.url}/v1`, api_key: 'none' };
    const models = [
      {
        model_name: 'direct',
        litellm_params: { model: 'openai/bobbin-offline', ...upstream },
        // It refuses an effort for a model that it does not know to reason.
        model_info: { supports_reasoning: true },
      },
      // Chat completions in front of an endpoint that has only Responses.
      { model_name: 'bridged', litellm_params: { model: 'openai/responses/bobbin-offline', ...upstream } },
    ];
    writeFileSync(config, JSON.stringify({ model_list: models, general_settings: { master_key: KEY } }));
    // Its own script names the folder in which it was installed, which has moved since.
    const script = ['-c', 'from litellm import run_server; run_server()'];
    const args = (port: number) => [...script, '--config', config, '--host', '127.0.0.1', '--port', String(port)];
    const env = { LITELLM_LOCAL_MODEL_COST_MAP: 'True' };
    proxy = await startServer(prepared.python, args, { health: '/health/liveliness', env });
    const own = join(environment.data, '..', 'models.json');
    const at = { baseUrl: proxy.url, keyName: 'LITELLM_KEY' };
    const providers = {
      responses: { type: 'openai', ...at },
      chat: { type: 'openai-compatible', ...at },
    };
    writeFileSync(own, JSON.stringify({ providers }));
    await environment.worker({ BOBBIN_MODELS: own, LITELLM_KEY: KEY });
  }, 900_000);
  afterAll(async () => {
    await proxy[Symbol.asyncDispose]();
    await environment.close();
  });

  const messageOf = async (thread: ThreadHandle) => (await itemsOf(thread, 'agentMessage')).at(-1)?.text;

  it.each(['responses/direct', 'chat/bridged'])('%s calls tools, answers and counts its tokens', async (model) => {
    const thread = await environment.start({ model });
    const end = await runTurn(thread, 'run: echo through the proxy\nsay: done');
    expect(end).toMatchObject({ status: 'completed' });
    expect(await itemsOf(thread, 'commandExecution')).toMatchObject([
      { exitCode: 0, output: expect.stringContaining('through the proxy') as string },
    ]);
    expect(await messageOf(thread)).toContain('done');
    expect(end.usage.inputTokens).toBeGreaterThan(0);
    expect(end.usage.outputTokens).toBeGreaterThan(0);
    expect((await runTurn(thread, 'say: again')).status).toBe('completed');
  });

  it('responses/direct thinks in summaries, with the effort that it was asked for', async () => {
    const thread = await environment.start({ model: 'responses/direct', effort: 'low', summary: 'auto' });
    await runTurn(thread, 'think: I look first.\nsay: done');
    expect(await itemsOf(thread, 'reasoning')).toMatchObject([{ summary: ['I look first.'] }]);
    const { body } = environment.model.requests.at(-1)!;
    expect(body).toMatchObject({ reasoning: { effort: 'low', summary: 'auto' } });
  });

  it('a model that is unknown there ends the turn in the words of the proxy', async () => {
    const unknown = await runTurn(await environment.start({ model: 'responses/nobody' }), 'say: hi');
    expect(unknown).toMatchObject({ status: 'failed', error: { code: 'modelBadRequest' } });
    expect(unknown.status === 'failed' && unknown.error.message).toContain('Invalid model name');
  });
});
