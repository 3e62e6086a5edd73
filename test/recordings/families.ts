/** Scenarios of several workflows, and of several runs of one. */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { listRegistrations } from '../../src/client/hosts/hosts.ts';
import type { ThreadHandle } from '../../src/client/index.ts';
import { toWorkflowId } from '../../src/contract/index.ts';
import { toHostWorkflowId } from '../../src/contract/plain/hosts.ts';
import { blockRemoval, keyFiles } from '../parts/accounts.ts';
import { commit } from '../parts/repositories.ts';
import { startWorkerChild } from '../kill/worker-child.ts';
import { type TestEnvironment, closeThread, runTurn, turn, waitForEvent, waitForRequest } from '../environment.ts';
import { type Scenarios, signal, submitCommand } from './scenario.ts';

const child = (environment: TestEnvironment, thread: ThreadHandle, number: number) =>
  environment.bobbin.threads.get(`${thread.threadId}/${number}`);

const untilFile = 'run: until [ -e go-on ]; do sleep 0.05; done';

/** The service suggests a new run early, so that every workflow continues as new. */
const EARLY = ['limit.historyCount.suggestContinueAsNew=30'];

async function startBatch(environment: TestEnvironment, targets: string[], more: object = {}) {
  const batch = await environment.bobbin.batches.start({
    targets: targets.map((repository) => ({ repository })),
    ...more,
  });
  await batch.follow();
  return batch;
}

/** The first target was reviewed before and has changed since, the second has not. */
async function driveBatch(environment: TestEnvironment) {
  const { ledgers } = environment.bobbin;
  const [changed, same, large] = [environment.workspace(), environment.workspace(), environment.workspace()];
  commit(changed, { 'a.ts': 'one\n// TODO: two\n' });
  const before = await startBatch(environment, [changed, same]);
  const { targetId = '' } = (await before.record()).targets[0]?.row ?? {};
  const ledger = ledgers.get(targetId);
  const { findingId = '' } = (await ledger.view()).findings[0] ?? {};
  await ledger.dismiss({ findingId, by: 'ann', why: 'on purpose' });
  await ledger.reopen({ findingId, by: 'ann' });
  await signal(environment, ledger.workflowId, 'dismissFinding', { findingId, by: 'ann', why: 'once more' });
  await signal(environment, ledger.workflowId, 'reopenFinding', { findingId, by: 'ann' });
  commit(changed, { 'a.ts': 'one\n', 'b.ts': '// FIXME: three\n' });
  const lines = 'const long = "line of code"; // with words\n'.repeat(450);
  commit(large, { 'one.ts': lines, 'two.ts': `${lines}// TODO: four\n` });
  const batch = await startBatch(environment, [changed, same, '/nowhere/at/all', large], { concurrency: 2 });
  return { batchId: batch.batchId, ledgerId: ledger.workflowId };
}

async function twoHosts(environment: TestEnvironment) {
  const [first, second] = ['host-a', 'host-b'];
  await environment.worker({ BOBBIN_HOST: first });
  const shared = {
    BOBBIN_ARCHIVE_DIR: join(environment.data, 'archive'),
    BOBBIN_KEYS_DIR: join(environment.data, 'keys'),
  };
  const startSecond = () =>
    environment.worker({ BOBBIN_HOST: second, BOBBIN_DATA_DIR: `${environment.data}-b`, ...shared });
  const other = await startSecond();
  const registered = async () => expect(await listRegistrations(environment.bobbin.service)).toHaveLength(2);
  await vi.waitFor(registered, { timeout: 20_000 });
  return { second, other, startSecond };
}

