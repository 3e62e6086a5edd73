/** Scenarios of threads that stand alone. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ResolveRequest } from '../../src/contract/index.ts';
import type { ThreadHandle } from '../../src/client/index.ts';
import { z } from 'zod';
import { toRulesWorkflowId } from '../../src/contract/plain/workflow-ids.ts';
import { createOwnTasks } from '../../src/worker/own-code/tasks.ts';
import { createOwnTools } from '../../src/worker/own-code/tools.ts';
import { png } from '../../src/contract/test-images.ts';
import { rawPayload, sendSignal } from '../parts/raw-client.ts';
import { commit } from '../parts/repositories.ts';
import { eventsSoFar, runTurn, turn, waitForEvent, waitForRequest } from '../environment.ts';
import { type Scenarios, signal, submitCommand, submitStream } from './scenario.ts';

const ADD_FILE = 'patch:\n*** Begin Patch\n*** Add File: recorded.txt\n+one\n*** End Patch';
const MCP_SERVER = join(import.meta.dirname, '../../src/adapters/mcp/test-stdio-server.ts');

/** Submits a turn and answers each request that it makes, one after the other. */
async function answering(thread: ThreadHandle, text: string, ...answers: Omit<ResolveRequest, 'requestId'>[]) {
  const submitted = turn(text);
  await thread.submit(submitted);
  for (const answer of answers) {
    const { requestId } = await waitForRequest(thread);
    await thread.resolve({ requestId, ...answer });
  }
  return thread.completion(submitted.turnId);
}

