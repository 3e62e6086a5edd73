import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXEC_COMMAND, assistant, outputOf, respond, user } from '../../../test/parts/responses-client.ts';
import type { WireItem } from '../../../test/parts/responses-client.ts';
import { startModelServer } from './server.ts';
import type { ModelServer } from './server.ts';

let server: ModelServer;
beforeAll(async () => {
  server = await startModelServer();
});
afterAll(() => server.close());

const ASK = user('<context_summary_request>\nWrite a summary.\n</context_summary_request>');
const commandOf = (call: WireItem) => (JSON.parse(call['arguments'] as string) as { cmd: string }).cmd;

const POST = { method: 'POST', headers: { 'content-type': 'application/json' } };

function compactByEndpoint(url: string, body: object): Promise<Response> {
  return fetch(`${url}/v1/responses/compact`, {
    ...POST,
    body: JSON.stringify({ model: 'm', ...body }),
  });
}

/** Both ways of making a conversation smaller: its summary among the messages of the user, or the endpoint's own item. */
const WAYS: [string, (input: object[]) => Promise<object[]>][] = [
  [
    'a summary',
    async (input) => {
      const { text } = await respond(server.url, [...input, ASK], { tools: [] });
      const isUser = (item: object) => 'role' in item && item.role === 'user';
      return [...input.filter(isUser), user(`<context_summary>\n${text}\n</context_summary>`)];
    },
  ],
  [
    'the endpoint',
    async (input) => {
      const response = await compactByEndpoint(server.url, { input });
      const body = (await response.json()) as { object: string; output: object[] };
      expect([response.status, body.object]).toEqual([200, 'response.compaction']);
      return body.output;
    },
  ],
];

describe.each(WAYS)('a conversation made smaller by %s', (_way, smaller) => {
  it('goes on in the middle of the work, and knows what was done', async () => {
    const start: object[] = [user('run: a\nrun: b')];
    const [first] = (await respond(server.url, start)).items;
    const input = await smaller([...start, first!, outputOf(first!, 'out of a')]);
    const next = await respond(server.url, input);
    expect(next.items.map(commandOf)).toEqual(['b']);
    const [second] = next.items;
    const { text } = await respond(server.url, [...input, second, outputOf(second!, 'out of b')]);
    expect(text).toContain('out of a');
    expect(text).toContain('out of b');
  });

  it('goes on with the text being worked on, where another one came meanwhile, and twice over', async () => {
    const start: object[] = [user('run: a\nrun: b\nrun: c')];
    const [first] = (await respond(server.url, start)).items;
    const once = await smaller([...start, first!, outputOf(first!, 'x'), user('be quick')]);
    const next = await respond(server.url, once);
    expect(next.items.map(commandOf)).toEqual(['b']);
    const [second] = next.items;
    const twice = await smaller([...once, second!, outputOf(second!, 'y')]);
    expect((await respond(server.url, twice)).items.map(commandOf)).toEqual(['c']);
    const later = await respond(server.url, [...twice, user('and now this'), user('run: d')]);
    expect(later.items.map(commandOf)).toEqual(['d']);
  });

  it('begins anew with what is asked next, where the work was done', async () => {
    const input = await smaller([user('say: one'), assistant('one')]);
    expect((await respond(server.url, [...input, user('say: two')])).text).toContain('two');
    const tour = await respond(server.url, [...input, user('in plain words')]);
    expect(tour.items.map(commandOf)).toEqual(['git log --oneline -5']);
  });

  it('says that it is made by no model', async () => {
    const input = await smaller([user('say: one'), assistant('one')]);
    const text = JSON.stringify(input);
    const [, sealed = ''] = /offline-not-encrypted:([\w-]+)/.exec(text) ?? [];
    expect(text + Buffer.from(sealed, 'base64url').toString()).toContain('offline model server');
  });
});

describe('rules for size', () => {
  it('report so many input tokens for the response they stand in', async () => {
    const start = [user('tokens: 90\nrun: a\ntokens: 91\nsay: b')];
    const first = await respond(server.url, start);
    expect(first.usage).toMatchObject({ input_tokens: 90 });
    const second = await respond(server.url, [...start, ...first.items, outputOf(first.items[0]!, 'x')]);
    expect(second.usage).toMatchObject({ input_tokens: 91 });
  });

  it('refuse what is larger than the window, and nothing else', async () => {
    const small = await respond(server.url, [user('window: 1000\nsay: fits')]);
    expect(small.text).toContain('fits');
    const large = await fetch(`${server.url}/v1/responses`, {
      ...POST,
      body: JSON.stringify({ input: [user('x'.repeat(4_000)), assistant('y'), user('window: 1000')] }),
    });
    expect(large.status).toBe(400);
    expect(await large.json()).toMatchObject({ error: { code: 'context_length_exceeded' } });
  });

  it('are for the summary alone where they say so, those of the newest text that has any', async () => {
    const input = [user('say: one\nsummary: status: 500'), assistant('one'), user('say: two\nsummary: say: Mine.')];
    expect((await respond(server.url, input)).text).toContain('two');
    const { text } = await respond(server.url, [
      ...input,
      assistant('two'),
      user('say: three'),
      assistant('three'),
      ASK,
    ]);
    expect(text).toMatch(/^Mine\./);
    const response = await compactByEndpoint(server.url, { input: input.slice(0, 2) });
    expect(response.status).toBe(500);
  });
});

describe('a server without that endpoint', () => {
  it('answers 404, and summarises all the same', async () => {
    await using(await startModelServer({ compaction: false }), async ({ url }) => {
      expect((await compactByEndpoint(url, { input: [user('say: one')] })).status).toBe(404);
      expect((await respond(url, [user('say: one'), ASK], { tools: [EXEC_COMMAND] })).text).toContain('1 message');
    });
  });
});

async function using(own: ModelServer, body: (own: ModelServer) => Promise<void>): Promise<void> {
  try {
    await body(own);
  } finally {
    await own.close();
  }
}
