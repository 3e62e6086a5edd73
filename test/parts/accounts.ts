/** What tests of agent identities look at: the entity workflow of an account, and what the identity service registered. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentIdentity } from '../../activities/ports.ts';
import { type IdentityAdapterOptions, createIdentityAdapter } from '../../src/adapters/identity/identity-adapter.ts';
import type { ThreadHandle } from '../../src/client/index.ts';
import type { AgentIdentityMode, AgentTaskRecord, StartThread } from '../../src/contract/index.ts';
import type { TestEnvironment } from '../environment.ts';

export interface Account {
  name: string;
  /** Starts a thread of this account. */
  start(mode?: AgentIdentityMode, more?: Partial<StartThread>): Promise<ThreadHandle>;
  /** What its entity workflow says. */
  identity(): Promise<AgentIdentity>;
  /** As an operator does: asks the entity workflow for another identity. */
  replace(agentRuntimeId: string): Promise<AgentIdentity>;
  /** What the service has registered for it, ever. */
  registered(): { identities: number; tasks: number };
  /** The entity workflow. */
  entity(): ReturnType<TestEnvironment['bobbin']['service']['client']['workflow']['getHandle']>;
}

/** An account of its own, so that what a test does to it concerns no other one. */
export function openAccount(environment: TestEnvironment, name = `account-${randomUUID()}`): Account {
  const { service, threads } = environment.bobbin;
  const entity = () => service.client.workflow.getHandle(`agent-identity/${name}`);
  return {
    name,
    entity,
    start: (mode = 'recoverable', more = {}) =>
      threads.start({ workspace: { cwd: environment.cwd }, agentIdentity: { mode, account: name }, ...more }),
    identity: () => service.within(() => entity().query<AgentIdentity>('identity')),
    replace: (agentRuntimeId) =>
      service.within(() =>
        entity().executeUpdate<AgentIdentity, [string]>('replaceIdentity', { args: [agentRuntimeId] }),
      ),
    registered() {
      const keys = keyFiles(environment).filter(({ account }) => account === name);
      const { tasks } = environment.identity.state();
      const perKey = keys.map(({ agentRuntimeId }) => tasks[agentRuntimeId] ?? 0);
      return { identities: keys.length, tasks: perKey.reduce((sum, count) => sum + count, 0) };
    },
  };
}

export interface KeyFile {
  account: string;
  agentRuntimeId: string;
  privateKeyPkcs8: string;
  path: string;
}

export function keyFiles(environment: TestEnvironment): KeyFile[] {
  const folder = join(environment.data, 'keys');
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => ({
      ...(JSON.parse(readFileSync(join(folder, name), 'utf8')) as KeyFile),
      path: join(folder, name),
    }));
}

/** Makes a folder of a key file, so that it cannot be removed, until the returned function is called. */
export function blockRemoval(path: string): () => void {
  renameSync(path, `${path}.aside`);
  mkdirSync(path);
  return () => {
    rmdirSync(path);
    renameSync(`${path}.aside`, path);
  };
}

/** The adapter that the stand's workers have, for tests that put something in its way. */
export function adapterOn(environment: TestEnvironment, options: Partial<IdentityAdapterOptions> = {}) {
  return createIdentityAdapter({
    identityUrl: environment.identity.url,
    accessToken: () => 'test',
    keyDirectory: join(environment.data, 'keys'),
    version: '1',
    runningLocation: 'test',
    ...options,
  });
}

/** The thread's agent task; fails where it has none. */
export async function taskOf(thread: ThreadHandle): Promise<AgentTaskRecord> {
  const { agentTask } = await thread.view();
  if (agentTask.status === 'registered') return agentTask.task;
  throw new Error(`Thread ${thread.threadId} has no agent task: it is ${agentTask.status}`);
}
