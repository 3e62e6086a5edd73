/** Everything one test file needs, with real parts: a worker, the model server, the identity service, a git workspace. */
import { randomUUID } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DefaultLogger, type LogEntry, Runtime } from '@temporalio/worker';
import { expect, inject } from 'vitest';
import type { Ports } from '../activities/ports.ts';
import { endSupervisors } from '../src/adapters/shell/supervisor/supervised-commands.ts';
import { describeModelChoice } from '../src/adapters/model/models.ts';
import { type Bobbin, connectBobbin, type ThreadHandle } from '../src/client/index.ts';
import type {
  Item,
  StartThread,
  SubmitTurn,
  ThreadEvent,
  ThreadRequest,
  TurnCompletion,
} from '../src/contract/index.ts';
import { openDoorArchive } from '../src/dev/door-archive.ts';
import { type IdentityService, startIdentityService } from '../src/dev/identity-service/server.ts';
import { type ModelServer, startModelServer } from '../src/dev/model-server/server.ts';
import { readWorkerConfig } from '../src/worker/config.ts';
import { type RunningWorker, runWorker } from '../src/worker/worker.ts';

// The worker says a lot about itself; a test that wants to read it looks at a worker process.
const shown = new DefaultLogger('ERROR');
/** Takes every line that workers here log, where a test sets it. */
export const workerLog: { take: (entry: LogEntry) => void } = { take: () => undefined };
Runtime.install({
  logger: new DefaultLogger('TRACE', (entry) => {
    workerLog.take(entry);
    shown.log(entry.level, entry.message, entry.meta);
  }),
});

export interface TestEnvironment {
  bobbin: Bobbin;
  model: ModelServer;
  identity: IdentityService;
  /** A git repository of its own, with one commit. */
  cwd: string;
  /** One more such repository. */
  workspace(): string;
  /** Where workers keep their data. */
  data: string;
  taskQueue: string;
  /** The account of its threads. Nobody else's: the workflow that holds its identity is served by this stand's workers. */
  account: string;
  /** Environment of a worker on this stand. */
  env: Record<string, string>;
  worker: (env?: Record<string, string>, replace?: Partial<Ports>) => Promise<RunningWorker>;
  /** A thread with a new id; nothing is started before `run` or `submit`. */
  start(start?: Partial<StartThread>): Promise<ThreadHandle>;
  close(): Promise<void>;
}

export interface EnvironmentOptions {
  env?: Record<string, string>;
  requireAssertion?: boolean;
  /** Without one, the test starts its own. */
  worker?: boolean;
  /** Of another service than the one that all tests share. */
  address?: string;
}