export const FAMILIES: Scenarios = {
  'continued-as-new': {
    env: { BOBBIN_CONTINUE_AFTER_EVENTS: '150' },
    keeps: ['archive'],
    async drive(environment) {
      const thread = await environment.start();
      for (let i = 0; i < 14; i++) await runTurn(thread, `run: echo ${i}\nrun: echo again`);
      const { archived } = await environment.bobbin.service.client.workflow
        .getHandle(thread.workflowId)
        .query<{ archived: { segmentId: string } }, [object]>('items', { after: 0, limit: 1 });
      const workflowId = `archive/${archived.segmentId}/${randomUUID()}`;
      const options = { workflowId, taskQueue: environment.taskQueue, args: [archived.segmentId] };
      await environment.bobbin.service.client.workflow.execute('readArchive', options);
      return { thread: thread.workflowId, archive: workflowId };
    },
  },
  'clean-store': {
    async drive(environment) {
      const workflowId = `clean-store/${environment.taskQueue}`;
      const options = { workflowId, taskQueue: environment.taskQueue, args: [{ closedForDays: 30, archive: true }] };
      await environment.bobbin.service.client.workflow.execute('cleanStore', options);
      return { cleaning: workflowId };
    },
  },
  'continued-in-a-request': {
    env: { BOBBIN_CONTINUE_AFTER_EVENTS: '25' },
    async drive(environment) {
      const thread = await environment.start({ approvalPolicy: 'untrusted', budget: { thread: { wallMs: 600_000 } } });
      await runTurn(thread, 'plan: one\nplan: two');
      const asking = turn('plan: three\nplan: four\nrun: touch asked\nask: Which?\nplan: five\nplan: six');
      await thread.submit(asking);
      for (const decision of ['accept', 'decline'] as const) {
        const { requestId } = await waitForRequest(thread);
        await thread.submit(turn('say: queued', { onBusy: 'queue' }));
        await thread.resolve({ requestId, decision });
      }
      await thread.completion(asking.turnId);
      return { thread: thread.workflowId };
    },
  },
  'forked-and-resumed': {
    env: { BOBBIN_CONTINUE_AFTER_EVENTS: '60' },
    keeps: ['archive'],
    async drive(environment) {
      const source = await environment.start();
      for (let i = 0; i < 4; i++) await runTurn(source, `run: echo ${i}`);
      const forked = await environment.bobbin.threads.fork(source.threadId);
      await runTurn(forked, 'say: only here');
      await closeThread(source);
      await environment.bobbin.threads.resume(source.threadId, { instructions: 'Be brief.' });
      await runTurn(source, 'say: resumed');
      const unknown = `thread/unknown-${randomUUID()}`;
      const { workflow } = environment.bobbin.service.client;
      const argument = {
        threadId: unknown.slice(7),
        workspace: { cwd: environment.cwd },
        fork: { threadId: 'nobody' },
      };
      await workflow.execute('thread', { workflowId: unknown, taskQueue: environment.taskQueue, args: [argument] });
      return { resumed: source.workflowId, forked: forked.workflowId, refused: unknown };
    },
  },
  terminated: {
    async drive(environment) {
      const thread = await environment.start();
      await submitCommand(thread, 'run: sleep 300');
      await environment.bobbin.service.client.workflow.getHandle(thread.workflowId).terminate('by an operator');
      await environment.bobbin.threads.resume(thread.threadId);
      await runTurn(thread, 'run: echo cleaned');
      return { thread: thread.workflowId };
    },
  },
  hosts: {
    worker: false,
    // A turn asks for its host after a fourth of it.
    env: { BOBBIN_CONTINUE_AFTER_EVENTS: '60', BOBBIN_HOST_GRACE: '4' },
    async drive(environment) {
      const { second, other } = await twoHosts(environment);
      const { service } = environment.bobbin;
      const { cwd } = environment;
      const thread = await environment.start({ workspace: { cwd, host: second } });
      const helper = 'call: spawn_agent {"task_name": "helper", "message": "run: echo there"}';
      await runTurn(thread, `run: echo one\n${helper}\ncall: wait_agent {}`);
      for (let i = 0; i < 4; i++) await runTurn(thread, `run: echo ${i}`);
      const [child = ''] = (await thread.view()).subThreads.map(({ threadId }) => toWorkflowId(threadId));
      const any = await environment.start();
      await runTurn(any, 'run: echo any');
      const forked = await environment.bobbin.threads.fork(thread.threadId);
      await runTurn(forked, 'run: sleep 3; echo forked');
      await closeThread(thread);
      await other.stop();
      await runTurn(forked, 'say: too late');
      const nowhere = await environment.start({ workspace: { cwd: `${cwd}-nowhere` } });
      await service.client.workflow.getHandle(nowhere.workflowId).result();
      const registration = toHostWorkflowId(environment.taskQueue, second);
      const machine = { name: 'another', bootId: '' };
      const [known] = (await listRegistrations(service)).slice(1);
      await signal(environment, registration, 'claimHost', { ...known, machine });
      await signal(environment, registration, 'claimHost', { hostId: 'odd name' });
      await signal(environment, registration, 'drainHost', true);
      await signal(environment, registration, 'forgetHost', null);
      await service.client.workflow.getHandle(registration).result();
      const threads = { thread: thread.workflowId, any: any.workflowId, forked: forked.workflowId, child };
      return { ...threads, nowhere: nowhere.workflowId, host: registration };
    },
  },
  'waiting-for-a-host': {
    worker: false,
    async drive(environment) {
      const { second, other, startSecond } = await twoHosts(environment);
      await other.stop();
      const wait = async (more: object) => {
        const thread = await environment.start({ workspace: { cwd: environment.cwd, host: second }, ...more });
        await expect.poll(async () => (await thread.opening())?.waitsFor?.host).toBe(second);
        return thread;
      };
      const closed = await wait({});
      await closed.submit(turn('say: too late'));
      await closed.close();
      await environment.bobbin.service.client.workflow.getHandle(closed.workflowId).result();
      const interrupted = await wait({ firstTurn: turn('say: not needed') });
      await interrupted.interrupt();
      const signalled = await wait({ firstTurn: turn('say: not needed either') });
      await signalled.requestInterrupt();
      await startSecond();
      for (const thread of [interrupted, signalled]) {
        await runTurn(thread, 'say: this one');
        await closeThread(thread);
      }
      return { closed: closed.workflowId, interrupted: interrupted.workflowId, signalled: signalled.workflowId };
    },
  },
  moved: {
    worker: false,
    env: { BOBBIN_CONTINUE_AFTER_EVENTS: '60' },
    async drive(environment) {
      const { second } = await twoHosts(environment);
      const { cwd } = environment;
      const thread = await environment.start({ workspace: { cwd, host: second } });
      const serve = { cmd: 'until [ -e never ]; do sleep 0.05; done', yield_time_ms: 250 };
      await runTurn(thread, `run: echo one > one\ncall: exec_command ${JSON.stringify(serve)}`);
      await thread.move({ host: 'host-a', cwd: environment.workspace() });
      await thread.move({ host: 'host-z', cwd }).catch(() => undefined);
      await thread.undo();
      for (let i = 0; i < 4; i++) await runTurn(thread, `run: echo ${i} > one`);
      await closeThread(thread);
      await environment.bobbin.threads.resume(thread.threadId);
      await runTurn(thread, 'run: echo again');
      return { thread: thread.workflowId };
    },
  },
  'moved-clone': {
    worker: false,
    env: { BOBBIN_CONTINUE_AFTER_EVENTS: '60' },
    async drive(environment) {
      const { second } = await twoHosts(environment);
      const repository = `file://${environment.workspace()}`;
      const thread = await environment.start({ workspace: { repository, host: second } });
      await runTurn(thread, 'run: echo one > one');
      await runTurn(thread, 'touch two', { kind: 'user_shell' });
      await thread.move({});
      await thread.undo();
      for (let i = 0; i < 4; i++) await runTurn(thread, `run: echo ${i} > one`);
      await closeThread(thread);
      return { thread: thread.workflowId };
    },
  },
  relocated: {
    worker: false,
    env: { BOBBIN_HOST_GRACE: '2' },
    async drive(environment) {
      const { second, other } = await twoHosts(environment);
      const workspace = { repository: `file://${environment.workspace()}`, host: second };
      const thread = await environment.start({ workspace, approvalPolicy: 'never', sandbox: 'danger-full-access' });
      await runTurn(thread, 'run: echo one > one');
      await expect.poll(async () => (await thread.view()).stored?.isNewest).toBe(true);
      await other.stop();
      await runTurn(thread, 'run: cat one\nsay: done');
      await closeThread(thread);
      return { thread: thread.workflowId };
    },
  },
  'left-agents': {
    worker: false,
    env: { BOBBIN_HOST_GRACE: '2' },
    async drive(environment) {
      const { second, other } = await twoHosts(environment);
      const workspace = { repository: `file://${environment.workspace()}`, host: second };
      const thread = await environment.start({ workspace, approvalPolicy: 'untrusted', sandbox: 'danger-full-access' });
      await runTurn(thread, 'spawn: run: touch below\nspawn: say: first');
      await waitForRequest(thread);
      await waitForEvent(child(environment, thread, 2), 'turn/completed');
      await expect.poll(async () => (await thread.view()).stored?.isNewest ?? true).toBe(true);
      await other.stop();
      await runTurn(thread, 'spawn: say: second\ncall: wait_agent {}');
      await waitForEvent(child(environment, thread, 1), 'thread/closed');
      await closeThread(thread);
      await waitForEvent(child(environment, thread, 3), 'thread/closed');
      const agentOf = (number: number) => child(environment, thread, number).workflowId;
      return { thread: thread.workflowId, 'agent-1': agentOf(1), 'agent-2': agentOf(2), 'agent-3': agentOf(3) };
    },
  },
  'stopped-agents': {
    async drive(environment) {
      const thread = await environment.start({ approvalPolicy: 'untrusted', sandbox: 'danger-full-access' });
      const helper = 'call: spawn_agent {"task_name": "helper", "message": "run: touch below"}';
      const follow = 'call: followup_task {"target": "helper", "message": "say: second"}';
      await runTurn(thread, `${helper}\n${follow}\n${follow}`);
      const agent = child(environment, thread, 1);
      await waitForRequest(agent);
      const corrected = turn('run: touch corrected');
      await agent.submit(corrected);
      await waitForEvent(agent, 'turn/started', ({ turnId }) => turnId === corrected.turnId);
      await waitForRequest(agent);
      await runTurn(agent, 'echo mine', { kind: 'user_shell' });
      const asking = turn('run: touch here');
      await thread.submit(asking);
      const { request } = await waitForEvent(
        thread,
        'item/commandExecution/requestApproval',
        (event) => event.request.turnId === asking.turnId,
      );
      await thread.resolve({ requestId: request.requestId, decision: 'cancel' });
      await thread.completion(asking.turnId);
      await runTurn(thread, `${follow}\ncall: wait_agent {}`);
      await closeThread(thread);
      await waitForEvent(agent, 'thread/closed');
      return { parent: thread.workflowId, child: agent.workflowId };
    },
  },
  'taken-over': {
    worker: false,
    env: { BOBBIN_HOST_GRACE: '2', BOBBIN_HOST_GROUP: 'shared' },
    async drive(environment) {
      const { second, other, startSecond } = await twoHosts(environment);
      const workspace = { cwd: environment.cwd, host: second };
      const thread = await environment.start({ workspace, approvalPolicy: 'never', sandbox: 'danger-full-access' });
      const serve = { cmd: 'until [ -e never ]; do sleep 0.05; done', yield_time_ms: 250 };
      await runTurn(thread, `call: exec_command ${JSON.stringify(serve)}`);
      await other.stop();
      await runTurn(thread, 'run: echo here');
      await runTurn(thread, 'run: sleep 6');
      const again = await startSecond();
      const isClean = async () => (await runTurn(thread, 'run: sleep 1')).mayStillRun === undefined;
      await expect.poll(isClean).toBe(true);
      await again.stop();
      await runTurn(thread, 'run: echo last');
      await closeThread(thread);
      return { thread: thread.workflowId };
    },
  },
  'lost-worker': {
    worker: false,
    async drive(environment) {
      const first = await startWorkerChild(environment.env, join(environment.data, '../worker.log'));
      const thread = await environment.start();
      const turnId = await submitCommand(thread, 'run: echo half; sleep 300');
      await first.kill();
      await environment.worker();
      await thread.completion(turnId);
      await runTurn(thread, 'say: and on');
      return { thread: thread.workflowId };
    },
  },
  agents: {
    env: { BOBBIN_CONTINUE_AFTER_EVENTS: '120' },
    async drive(environment) {
      const thread = await environment.start();
      const helper = 'call: spawn_agent {"task_name": "helper", "message": "say: first"}';
      await runTurn(thread, `${helper}\ncall: wait_agent {}`);
      const target = (more: object) => JSON.stringify({ target: 'helper', ...more });
      await runTurn(
        thread,
        `call: send_message ${target({ message: 'mind the gap' })}\ncall: followup_task ${target({ message: 'say: second' })}\ncall: wait_agent {}\ncall: list_agents {}`,
      );
      await runTurn(thread, `spawn: ${untilFile}\ncall: wait_agent {"timeout_ms": 10000}`);
      while ((await thread.view()).runCount === 1) await runTurn(thread, 'run: echo on');
      await runTurn(thread, 'run: echo watched');
      writeFileSync(join(environment.cwd, 'go-on'), '');
      await waitForEvent(child(environment, thread, 2), 'turn/completed');
      await runTurn(thread, `call: close_agent ${target({})}`);
      await waitForEvent(child(environment, thread, 1), 'thread/closed');
      await thread.close();
      await waitForEvent(thread, 'thread/closed');
      await waitForEvent(child(environment, thread, 2), 'thread/closed');
      return {
        parent: thread.workflowId,
        child: child(environment, thread, 1).workflowId,
        watched: `${thread.workflowId}/2`,
      };
    },
  },
  'interrupted-tree': {
    async drive(environment) {
      const thread = await environment.start({ approvalPolicy: 'untrusted' });
      const asking = turn('spawn: run: touch below\ncall: wait_agent {}');
      await thread.submit(asking);
      const { requestId } = await waitForRequest(thread);
      await thread.resolve({ requestId, decision: 'accept' });
      await thread.completion(asking.turnId);
      const tree = turn('spawn: run: touch never\ncall: wait_agent {}');
      await thread.submit(tree);
      await waitForRequest(thread);
      await thread.interrupt({ turnId: tree.turnId, tree: true });
      await thread.completion(tree.turnId);
      return { parent: thread.workflowId, child: `${thread.workflowId}/1`, interrupted: `${thread.workflowId}/2` };
    },
  },
  'unknown-requests': {
    async drive(environment) {
      const thread = await environment.start();
      await runTurn(thread, 'spawn: say: first\ncall: wait_agent {}');
      const agent = child(environment, thread, 1);
      await agent.requestResolve({ requestId: 'req_99', decision: 'accept' });
      await waitForEvent(agent, 'message/rejected');
      await runTurn(agent, 'say: second');
      await thread.close();
      await waitForEvent(thread, 'thread/closed');
      await waitForEvent(agent, 'thread/closed');
      return { parent: thread.workflowId, child: agent.workflowId };
    },
  },
  'tree-budget': {
    async drive(environment) {
      const thread = await environment.start({ budget: { tree: { steps: 4 } } });
      const asked = turn('spawn: run: echo 1\ncall: wait_agent {}\nrun: echo 2\nrun: echo 3\nrun: echo 4');
      await thread.submit(asked);
      const { requestId } = await waitForRequest(thread);
      await thread.resolve({ requestId, decision: 'accept' });
      await thread.completion(asked.turnId);
      return { parent: thread.workflowId, child: `${thread.workflowId}/1` };
    },
  },
  batch: {
    // A window that a small repository fills.
    env: { BOBBIN_CONTEXT_WINDOW: '20000' },
    async drive(environment) {
      const { batchId, ledgerId } = await driveBatch(environment);
      const target = (number: number) => `batch-review/${batchId}/${number}`;
      return {
        ...{ batch: `batch-review/${batchId}`, ledger: ledgerId, thread: `thread/${batchId}/3/1` },
        ...{ reviewed: target(0), skipped: target(1), failed: target(2), split: target(3) },
      };
    },
  },
  'batch-cancelled': {
    async drive(environment) {
      const slow = environment.workspace();
      commit(slow, { 'a.ts': '// TODO: one\n' });
      const targets = [{ repository: slow }, { repository: environment.workspace() }];
      const batch = await environment.bobbin.batches.start({
        targets,
        reviewsPerMinute: 1,
        instructions: 'wait: 60000',
      });
      await environment.model.waitForRequest(({ body }) => JSON.stringify(body).includes(`${batch.batchId}/0`));
      await batch.cancel();
      await batch.follow().catch(() => undefined);
      const workflowId = `batch-review/${batch.batchId}`;
      const { targetId = '' } = (await batch.record()).targets[0]?.row ?? {};
      return { batch: workflowId, target: `${workflowId}/0`, ledger: `review-ledger/${targetId}` };
    },
  },
  'batch-lost': {
    async drive(environment) {
      const lose = async (type: string) => {
        const target = environment.workspace();
        commit(target, { 'a.ts': '// TODO: one\n' });
        const batch = await environment.bobbin.batches.start({
          targets: [{ repository: target }, { repository: environment.workspace() }],
          ...{ concurrency: 1, instructions: 'wait: 60000', budget: { batch: { steps: 5 } } },
        });
        await environment.model.waitForRequest(({ body }) => JSON.stringify(body).includes(`${batch.batchId}/0`));
        const { workflow } = environment.bobbin.service.client;
        await workflow.getHandle(`${type}/${batch.batchId}/0`).terminate('looked stuck');
        await batch.follow();
        return batch.workflowId;
      };
      const [review, thread] = [await lose('batch-review'), await lose('thread')];
      return { review, thread, target: `${thread}/0` };
    },
  },
  'identity-key-left': {
    async drive(environment) {
      const thread = await environment.start();
      await waitForEvent(thread, 'agentTask/registered');
      const { path = '' } = keyFiles(environment).find(({ account }) => account === environment.account) ?? {};
      const removable = blockRemoval(path);
      await expect(environment.bobbin.identities.revoke(environment.account)).rejects.toThrow('its key is still there');
      removable();
      await environment.bobbin.identities.revoke(environment.account);
      return { entity: `agent-identity/${environment.account}` };
    },
  },
  'identity-operator': {
    env: { BOBBIN_IDENTITY_WAIT_MS: '2500' },
    async drive(environment) {
      await environment.identity.control({ taskTtlMs: 10 * 60_000, identityTtlMs: 20 * 60_000 });
      const thread = await environment.start({ agentIdentity: { mode: 'strict', account: environment.account } });
      await waitForEvent(thread, 'agentTask/registered');
      await runTurn(thread, 'say: one');
      await environment.bobbin.identities.replace(environment.account);
      await runTurn(thread, 'say: two');
      await environment.bobbin.identities.revoke(environment.account, { reason: 'a test' });
      await runTurn(thread, 'say: refused');
      await environment.bobbin.identities.replace(environment.account);
      await runTurn(thread, 'say: three');
      const recoverable = await environment.start();
      await waitForEvent(recoverable, 'agentTask/registered');
      await runTurn(recoverable, 'say: renewed ahead later');
      await environment.identity.control({ failNext: { status: 503, times: 20, path: '/task/register' } });
      await environment.identity.control({ expireTasks: true });
      await runTurn(recoverable, 'say: the service was away');
      return {
        ...{ thread: thread.workflowId, recoverable: recoverable.workflowId },
        entity: `agent-identity/${environment.account}`,
      };
    },
  },
  'entities-go-on': {
    service: EARLY,
    async drive(environment) {
      const targets = Array.from({ length: 6 }, () => environment.workspace());
      const [first = ''] = targets;
      commit(first, { 'a.ts': '// TODO: one\n' });
      const batch = await startBatch(environment, targets, { concurrency: 1 });
      const { targetId = '' } = (await batch.record()).targets[0]?.row ?? {};
      const ledger = environment.bobbin.ledgers.get(targetId);
      const { findingId = '' } = (await ledger.view()).findings[0] ?? {};
      for (let i = 0; i < 8; i++) {
        await ledger.dismiss({ findingId, by: 'ann', why: 'on purpose' });
        await ledger.reopen({ findingId, by: 'ann' });
      }
      commit(first, { 'b.ts': '// FIXME: two\n' });
      await startBatch(environment, [first]);
      const entity = environment.bobbin.service.client.workflow.getHandle(`agent-identity/${environment.account}`);
      for (let i = 0; i < 12; i++) {
        const { agentRuntimeId } = await entity.query<{ agentRuntimeId: string }>('identity');
        await entity.executeUpdate('replaceIdentity', { args: [agentRuntimeId] });
      }
      await runTurn(await environment.start(), 'say: a new run of the entity');
      return {
        ...{ batch: `batch-review/${batch.batchId}`, ledger: ledger.workflowId },
        entity: `agent-identity/${environment.account}`,
      };
    },
  },
};
