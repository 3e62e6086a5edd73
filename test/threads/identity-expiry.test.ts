/** Ends of identities and tasks with real clocks: what is shown, what is renewed ahead, and what only reported. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ThreadHandle } from '../../src/client/index.ts';
import { openAccount, taskOf } from '../parts/accounts.ts';
import { type TestEnvironment, eventsSoFar, openEnvironment, runTurn, turn, waitForEvent } from '../environment.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment({ requireAssertion: true });
});
const DAY = 86_400_000;
afterEach(() => environment.identity.control({ taskTtlMs: DAY, identityTtlMs: null, hideExpiry: false }));
afterAll(() => environment.close());

const handleOf = (thread: ThreadHandle) => environment.bobbin.service.client.workflow.getHandle(thread.workflowId);
async function detailsOf(thread: ThreadHandle): Promise<string> {
  const { currentDetails = '' } = await handleOf(thread).query<{ currentDetails?: string }>(
    '__temporal_workflow_metadata',
  );
  return currentDetails;
}
async function timersOf(thread: ThreadHandle): Promise<number[]> {
  const { events = [] } = await handleOf(thread).fetchHistory();
  return (events ?? []).flatMap(({ timerStartedEventAttributes: timer }) =>
    timer == null ? [] : [Number(timer.startToFireTimeout?.seconds ?? 0)],
  );
}
const warningsOf = async (thread: ThreadHandle) =>
  (await eventsSoFar(thread)).flatMap((event) => (event.type === 'warning' ? [event.message] : []));

describe('the end of a task and of its identity', () => {
  it('is in the view, in the details in the Temporal UI and on the command line, with task, mode and last error', async () => {
    await environment.identity.control({ identityTtlMs: 10 * DAY });
    const thread = await openAccount(environment).start();
    const { taskId, agentRuntimeId, expiresAt = '' } = await waitForEvent(thread, 'agentTask/registered');
    await runTurn(thread, 'say: hi');
    const { agentTask } = await thread.view();
    const inDays = (at: number) => Math.round((at - Date.now()) / (DAY / 10)) / 10;
    expect(inDays(Date.parse(expiresAt))).toBe(1);
    expect(inDays(agentTask.renewsAt ?? 0)).toBe(0.8);
    expect(inDays(Date.parse(agentTask.identityExpiresAt ?? ''))).toBe(10);
    const shown = await detailsOf(thread);
    for (const words of [
      '### Agent task',
      `- state: \`registered, mode recoverable, account ${agentTask.account}\``,
      `- task: \`${taskId}\``,
      `- identity: \`${agentRuntimeId}\``,
      `- task ends: \`${expiresAt}\``,
      `- identity ends: \`${agentTask.identityExpiresAt}\``,
      '- renewed ahead at: `20',
    ])
      expect(shown).toContain(words);
    await environment.identity.control({
      expireTasks: taskId,
      failNext: { status: 400, times: 1, path: '/task/register' },
    });
    await runTurn(thread, 'say: hi');
    expect(await detailsOf(thread)).toMatch(
      /- state: `cleared \(rejected\)[^]*- last error: `agentIdentityRefused at 20/,
    );
  });

  it('that the service does not report is unknown: nothing is planned', async () => {
    await environment.identity.control({ hideExpiry: true });
    const thread = await openAccount(environment).start();
    await waitForEvent(thread, 'agentTask/registered');
    await runTurn(thread, 'say: hi');
    expect((await thread.view()).agentTask).toMatchObject({ identityExpiresAt: null, renewsAt: null });
    expect(await taskOf(thread)).not.toHaveProperty('expiresAt');
    expect(await timersOf(thread)).toEqual([]);
  });

  it.each([
    ['in the past', -DAY, 'failed'],
    ['in ten years', 3_650 * DAY, 'completed'],
  ])('%s wedges nothing, in either mode', async (_, taskTtlMs, status) => {
    await environment.identity.control({ taskTtlMs });
    const account = openAccount(environment);
    const [recoverable, strict] = [await account.start('recoverable'), await account.start('strict')];
    for (const thread of [recoverable, strict]) {
      await waitForEvent(thread, 'agentTask/registered');
      expect((await runTurn(thread, 'say: hi')).status).toBe(status);
    }
    const isLong = taskTtlMs > 0;
    const years = (await timersOf(recoverable)).map((seconds) => Math.round(seconds / 31_536_000));
    expect(years).toEqual(isLong ? [8] : []);
    // One registration, and one more for the one time that the step is repeated.
    const registered = (await eventsSoFar(recoverable)).filter(({ type }) => type === 'agentTask/registered');
    expect(registered).toHaveLength(isLong ? 1 : 2);
    expect(await warningsOf(strict)).toHaveLength(isLong ? 0 : 1);
    await environment.identity.control({ taskTtlMs: DAY });
    expect((await runTurn(recoverable, 'say: hi')).status).toBe('completed');
  });
});

describe('a life of a minute', () => {
  it('is renewed ahead for a recoverable thread and for its account; a strict one is told, and ends', async () => {
    await environment.identity.control({ taskTtlMs: 61_000 });
    const account = openAccount(environment);
    const [used, idle, strict] = [
      await account.start(),
      await account.start(),
      await openAccount(environment).start('strict'),
    ];
    const first = await waitForEvent(used, 'agentTask/registered');
    await Promise.all([idle, strict].map((thread) => waitForEvent(thread, 'agentTask/registered')));
    await environment.identity.control({ taskTtlMs: DAY, identityTtlMs: 61_000 });
    const other = openAccount(environment);
    const ofOther = await other.start();
    const { agentRuntimeId } = await waitForEvent(ofOther, 'agentTask/registered');
    await environment.identity.control({ identityTtlMs: null });
    // A turn that is under way when its task is renewed.
    const long = turn('run: until [ -e renewed ]; do sleep 0.1; done; echo went on');
    await used.submit(long);

    const warning = await waitForEvent(strict, 'warning');
    expect(warning.message).toMatch(/mode strict acquires no other one.*`bobbin identity replace /);
    const second = await waitForEvent(used, 'agentTask/registered', ({ taskId }) => taskId !== first.taskId);
    expect(second.agentRuntimeId).toBe(first.agentRuntimeId);
    await expect
      .poll(async () => (await other.identity()).agentRuntimeId, { timeout: 60_000 })
      .not.toBe(agentRuntimeId);
    writeFileSync(join(environment.cwd, 'renewed'), '');
    expect(await used.completion(long.turnId)).toMatchObject({ status: 'completed' });
    expect((await eventsSoFar(used)).map(({ type }) => type)).not.toContain('agentTask/cleared');
    expect((await runTurn(ofOther, 'say: hi')).status).toBe('completed');

    const { taskId, expiresAt = '' } = await taskOf(strict);
    await expect.poll(() => Date.now() > Date.parse(expiresAt), { timeout: 60_000 }).toBe(true);
    expect(await runTurn(strict, 'say: hi')).toMatchObject({ error: { code: 'agentAssertionRejected' } });
    expect((await taskOf(strict)).taskId).toBe(taskId);
    // Nobody has used it: its task has ended, and its next turn registers another one.
    expect((await eventsSoFar(idle)).filter(({ type }) => type === 'agentTask/registered')).toHaveLength(1);
    expect((await runTurn(idle, 'say: hi')).status).toBe('completed');
    expect((await eventsSoFar(idle)).filter(({ type }) => type === 'agentTask/registered')).toHaveLength(2);
  }, 300_000);
});
