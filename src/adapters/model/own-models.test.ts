import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { NO_OWN_MODELS, readOwnModels } from './own-models.ts';

const folder = mkdtempSync(join(tmpdir(), 'own-models-'));
afterAll(() => rmSync(folder, { recursive: true }));

function read(content: unknown) {
  const file = join(folder, 'models.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return readOwnModels({ BOBBIN_DATA_DIR: folder });
}

it('The file of the data folder is read, and does not have to exist', () => {
  expect(readOwnModels({ BOBBIN_DATA_DIR: join(folder, 'none') })).toEqual(NO_OWN_MODELS);
  const models = [{ model: 'near/*', contextWindow: 32_768, price: { input: 1, cachedInput: 0, output: 2 } }];
  const near = { type: 'openai-compatible', baseUrl: 'http://127.0.0.1:8080/v1', keyName: 'NEAR_KEY' };
  const azure = { settings: { apiVersion: 'v1' }, options: { azure: { user: 'me', thinking: { budgetTokens: 5 } } } };
  expect(read({ models, providers: { near, azure } })).toEqual({ models, providers: { near, azure } });
});

it('A file that is named has to exist', () => {
  expect(() => readOwnModels({ BOBBIN_MODELS: join(folder, 'nowhere.json') })).toThrow('nowhere.json cannot be used');
});

it.each([
  ['no json', 'JSON'],
  [[], 'expected object'],
  [{ models: [{ model: 'x', price: { input: -1, cachedInput: 0, output: 0 } }] }, 'models.0.price.input'],
  [{ models: [{ model: 'x', window: 1 }] }, 'window'],
  [{ providers: { near: {} } }, 'providers.near: a type is needed'],
  [{ providers: { offline: { type: 'openai' } } }, 'offline model server'],
  [{ providers: { mistral: { type: 'openai' } } }, 'belongs to mistral'],
  [{ providers: { 'a/b': { type: 'openai' } } }, 'lower case'],
  [{ providers: { azure: { settings: { apiKey: 'x' } } } }, 'keys and tokens belong into the environment'],
  [{ providers: { bedrock: { settings: { secretAccessKey: 'x' } } } }, 'keys and tokens belong into the environment'],
  [{ providers: { gateway: { options: { gateway: { byok: { x: [{}] } } } } } }, 'keys and tokens belong'],
  [{ providers: { openai: { baseUrl: 'file:///etc' } } }, 'baseUrl'],
  [{ providers: { openai: { keyName: 'sk-123' } } }, 'keyName'],
])('%j is refused with the name of the file', (content, problem) => {
  expect(() => read(content)).toThrow(problem);
  expect(() => read(content)).toThrow(join(folder, 'models.json'));
});