export const THREADS: Scenarios = {
  'tools-and-plan': {
    worker: false,
    async drive(environment) {
      const config = join(environment.data, '../mcp.json');
      const args = [MCP_SERVER, join(environment.data, '../mcp.log'), 'well'];
      const files = { command: process.execPath, args, startupTimeoutMs: 60_000 };
      writeFileSync(config, JSON.stringify({ mcpServers: { files } }));
      await environment.worker({ BOBBIN_MCP_CONFIG: config });
      const thread = await environment.start({ title: 'recorded', instructions: 'Be brief.' });
      await runTurn(thread, 'plan: look; change\nrun: echo one\nparallel: ls\nparallel: cat README.md\nsay: done');
      await runTurn(thread, ADD_FILE);
      await runTurn(thread, `run: printf '%s' ${'long '.repeat(450)}`);
      await runTurn(thread, 'call: mcp__files__add {"a": 20, "b": 22}\ncall: mcp__files__fail {}');
      await runTurn(thread, 'echo beside', { kind: 'user_shell' });
      await runTurn(thread, 'say: shorter', { overrides: { model: 'offline/other', sandbox: 'read-only' } });
      return { thread: thread.workflowId };
    },
  },
  skills: {
    async drive(environment) {
      const folder = join(environment.data, 'skills', 'mine');
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'SKILL.md'), '---\nname: mine\ndescription: How it is done here.\n---\nCarefully.\n');
      const thread = await environment.start();
      await runTurn(thread, 'call: read_skill {"name": "mine"}\ncall: read_skill {"name": "none"}\nsay: done');
      return { thread: thread.workflowId };
    },
  },
  managed: {
    async drive(environment) {
      const repository = `file://${environment.cwd}`;
      const thread = await environment.start({ workspace: { repository, ref: 'HEAD' } });
      await runTurn(thread, 'run: ls\nsay: done');
      const refused = await environment.start({ workspace: { repository, path: 'nowhere' } });
      const { client } = environment.bobbin.service;
      await client.workflow.getHandle(refused.workflowId).result();
      return { thread: thread.workflowId, refused: refused.workflowId };
    },
  },
  images: {
    async drive(environment) {
      const thread = await environment.start();
      writeFileSync(join(environment.cwd, 'shot.png'), png(4, 3));
      const image = await environment.bobbin.images.store(png(2, 1), 'mine.png');
      const missing = { type: 'localImage' as const, path: 'none.png' };
      const input = [{ type: 'text' as const, text: 'see:' }, image, { ...missing, path: 'shot.png' }, missing];
      await runTurn(thread, '', { input });
      const view = (path: string) => `call: view_image ${JSON.stringify({ path })}`;
      await runTurn(thread, `${view('shot.png')}\n${view('none.png')}\nsee:`);
      return { thread: thread.workflowId };
    },
  },
  sessions: {
    async drive(environment) {
      const thread = await environment.start();
      const serve = (until: string) => {
        const cmd = `echo ready; until [ -e ${until} ]; do sleep 0.05; done; exit 3`;
        return `call: exec_command ${JSON.stringify({ cmd, yield_time_ms: 250 })}`;
      };
      await runTurn(thread, `${serve('go')}\n${serve('never')}\nsay: both run`);
      const [first] = (await thread.view()).sessions ?? [];
      writeFileSync(join(environment.cwd, 'go'), '');
      await waitForEvent(thread, 'item/completed', ({ item }) => item.type === 'commandSession');
      await runTurn(thread, `call: write_stdin {"session_id": ${first?.sessionId}}`);
      await thread.interrupt({ turnId: await submitStream(environment, thread), keepSessions: true });
      await thread.interrupt();
      return { thread: thread.workflowId };
    },
  },
  'own-code': {
    worker: false,
    async drive(environment) {
      const sum = { name: 'sum', description: 'Adds.', input: z.object({ a: z.number() }), run: () => '42' };
      let begun: () => void = () => undefined;
      const running = new Promise<void>((resolve) => (begun = resolve));
      const count = {
        name: 'count',
        run: ({ step }: { step: number }) =>
          step < 3 ? { type: 'next' as const, state: { step }, message: `step ${step}` } : { type: 'done' as const },
      };
      const waits = { name: 'waits', run: () => (begun(), new Promise<never>(() => undefined)) };
      const log = () => undefined;
      await environment.worker({}, { tools: createOwnTools([sum], log), tasks: createOwnTasks([count, waits], log) });
      const thread = await environment.start();
      await answering(thread, 'call: sum {"a": 1}', { decision: 'accept' });
      await runTurn(thread, 'to three', { kind: 'custom', task: 'count' });
      await runTurn(thread, '', { kind: 'custom', task: 'unknown', input: [] });
      const left = turn('', { kind: 'custom', task: 'waits', input: [] });
      await thread.submit(left);
      await running;
      await thread.interrupt();
      await thread.completion(left.turnId);
      return { thread: thread.workflowId };
    },
  },
  'model-trouble': {
    async drive(environment) {
      const thread = await environment.start();
      await runTurn(thread, 'status: 503 1\nsay: tried again');
      await runTurn(thread, 'status: 400');
      await runTurn(thread, 'status: 401\nsay: not allowed');
      await runTurn(thread, 'cut: 2 1\nsay: whole');
      return { thread: thread.workflowId };
    },
  },
  stopping: {
    async drive(environment) {
      const thread = await environment.start();
      const { workflowId } = thread;
      await thread.interrupt({ turnId: await submitCommand(thread, 'run: sleep 30') });
      const streamed = await submitStream(environment, thread);
      await thread.requestInterrupt({ turnId: streamed, reason: 'enough' });
      await thread.completion(streamed);
      await submitStream(environment, thread);
      await runTurn(thread, 'say: replaced');
      const steered = await submitCommand(thread, 'run: until [ -e go-on ]; do sleep 0.05; done\nsay: end');
      await thread.steer({ expectedTurnId: steered, input: [{ type: 'text', text: 'say: steered' }] });
      await thread.submit(turn('say: rejected', { onBusy: 'reject' }));
      const queued = ['one', 'two', 'three'].map((word) => turn(`say: ${word}`, { onBusy: 'queue' }));
      const [one, two, three] = queued.map(({ turnId }) => turnId) as [string, string, string];
      for (const each of queued) await thread.startTurn(each);
      await thread.editQueue({ op: 'edit', turnId: one, input: [{ type: 'text', text: 'say: edited' }] });
      await thread.editQueue({ op: 'move', turnId: three, before: one });
      await signal(environment, workflowId, 'editQueue', { op: 'drop', turnId: two, reason: 'not needed' });
      writeFileSync(join(environment.cwd, 'go-on'), '');
      for (const turnId of [steered, three, one]) await thread.completion(turnId);
      await thread.close({ reason: 'recorded' });
      await waitForEvent(thread, 'thread/closed');
      return { thread: workflowId };
    },
  },
  'bad-messages': {
    async drive(environment) {
      const thread = await environment.start();
      const { workflowId } = thread;
      await runTurn(thread, 'say: before');
      await signal(environment, workflowId, 'submitTurn', { turnId: '', kind: 'dance' });
      await signal(environment, workflowId, 'unheardOf', {});
      await sendSignal(environment, thread, 'submitTurn', rawPayload('json/plain', '{"turnId":'));
      await signal(environment, workflowId, 'resolveRequest', { requestId: 'none', decision: 'accept' });
      await runTurn(thread, 'say: after');
      await environment.bobbin.service.client.workflow.getHandle(workflowId).cancel();
      await waitForEvent(thread, 'thread/closed');
      return { thread: workflowId };
    },
  },
  approvals: {
    keeps: ['rules'],
    async drive(environment) {
      const thread = await environment.start({ approvalPolicy: 'untrusted' });
      const { workflowId } = thread;
      const question = turn('run: touch allowed.txt\nask: Which one?');
      await thread.submit(question);
      const approval = await waitForRequest(thread);
      await thread.resolve({ requestId: approval.requestId, decision: 'acceptForSession' });
      const asked = await waitForEvent(thread, 'item/tool/requestUserInput');
      await signal(environment, workflowId, 'resolveRequest', {
        requestId: asked.request.requestId,
        decision: 'decline',
      });
      await thread.completion(question.turnId);
      await answering(thread, 'run: touch once', { decision: 'accept' });
      await answering(thread, 'run: touch never', { decision: 'decline' });
      await answering(thread, 'run: touch stop', { decision: 'cancel' });
      await answering(thread, ADD_FILE, { decision: 'accept', remember: { scope: 'turn' } });
      const scopes = ['thread', 'repository'] as const;
      for (const scope of scopes)
        await answering(thread, `run: touch ${scope}`, { decision: 'accept', remember: { scope } });
      await runTurn(thread, 'run: touch repository');
      const [one, two] = (await thread.rules()).rules.map(({ ruleId }) => ruleId);
      await thread.revokeRule({ ruleId: one ?? '' });
      await signal(environment, workflowId, 'revokeRule', { ruleId: two ?? '' });
      const outside = await environment.start({ approvalPolicy: 'on-request' });
      await answering(outside, 'escalate: touch /var/tmp/bobbin-recorded', { decision: 'decline' });
      return { thread: workflowId, escalation: outside.workflowId };
    },
  },
  'repository-rules': {
    async drive(environment) {
      const thread = await environment.start({ approvalPolicy: 'untrusted' });
      await answering(thread, 'run: touch kept', { decision: 'accept', remember: { scope: 'repository' } });
      const { workflow } = environment.bobbin.service.client;
      const ask = async (workflowId: string, argument: object) => {
        const options = { workflowId, taskQueue: environment.taskQueue, args: [argument] };
        return workflow.execute('repositoryRules', options) as Promise<{ rules: { ruleId: string }[] }>;
      };
      const ids = ['list', 'revoke', 'refused'].map((what) => `repository-rules/${what}-${randomUUID()}`);
      const [list = '', revoke = '', refused = ''] = ids;
      const { rules } = await ask(list, { cwd: environment.cwd });
      await ask(revoke, { cwd: environment.cwd, revoke: rules[0]?.ruleId });
      await ask(refused, { cwd: 'not absolute' });
      return { list, revoke, refused };
    },
  },
  'rules-of-a-repository': {
    async drive(environment) {
      const thread = await environment.start({ approvalPolicy: 'untrusted' });
      const commands = ['touch one', 'touch two', 'touch three'];
      for (const command of commands)
        await answering(thread, `run: ${command}`, { decision: 'accept', remember: { scope: 'repository' } });
      await runTurn(thread, 'run: touch one');
      const [one, two] = (await thread.repositoryRules()).rules.map(({ ruleId }) => ruleId);
      await thread.revokeRepositoryRule({ ruleId: one ?? '' });
      const rules = toRulesWorkflowId((await thread.view()).settings.rulesAt ?? { host: '', repository: '' });
      await signal(environment, rules, 'revokeRule', { ruleId: two ?? '' });
      await runTurn(thread, 'run: touch three');
      return { thread: thread.workflowId, rules };
    },
  },
  deadline: {
    env: { BOBBIN_REQUEST_DEADLINE_MS: '300' },
    async drive(environment) {
      const thread = await environment.start({ approvalPolicy: 'untrusted' });
      await runTurn(thread, 'run: touch late\nask: Still there?');
      const unattended = await environment.start({ approvalPolicy: 'untrusted', unattended: { approvals: 'accept' } });
      await runTurn(unattended, 'run: touch unattended\nask: Nobody?');
      return { thread: thread.workflowId, unattended: unattended.workflowId };
    },
  },
  budgets: {
    async drive(environment) {
      const steps = await environment.start({ budget: { thread: { steps: 2 } } });
      const work = turn('run: echo 1\nrun: echo 2\nrun: echo 3\nrun: echo 4');
      await steps.submit(work);
      for (const decision of ['accept', 'decline'] as const) {
        const { requestId } = await waitForRequest(steps);
        await steps.resolve({ requestId, decision });
      }
      await steps.completion(work.turnId);
      const time = await environment.start({ budget: { turn: { wallMs: 3_000 } } });
      await answering(time, 'run: sleep 60', { decision: 'decline' });
      const longer = turn('run: until [ -e go-on ]; do sleep 0.05; done');
      await time.submit(longer);
      const { requestId } = await waitForRequest(time);
      await time.resolve({ requestId, decision: 'accept' });
      writeFileSync(join(environment.cwd, 'go-on'), '');
      await time.completion(longer.turnId);
      const waiting = await environment.start({ approvalPolicy: 'untrusted', budget: { thread: { wallMs: 60_000 } } });
      await answering(waiting, 'run: touch waited', { decision: 'accept' });
      return { steps: steps.workflowId, time: time.workflowId, waiting: waiting.workflowId };
    },
  },
  undo: {
    keeps: ['snapshots'],
    async drive(environment) {
      const thread = await environment.start();
      writeFileSync(join(environment.cwd, 'untracked.txt'), 'mine\n');
      const made = turn('snapshot', { kind: 'ghost_snapshot' });
      await thread.submit({ turnId: made.turnId, kind: 'ghost_snapshot' });
      await thread.completion(made.turnId);
      await runTurn(thread, 'run: echo agent | tee untracked.txt > new.txt');
      await thread.undo();
      await runTurn(thread, 'say: one');
      await runTurn(thread, 'say: two');
      await runTurn(thread, 'say: three');
      await thread.rollback({ numTurns: 1 });
      await signal(environment, thread.workflowId, 'rollbackTurns', { numTurns: 1 });
      await runTurn(thread, ADD_FILE);
      return { thread: thread.workflowId };
    },
  },
  redo: {
    async drive(environment) {
      const thread = await environment.start();
      await runTurn(thread, 'run: echo agent > README.md');
      await thread.previewUndo();
      await thread.undo();
      await thread.redo();
      await runTurn(thread, 'say: done');
      return { thread: thread.workflowId };
    },
  },
  compaction: {
    env: { BOBBIN_AUTO_COMPACT_TOKENS: '8000' },
    async drive(environment) {
      const thread = await environment.start();
      await runTurn(thread, 'say: one');
      const { turnId } = await thread.compact();
      await thread.completion(turnId);
      await runTurn(thread, 'tokens: 9000\nrun: echo two\nsay: after two');
      await runTurn(thread, 'say: three');
      return { thread: thread.workflowId };
    },
  },
  'agent-task': {
    keeps: ['keys'],
    async drive(environment) {
      const thread = await environment.start();
      const { agentRuntimeId } = await waitForEvent(thread, 'agentTask/registered');
      await environment.identity.control({ revokeIdentities: agentRuntimeId });
      await runTurn(thread, 'say: replaced');
      const off = await environment.start({ agentIdentity: { mode: 'off', account: environment.account } });
      await runTurn(off, 'say: refused');
      return { thread: thread.workflowId, off: off.workflowId, entity: `agent-identity/${environment.account}` };
    },
  },
  refused: {
    async drive(environment) {
      const workflowId = `thread/refused-${randomUUID()}`;
      const { workflow } = environment.bobbin.service.client;
      await workflow.execute('thread', { workflowId, taskQueue: environment.taskQueue, args: [{ threadId: 1 }] });
      const threadId = `first-${randomUUID()}`;
      const first = turn('say: at once');
      const start = { threadId, workspace: { cwd: environment.cwd } };
      const thread = await environment.bobbin.threads.startWith(start, first);
      await thread.completion(first.turnId);
      return { thread: workflowId, 'with-start': thread.workflowId };
    },
  },
  review: {
    async drive(environment) {
      const cwd = environment.workspace();
      commit(cwd, { 'a.ts': 'one\ntwo\n' });
      writeFileSync(join(cwd, 'a.ts'), 'one\ntwo // TODO\n');
      const thread = await environment.start({ workspace: { cwd } });
      await thread.review({ type: 'uncommittedChanges' });
      await thread.review({ type: 'custom', instructions: 'say: nothing' });
      await thread.review({ type: 'baseBranch', branch: 'no-such-branch' }).catch(() => undefined);
      const child = (await eventsSoFar(thread)).find(({ type }) => type === 'subThread/updated');
      const childId = child?.type === 'subThread/updated' ? child.subThread.threadId : '';
      return { thread: thread.workflowId, child: `thread/${childId}` };
    },
  },
};
