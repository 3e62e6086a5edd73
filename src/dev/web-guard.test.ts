import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type IdentityService, startIdentityService } from './identity-service/server.ts';
import { type ModelServer, startModelServer } from './model-server/server.ts';

let identity: IdentityService;
let model: ModelServer;
beforeAll(async () => {
  identity = await startIdentityService();
  model = await startModelServer();
});
afterAll(async () => {
  await identity.close();
  await model.close();
});

/** A request with exactly these headers, which `fetch` would not send. */
function send(url: string, headers: Record<string, string>, body?: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { method: body === undefined ? 'GET' : 'POST', headers };
    const sent = request(url, options, (response) => resolve(response.resume().statusCode ?? 0));
    sent.once('error', reject).end(body);
  });
}

const JSON_TYPE = { 'content-type': 'application/json' };

describe('a server on loopback', () => {
  it.each<[string, Record<string, string>]>([
    ['a form or script of another origin', { origin: 'https://attacker.invalid', ...JSON_TYPE }],
    ['a page without an origin', { origin: 'null', ...JSON_TYPE }],
    ['a page of another port', { origin: 'http://127.0.0.1:1', ...JSON_TYPE }],
    ['a page that is known as another site', { 'sec-fetch-site': 'cross-site', ...JSON_TYPE }],
    [
      'a page of another port that follows a link',
      { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'navigate', ...JSON_TYPE },
    ],
    ['a name that leads here', { host: 'attacker.invalid', origin: 'http://attacker.invalid', ...JSON_TYPE }],
    ['a name that begins like ours', { host: 'localhost.attacker.invalid', ...JSON_TYPE }],
  ])('takes no message from %s', async (_, headers) => {
    const before = identity.state();
    expect(await send(`${identity.url}/reference/control`, headers, '{"revokeIdentities":true}')).toBe(403);
    expect(await send(`${model.url}/v1/responses`, headers, '{"input":"say: hi"}')).toBe(403);
    expect(identity.state()).toEqual(before);
    expect(model.requests).toEqual([]);
  });

  it.each([{ 'content-type': 'text/plain' }, { 'content-type': 'multipart/form-data' }, {}])(
    'takes no message of a type that a page may send without asking: %j',
    async (headers) => {
      expect(await send(`${identity.url}/reference/control`, headers, '{"delayMs":1}')).toBe(415);
      expect(await send(`${model.url}/v1/responses`, headers, '{"input":"say: hi"}')).toBe(415);
    },
  );

  it('shows a page nothing under a name that leads here, nor in a frame', async () => {
    const { port } = new URL(identity.url);
    expect(await send(`${identity.url}/reference/state`, { host: `attacker.invalid:${port}` })).toBe(403);
    const framed = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' };
    expect(await send(identity.url, framed)).toBe(403);
  });

  it('answers programs, its own pages, and a person who follows a link', async () => {
    const { port, origin } = new URL(identity.url);
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, '[::1]:9000'])
      expect(await send(identity.url, { host })).toBe(200);
    const own = { origin, 'sec-fetch-site': 'same-origin', ...JSON_TYPE };
    expect(await send(`${identity.url}/reference/control`, own, '{}')).toBe(200);
    const visit = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    expect(await send(identity.url, visit)).toBe(200);
  });
});
