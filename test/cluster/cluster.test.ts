/** What `npm run test:cluster` runs the tests on. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { SEARCH_ATTRIBUTES } from '../../src/contract/index.ts';
import { type TestEnvironment, openEnvironment, runTurn } from '../environment.ts';
import { usesCluster } from './cluster.ts';

describe.runIf(usesCluster())('the server of these tests', () => {
  let environment: TestEnvironment;
  beforeAll(async () => {
    environment = await openEnvironment();
  });
  afterAll(() => environment.close());

  it('keeps histories and what can be searched in PostgreSQL', async () => {
    const { serverVersion } = inject('temporal');
    const { connection } = environment.bobbin.service;
    expect(await connection.workflowService.getClusterInfo({})).toMatchObject({
      serverVersion,
      persistenceStore: 'postgres12',
      visibilityStore: 'postgres12',
      historyShardCount: 4,
    });
  });

  it('finds threads by their search attributes', async () => {
    const { bobbin } = environment;
    const states = await bobbin.searchAttributes.list();
    expect(states.map(({ name, status }) => [name, status])).toEqual(
      Object.keys(SEARCH_ATTRIBUTES).map((name) => [name, 'registered']),
    );
    const thread = await environment.start();
    await runTurn(thread, 'say: hello');
    const query = `WorkflowId = "${thread.workflowId}" AND BobbinStatus = "idle"`;
    await expect.poll(async () => (await bobbin.service.client.workflow.count(query)).count).toBe(1);
  });
});