export async function openEnvironment(options: EnvironmentOptions = {}): Promise<TestEnvironment> {
  const { namespace, ...shared } = inject('temporal');
  const address = options.address ?? shared.address;
  const root = mkdtempSync(join(tmpdir(), 'bobbin-stand-'));
  const cwd = join(root, 'repo');
  const data = join(root, 'data');
  const makeWorkspace = (path: string) => cpSync(inject('repository'), path, { recursive: true });
  makeWorkspace(cwd);
  const identity = await startIdentityService({});
  const model = await startModelServer({
    requireAssertion: options.requireAssertion ?? false,
    verifyUrl: identity.url,
  });
  const taskQueue = `bobbin-${randomUUID()}`;
  const account = `account-${randomUUID()}`;
  const env: Record<string, string> = {
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: namespace,
    BOBBIN_TASK_QUEUE: taskQueue,
    BOBBIN_DATA_DIR: data,
    BOBBIN_OFFLINE_MODEL_URL: model.url,
    BOBBIN_IDENTITY_URL: identity.url,
    BOBBIN_IDENTITY_TOKEN: 'test',
    BOBBIN_IDENTITY_ACCOUNT: account,
    BOBBIN_SHUTDOWN_GRACE_MS: '2000',
    ...options.env,
  };
  const workers: RunningWorker[] = [];
  // Long, so that a loaded machine fails no test.
  const archive = openDoorArchive(env, data);
  const bobbin = await connectBobbin({ connection: { address }, namespace, taskQueue, deadlineMs: 30_000, archive });
  const environment: TestEnvironment = {
    bobbin,
    model,
    identity,
    cwd,
    data,
    taskQueue,
    account,
    env,
    workspace() {
      const path = join(root, `repo-${randomUUID()}`);
      makeWorkspace(path);
      return path;
    },
    async worker(more = {}, replace = {}) {
      const all = { ...env, ...more };
      const config = readWorkerConfig(all, describeModelChoice(all, model.url).model);
      const worker = await runWorker({ connection: { address }, namespace }, config, all, (ports) => ({
        ...ports,
        ...replace,
      }));
      workers.push(worker);
      return worker;
    },
    start: (start = {}) => bobbin.threads.start({ threadId: `t-${randomUUID()}`, workspace: { cwd }, ...start }),
    async close() {
      for (const worker of workers) await worker.stop();
      await endSupervisors(data);
      await bobbin.close();
      await model.close();
      await identity.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
  if (options.worker !== false) await environment.worker();
  return environment;
}

let turns = 0;

export function turn(text: string, more: Partial<SubmitTurn> = {}): SubmitTurn {
  return {
    turnId: `turn-${++turns}-${randomUUID().slice(0, 8)}`,
    kind: 'regular',
    input: [{ type: 'text', text }],
    ...more,
  };
}

/** Runs one turn to its end. */
export async function runTurn(
  thread: ThreadHandle,
  text: string,
  more: Partial<SubmitTurn> = {},
): Promise<TurnCompletion> {
  const submitted = turn(text, more);
  await thread.submit(submitted);
  return thread.completion(submitted.turnId);
}

/** Resolves when the service lists them, which is later than it answers for them. */
export async function waitUntilListed(
  { bobbin }: Pick<TestEnvironment, 'bobbin'>,
  ...workflows: { workflowId: string }[]
): Promise<void> {
  const ids = [...new Set(workflows.map(({ workflowId }) => workflowId))].sort();
  const query = ids.map((id) => `WorkflowId = "${id}"`).join(' OR ');
  const listed = async (): Promise<string[]> => {
    const found = new Set<string>();
    for await (const { workflowId } of bobbin.service.client.workflow.list({ query })) found.add(workflowId);
    return [...found].sort();
  };
  await expect.poll(listed, { timeout: LISTED_MS }).toEqual(ids);
}

const LISTED_MS = 60_000;

/** All events so far. */
export async function eventsSoFar(thread: ThreadHandle): Promise<ThreadEvent[]> {
  const { lastSeq } = await thread.view();
  const all: ThreadEvent[] = [];
  if (lastSeq === 0) return all;
  for await (const event of thread.events()) {
    all.push(event);
    if (event.seq >= lastSeq) break;
  }
  return all;
}

/** All items so far; of one type, where one is given. */
export async function itemsOf(thread: ThreadHandle): Promise<Item[]>;
export async function itemsOf<T extends Item['type']>(
  thread: ThreadHandle,
  type: T,
): Promise<Extract<Item, { type: T }>[]>;
export async function itemsOf(thread: ThreadHandle, type?: Item['type']): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of thread.items()) if (type === undefined || item.type === type) items.push(item);
  return items;
}

/** Closes the thread and waits for its end. Gives every event it ever had. */
export async function closeThread(thread: ThreadHandle): Promise<ThreadEvent[]> {
  await thread.close({ reason: 'closed by a test' });
  const all: ThreadEvent[] = [];
  for await (const event of thread.events()) all.push(event);
  return all;
}

/** The first event that fits, waiting for it. */
export async function waitForEvent<T extends ThreadEvent['type']>(
  thread: ThreadHandle,
  type: T,
  fits: (event: Extract<ThreadEvent, { type: T }>) => boolean = () => true,
): Promise<Extract<ThreadEvent, { type: T }>> {
  for await (const event of thread.events()) {
    if (event.type === type && fits(event as Extract<ThreadEvent, { type: T }>))
      return event as Extract<ThreadEvent, { type: T }>;
  }
  throw new Error(`The thread closed without ${type}`);
}

/** The next request that the thread opens, or the one that is open. */
export async function waitForRequest(thread: ThreadHandle): Promise<ThreadRequest> {
  for await (const event of thread.events()) {
    if (!('request' in event)) continue;
    const open = (await thread.view()).openRequests.find(({ requestId }) => requestId === event.request.requestId);
    if (open) return open;
  }
  throw new Error('The thread closed without a request');
}
