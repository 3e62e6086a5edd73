/** What the Temporal UI can filter threads by: on the real service, from registering it to what it costs. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Bobbin, type ThreadHandle, connectBobbin } from '../../src/client/index.ts';
import { SEARCH_ATTRIBUTES } from '../../src/contract/index.ts';
import { findTemporalBinary } from '../../src/dev/temporal-service/obtain/binary.ts';
import { startTemporalService } from '../../src/dev/temporal-service/service.ts';
import type { TemporalService } from '../../src/dev/temporal-service/types.ts';
import { runCli } from '../parts/run-cli.ts';
import {
  type TestEnvironment,
  closeThread,
  openEnvironment,
  runTurn,
  turn,
  waitForEvent,
  waitForRequest,
} from '../environment.ts';

const NAMES = Object.keys(SEARCH_ATTRIBUTES);

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment();
});
afterAll(() => environment.close());

/** Whether that thread is among those that the query finds. */
async function finds({ workflowId }: ThreadHandle, query: string): Promise<boolean> {
  const { client } = environment.bobbin.service;
  return (await client.workflow.count(`WorkflowId = "${workflowId}" AND (${query})`)).count === 1;
}

const becomesFound = (thread: ThreadHandle, query: string) =>
  expect.poll(() => finds(thread, query), { message: query, timeout: 20_000, interval: 50 }).toBe(true);

/** How many events of each type the thread's history has. */
async function countEvents({ workflowId }: ThreadHandle): Promise<Record<string, number>> {
  const { events } = await environment.bobbin.service.client.workflow.getHandle(workflowId).fetchHistory();
  const counts: Record<string, number> = {};
  for (const event of events ?? []) {
    const type = Object.keys(event).find((key) => key.endsWith('EventAttributes')) ?? '';
    counts[type] = (counts[type] ?? 0) + 1;
  }
  return counts;
}

const upserts = async (thread: ThreadHandle) =>
  (await countEvents(thread))['upsertWorkflowSearchAttributesEventAttributes'] ?? 0;

describe('a thread', () => {
  it('is found by what it works on, by what it is at, by the person it waits for, and by its end', async () => {
    const thread = await environment.start({ approvalPolicy: 'untrusted' });
    const asking = turn('run: touch allowed.txt');
    await thread.submit(asking);
    const { requestId } = await waitForRequest(thread);
    await becomesFound(
      thread,
      `BobbinWaitsForPerson = true AND BobbinStatus = "active" AND BobbinActiveKind = "regular" AND BobbinDepth = 0 AND BobbinRepository = "${environment.cwd}" AND BobbinAccount = "${environment.account}"`,
    );
    await thread.resolve({ requestId, decision: 'accept' });
    await thread.completion(asking.turnId);
    await becomesFound(thread, 'BobbinWaitsForPerson = false AND BobbinStatus = "idle" AND BobbinActiveKind IS NULL');
    await closeThread(thread);
    await becomesFound(thread, 'BobbinStatus = "closed" AND BobbinCostUsd >= 0');
  });

  it('pays for a turn of several steps with two events, and with none for one that ends with its first answer', async () => {
    const thread = await environment.start();
    await runTurn(thread, 'say: one');
    const before = { upserts: await upserts(thread), all: await countEvents(thread) };
    await runTurn(thread, 'say: two');
    expect((await upserts(thread)) - before.upserts).toBe(0);
    await runTurn(thread, 'run: echo 1\nrun: echo 2');
    expect((await upserts(thread)) - before.upserts).toBe(2);
    // A turn that another one waits for hands over within one workflow task.
    const first = turn('wait: 300\nrun: echo 3', { onBusy: 'queue' });
    const second = turn('say: second', { onBusy: 'queue' });
    await thread.submit(first);
    await waitForEvent(thread, 'turn/started', ({ turnId }) => turnId === first.turnId);
    await thread.submit(second);
    await thread.completion(second.turnId);
    expect((await upserts(thread)) - before.upserts).toBe(4);
    await thread.view();
    expect((await upserts(thread)) - before.upserts).toBe(4);
  });

  it('keeps what it said across a new run, and does not say it again', async () => {
    const other = await openEnvironment({ env: { BOBBIN_CONTINUE_AFTER_EVENTS: '40' } });
    try {
      const thread = await other.start();
      const handle = environment.bobbin.service.client.workflow.getHandle(thread.workflowId);
      const { runId: first } = await handle.describe();
      while ((await handle.describe()).runId === first) await runTurn(thread, 'say: again');
      const { runId: second } = await handle.describe();
      const { events } = await handle.fetchHistory();
      const said = events?.flatMap(({ upsertWorkflowSearchAttributesEventAttributes: upsert }) =>
        Object.keys(upsert?.searchAttributes?.indexedFields ?? {}),
      );
      expect(said?.filter((name) => name !== 'BobbinStatus' && name !== 'BobbinActiveKind')).toEqual([]);
      await becomesFound(thread, `RunId = "${second}" AND BobbinRepository = "${other.cwd}" AND BobbinStatus = "idle"`);
    } finally {
      await other.close();
    }
  });

  it('does not use them where its worker is told so, or does not know them registered', async () => {
    const other = await openEnvironment({ env: { BOBBIN_SEARCH_ATTRIBUTES: 'off' } });
    try {
      const thread = await other.start();
      await runTurn(thread, 'say: hi');
      expect((await thread.view()).settings.searchAttributes).toBe(false);
      expect(await upserts(thread)).toBe(0);
    } finally {
      await other.close();
    }
  });
});

