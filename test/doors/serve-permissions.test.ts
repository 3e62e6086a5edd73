/** Every address of the specification with every scope, and as another owner: what is added later is tried, too. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Document, Operation } from '../../src/interfaces/http/openapi.ts';
import { SCOPES, type Scope } from '../../src/interfaces/http/tokens.ts';
import { type TestEnvironment, openEnvironment, runTurn, turn } from '../environment.ts';
import { type HttpClient, type HttpStand, startHttpStand } from '../parts/http-server.ts';

interface Address {
  method: string;
  path: string;
  operation: Operation;
  scope: Scope;
  hasOwner: boolean;
}

let environment: TestEnvironment;
let stand: HttpStand;
let addresses: Address[];
beforeAll(async () => {
  environment = await openEnvironment();
  stand = await startHttpStand(environment.bobbin);
  const document = (await (await fetch(`${stand.url}/openapi.json`)).json()) as Document;
  addresses = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const [, scope, restricted] = /Needs the scope `(\w+)`( and a token without an owner)?\.$/.exec(
        operation.description,
      )!;
      return {
        method: method.toUpperCase(),
        path,
        operation,
        scope: scope as Scope,
        hasOwner: restricted === undefined,
      };
    }),
  );
});
afterAll(async () => {
  await stand.close();
  await environment.close();
});

const named = (chosen: Address[]) => chosen.map(({ method, path }) => `${method} ${path}`);
const at = ({ path }: Address, threadId: string) =>
  path.replace('{threadId}', encodeURIComponent(threadId)).replaceAll(/\{\w+\}/g, 'nobody');

it('a scope opens its addresses and no others', async () => {
  for (const scope of [...SCOPES, undefined]) {
    const client = await stand.client({ scopes: scope === undefined ? [] : [scope] });
    const refused = await Promise.all(
      addresses.map(async (address) => {
        // No body is valid, so nothing is done.
        const { value } = await client.call(address.method, at(address, 'nobody'), address.operation.requestBody && []);
        return value['code'] === 'scopeMissing';
      }),
    );
    const others = addresses.filter((address) => scope !== 'admin' && address.scope !== scope);
    expect([scope, named(addresses.filter((_, index) => refused[index]))]).toEqual([scope, named(others)]);
  }
});

it('a token that may only read changes nothing, and one that may only drive answers nothing', () => {
  for (const address of addresses)
    if (address.scope !== 'admin')
      expect([address.path, address.scope === 'read']).toEqual([address.path, address.method === 'GET']);
  const [admin] = new Set(addresses.filter(({ scope }) => scope === 'admin').map(({ path }) => path.split('/')[2]));
  expect(admin).toBe('identities');
  expect(named(addresses.filter(({ scope }) => scope === 'approve'))).toEqual([
    'POST /v1/threads/{threadId}/requests/{requestId}',
    'DELETE /v1/threads/{threadId}/rules/{ruleId}',
    'DELETE /v1/repository-rules/{ruleId}',
  ]);
});

/** A valid body for each address of a thread, by the end of the address. */
const BODIES: Record<string, object> = {
  turns: turn('say: no'),
  steer: { expectedTurnId: 'x', input: [{ type: 'text', text: 'x' }] },
  queue: { op: 'drop', turnId: 'x' },
  '{requestId}': { decision: 'accept' },
  rollback: { numTurns: 1 },
  move: { host: 'nobody' },
  reviews: { turnId: 'r', target: { type: 'uncommittedChanges' } },
  ...Object.fromEntries(['undo', 'redo', 'compact'].map((end) => [end, { turnId: 'x' }])),
  ...Object.fromEntries(['close', 'interrupt', 'fork', 'resume'].map((end) => [end, {}])),
};

it("another owner's threads and agents are not found, at no address", async () => {
  const [alice, bob] = [await stand.client({ owner: 'alice' }), await stand.client({ owner: 'bob' })];
  const threadId = `t-${randomUUID()}`;
  await alice.post('/v1/threads', { threadId, workspace: { cwd: environment.cwd } });
  await runTurn(environment.bobbin.threads.get(threadId), 'spawn: say: child\ncall: wait_agent {}');
  expect((await alice.get(`/v1/threads/${encodeURIComponent(`${threadId}/1`)}`)).status).toBe(200);
  const ask = async (client: HttpClient, address: Address, id: string) => {
    const body = address.operation.requestBody && BODIES[address.path.split('/').at(-1) ?? ''];
    const { status, value } = await client.call(address.method, at(address, id), body);
    return { status, value: JSON.parse(JSON.stringify(value).replaceAll(id, 'ID')) as unknown };
  };
  const ofThreads = addresses.filter(({ path }) => path.startsWith('/v1/threads/'));
  expect(ofThreads.length).toBeGreaterThan(20);
  for (const address of ofThreads) {
    const missing = await ask(bob, address, 'never-was');
    expect([address.path, missing]).toMatchObject([address.path, { status: 404, value: { code: 'threadNotFound' } }]);
    for (const id of [threadId, `${threadId}/1`]) expect(await ask(bob, address, id)).toEqual(missing);
  }
  const listed = await bob.get('/v1/threads?agents=true&limit=1000');
  expect(listed.value).toEqual({ threads: [] });
});

it('what belongs to no owner is closed to owners, whether it exists or not', async () => {
  const alice = await stand.client({ owner: 'alice' });
  const closed = addresses.filter(({ hasOwner }) => !hasOwner);
  expect([...new Set(closed.map(({ path }) => path.split('/')[2]))].toSorted()).toEqual([
    'batches',
    'identities',
    'ledgers',
    'repository-rules',
    'requests',
    'schedules',
    'store',
  ]);
  for (const address of closed) {
    const { value } = await alice.call(address.method, at(address, ''), address.operation.requestBody && []);
    expect([address.path, value]).toMatchObject([address.path, { status: 403, code: 'ownerRestricted' }]);
    expect(value['detail']).not.toContain('nobody');
  }
});