/** Runs `bobbin` on a service that it chooses. */
const bobbin = (address: string, ...args: string[]) => runCli(args, { env: { TEMPORAL_ADDRESS: address } });

describe('on a separate service', () => {
  let folder: string;
  let service: TemporalService;
  let client: Bobbin;
  const temporal = (...args: string[]) =>
    execFileSync(inject('temporal').binary, [...args, '--address', service.address], { stdio: 'pipe' });

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'bobbin-attributes-'));
    const binary = await findTemporalBinary({ allowDownload: false });
    service = await startTemporalService({ binary, dataDirectory: folder, ephemeral: true });
    client = await connectBobbin({ connection: { address: service.address } });
  });
  afterAll(async () => {
    await client.close();
    await service.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const remove = (name: string) => temporal('operator', 'search-attribute', 'remove', '--name', name, '--yes');

  it('they are registered by the embedded stack; those that are missing are listed, and registered by a command', async () => {
    const listed = await bobbin(service.address, 'search-attributes', 'list');
    expect(listed).toMatchObject({ code: 0, stderr: '' });
    expect(listed.stdout.split('\n')[0]).toMatch(/^BobbinStatus +Keyword +registered$/);
    remove('BobbinDepth');
    await expect
      .poll(async () => (await client.searchAttributes.list()).map(({ status }) => status))
      .toContain('missing');
    expect((await bobbin(service.address, 'search-attributes', 'list')).code).toBe(1);
    const doctor = await bobbin(service.address, 'doctor', '--json');
    expect(JSON.parse(doctor.stdout)).toContainEqual(
      expect.objectContaining({
        name: 'search attributes',
        status: 'warning',
        found: expect.stringContaining('BobbinDepth') as string,
      }),
    );
    for (const _ of ['once', 'twice']) {
      const registered = await bobbin(service.address, 'search-attributes', 'register', '--json');
      expect(registered).toMatchObject({ code: 0, stderr: '' });
      expect(JSON.parse(registered.stdout)).toEqual(
        NAMES.map((name) => ({
          name,
          type: SEARCH_ATTRIBUTES[name as keyof typeof SEARCH_ATTRIBUTES],
          status: 'registered',
        })),
      );
    }
  });

  it('one of that name and of another type is refused with what to do, and nothing is registered', async () => {
    remove('BobbinDepth');
    remove('BobbinStatus');
    temporal('operator', 'search-attribute', 'create', '--name', 'BobbinDepth', '--type', 'Text');
    const refused = await bobbin(service.address, 'search-attributes', 'register', '--json');
    expect(refused.code).toBe(6);
    const { error } = JSON.parse(refused.stdout) as { error: { code: string; message: string } };
    expect(error.code).toBe('searchAttributeTaken');
    expect(error.message).toContain('BobbinDepth of type Text, but Bobbin needs Int');
    expect((await client.searchAttributes.list()).find(({ name }) => name === 'BobbinStatus')?.status).toBe('missing');
    remove('BobbinDepth');
    await client.searchAttributes.register();
  });

  it('a namespace without room for more says so', async () => {
    remove('BobbinDepth');
    const types = ['--type', 'Int'];
    const others = ['A', 'B', 'C'].flatMap((name) => ['--name', `Other${name}`, ...types]);
    temporal('operator', 'search-attribute', 'create', ...others);
    const refused = await bobbin(service.address, 'search-attributes', 'register');
    expect(refused.code).toBe(6);
    expect(refused.stderr).toContain('cannot have more than 3 search attribute of type Int');
    for (const name of ['A', 'B', 'C']) remove(`Other${name}`);
    await client.searchAttributes.register();
  });

  it('a thread waits where somebody removes what it uses, and continues once that is registered again', async () => {
    const other = await openEnvironment({ address: service.address });
    try {
      const thread = await other.start();
      await runTurn(thread, 'say: before');
      remove('BobbinStatus');
      const waiting = turn('run: echo after');
      await thread.submit(waiting);
      const handle = client.service.client.workflow.getHandle(thread.workflowId);
      await expect
        .poll(
          async () => (await handle.fetchHistory()).events?.some((event) => event.workflowTaskFailedEventAttributes),
          {
            timeout: 20_000,
          },
        )
        .toBe(true);
      await client.searchAttributes.register();
      expect(await thread.completion(waiting.turnId)).toMatchObject({ status: 'completed' });
    } finally {
      await other.close();
    }
  });
});

describe('the script of docker-compose.yml', () => {
  it('makes a namespace in which all of them are registered, and may run again', async () => {
    const { address, binary } = inject('temporal');
    const namespace = `compose-${process.pid}`;
    const env = {
      ...process.env,
      PATH: `${dirname(binary)}:/usr/bin:/bin`,
      TEMPORAL_ADDRESS: address,
      TEMPORAL_NAMESPACE: namespace,
    };
    const script = join(import.meta.dirname, '../../deploy/namespace.sh');
    for (const _ of ['once', 'twice']) await promisify(execFile)('sh', [script], { env });
    const there = await connectBobbin({ connection: { address }, namespace });
    try {
      await expect
        .poll(async () => (await there.searchAttributes.list()).map(({ name, status }) => `${name} ${status}`))
        .toEqual(NAMES.map((name) => `${name} registered`));
    } finally {
      await there.close();
    }
  });
});
