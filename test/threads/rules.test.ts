/** Remembered answers on the real service: how long each lives, who sees it, how it ends. */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toRepositoryRule } from '../../src/adapters/rules/repository-rule.ts';
import { openRulesWorkflow } from '../../src/client/rules/rules-workflow.ts';
import { toRulesWorkflowId } from '../../src/contract/plain/workflow-ids.ts';
import { writeFormerRule } from '../parts/former-rules.ts';
import { findProgram } from '../../src/adapters/programs.ts';
import { probeBubblewrap } from '../../src/adapters/shell/sandbox/bubblewrap.ts';
import type { ThreadHandle } from '../../src/client/index.ts';
import type { ApprovalRule, ResolveRequest, RuleScope, ThreadEvent, ThreadRequest } from '../../src/contract/index.ts';
import { type WorkerChild, startWorkerChild } from '../kill/worker-child.ts';
import { json, sendSignal } from '../parts/raw-client.ts';
import { runCli } from '../parts/run-cli.ts';
import {
  type TestEnvironment,
  eventsSoFar,
  openEnvironment,
  runTurn,
  turn,
  waitForEvent,
  waitForRequest,
  workerLog,
} from '../environment.ts';

const sandbox = await probeBubblewrap(findProgram('bwrap', []));

const HOST = 'host-of-rules';

let environment: TestEnvironment;
let outside: string;
beforeAll(async () => {
  environment = await openEnvironment({ env: { BOBBIN_HOST: HOST } });
  outside = mkdtempSync('/var/tmp/bobbin-rules-');
});
afterAll(async () => {
  await environment.close();
  rmSync(outside, { recursive: true });
});

const newName = () => `file-${randomUUID().slice(0, 8)}`;
const linesOf = (name: string, cwd = environment.cwd) =>
  readFileSync(join(cwd, name), 'utf8').trimEnd().split('\n').length;
const approvalsIn = (events: readonly ThreadEvent[]) =>
  events.flatMap((event) => ('request' in event && event.request.type !== 'userInput' ? [event.request] : []));

type Given = Omit<ResolveRequest, 'requestId'>;
const remembered = (scope: RuleScope, decision: 'accept' | 'decline' = 'accept'): Given => ({
  decision,
  remember: { scope },
});

/** Submits a turn, answers the one request that it makes, and waits for its end. */
async function answering(thread: ThreadHandle, text: string, given: Given): Promise<ThreadRequest> {
  const submitted = turn(text);
  await thread.submit(submitted);
  for await (const event of thread.events()) {
    if (!('request' in event) || event.request.turnId !== submitted.turnId) continue;
    await thread.resolve({ requestId: event.request.requestId, ...given });
    await thread.completion(submitted.turnId);
    return event.request;
  }
  throw new Error('The thread closed without a request');
}

async function asksFor(thread: ThreadHandle, text: string): Promise<boolean> {
  const before = approvalsIn(await eventsSoFar(thread)).length;
  const submitted = turn(text);
  await thread.submit(submitted);
  for await (const event of thread.events()) {
    if (event.type === 'turn/completed' && event.turn.turnId === submitted.turnId) break;
    if ('request' in event && event.request.turnId === submitted.turnId)
      await thread.resolve({ requestId: event.request.requestId, decision: 'decline' });
  }
  return approvalsIn(await eventsSoFar(thread)).length > before;
}

const keyOf = (cwd: string) => ({ host: HOST, repository: join(cwd, '.git') });
const handleOf = (cwd: string) => environment.bobbin.service.client.workflow.getHandle(toRulesWorkflowId(keyOf(cwd)));
/** A rule about a command in the root of that work tree. */
const kept = (cwd: string, command: string): ApprovalRule =>
  toRepositoryRule(
    {
      ...{ ruleId: '', scope: 'repository', decision: 'accept', by: 'person', at: 1, threadId: 't', turnId: 'a' },
      match: { type: 'commandExecution', command, cwd, sandbox: 'workspace-write' },
    },
    { folder: cwd, prefix: '' },
  );
const untrusted = (cwd = environment.cwd) => environment.start({ approvalPolicy: 'untrusted', workspace: { cwd } });

describe('an answer that is remembered', () => {
  it.each([
    { scope: 'turn', next: true, another: true },
    { scope: 'thread', next: false, another: true },
    { scope: 'repository', next: false, another: false },
  ] as const)(
    'for a $scope outlives a killed worker and the run it was given in; asked again in the next turn: $next, in another thread: $another',
    async ({ scope, next, another }) => {
      const own = await openEnvironment({ worker: false, env: { BOBBIN_CONTINUE_AFTER_EVENTS: '30' } });
      const workers: WorkerChild[] = [];
      const startWorker = async () => {
        workers.push(await startWorkerChild(own.env, join(own.cwd, '../worker.log')));
      };
      try {
        await startWorker();
        const thread = await own.start({ approvalPolicy: 'untrusted' });
        const command = 'run: echo x >> made';
        const asking = turn(`${command}\nask: Go on?\n${command}\n${command}`);
        await thread.submit(asking);
        const { requestId } = await waitForRequest(thread);
        await thread.resolve({ requestId, ...remembered(scope) });
        const question = await waitForRequest(thread);
        for (const worker of workers.splice(0)) await worker.kill();
        await startWorker();
        const id = question.type === 'userInput' ? question.questions[0]!.id : '';
        await thread.resolve({
          requestId: question.requestId,
          decision: 'accept',
          answers: { [id]: { answers: ['y'] } },
        });
        expect(await thread.completion(asking.turnId)).toMatchObject({ status: 'completed' });
        expect((await thread.view()).runCount).toBeGreaterThan(1);
        expect(linesOf('made', own.cwd)).toBe(3);
        expect(approvalsIn(await eventsSoFar(thread))).toHaveLength(1);
        expect(await asksFor(thread, command)).toBe(next);
        expect(await asksFor(await own.start({ approvalPolicy: 'untrusted' }), command)).toBe(another);
      } finally {
        for (const worker of workers) await worker.kill();
        await own.close();
      }
    },
  );

  it('can be a no, for every thread of the repository', async () => {
    const name = newName();
    await answering(await untrusted(), `run: touch ${name}`, remembered('repository', 'decline'));
    const other = await untrusted();
    expect((await runTurn(other, `run: touch ${name}`)).lastAgentMessage).toContain('is not asked again');
    expect(existsSync(join(environment.cwd, name))).toBe(false);
    expect(approvalsIn(await eventsSoFar(other))).toEqual([]);
    expect(await waitForEvent(other, 'rule/applied')).toMatchObject({ decision: 'decline' });
  });

  it('is not taken over by a fork, unless it is one of the repository', async () => {
    const thread = await untrusted();
    const [mine, ours] = [newName(), newName()];
    await answering(thread, `run: touch ${mine}`, remembered('thread'));
    await answering(thread, `run: touch ${ours}`, remembered('repository'));
    const fork = await environment.bobbin.threads.fork(thread.threadId);
    expect((await fork.rules()).rules).toEqual([]);
    expect(await asksFor(fork, `run: touch ${mine}`)).toBe(true);
    expect(await asksFor(fork, `run: touch ${ours}`)).toBe(false);
  });

  it('at the root, for a descendant, is a rule of the thread that asked', async () => {
    const thread = await untrusted();
    const name = newName();
    const command = `run: echo x >> ${name}`;
    const asking = turn(`spawn: ${command}\ncall: wait_agent {}`);
    await thread.submit(asking);
    const { requestId } = await waitForRequest(thread);
    await thread.resolve({ requestId, ...remembered('thread') });
    await thread.completion(asking.turnId);
    const child = environment.bobbin.threads.get(`${thread.threadId}/1`);
    expect((await child.rules()).rules).toMatchObject([{ scope: 'thread', threadId: child.threadId }]);
    expect((await thread.rules()).rules).toEqual([]);
    expect(await asksFor(child, command)).toBe(false);
    expect(await asksFor(thread, command)).toBe(true);
  });
});

describe('a rule of a repository', () => {
  it('holds in its other work trees, for what lies there, and not in another repository', async () => {
    const main = environment.workspace();
    const tree = `${main}-tree`;
    execFileSync('git', ['worktree', 'add', '-q', '--detach', tree], { cwd: main });
    const name = newName();
    const patch = `patch:\n*** Begin Patch\n*** Add File: ${name}\n+one\n*** End Patch`;
    await answering(await untrusted(main), patch, remembered('repository'));
    expect(await asksFor(await untrusted(tree), patch)).toBe(false);
    expect(existsSync(join(tree, name))).toBe(true);
    expect(await asksFor(await untrusted(environment.workspace()), patch)).toBe(true);
    const { repository, rules } = await environment.bobbin.repositoryRules.list(tree);
    expect(repository).toBe(join(main, '.git'));
    expect(rules).toMatchObject([{ scope: 'repository', match: { type: 'fileChange', paths: [name] } }]);
  });

  it('is asked for again once it is revoked, from any of its folders', async () => {
    const cwd = environment.workspace();
    const command = `run: touch ${newName()}`;
    await answering(await untrusted(cwd), command, remembered('repository'));
    const other = await untrusted(cwd);
    expect(await asksFor(other, command)).toBe(false);
    const [rule] = (await environment.bobbin.repositoryRules.list(cwd)).rules;
    expect(await environment.bobbin.repositoryRules.revoke(cwd, rule!.ruleId)).toMatchObject({ rules: [] });
    expect(await asksFor(other, command)).toBe(true);
    await expect(environment.bobbin.repositoryRules.revoke(cwd, rule!.ruleId)).rejects.toMatchObject({
      code: 'ruleUnknown',
    });
    await expect(environment.bobbin.repositoryRules.list('relative')).rejects.toMatchObject({ code: 'invalid' });
  });

  it('allows nothing under policy never, and nothing in a wider sandbox than it was given for', async () => {
    const cwd = environment.workspace();
    const deed = `echo out > ${outside}/${newName()}`;
    const within = await answering(await untrusted(cwd), `run: ${deed}`, remembered('repository'));
    expect(within).toMatchObject({ sandboxed: true });
    const start = (more: object) => environment.start({ workspace: { cwd }, ...more });
    expect(await asksFor(await start({ approvalPolicy: 'untrusted' }), `run: ${deed}`)).toBe(false);
    expect(await asksFor(await start({ approvalPolicy: 'on-request' }), `escalate: ${deed}`)).toBe(true);
    expect(
      await asksFor(await start({ approvalPolicy: 'untrusted', sandbox: 'danger-full-access' }), `run: ${deed}`),
    ).toBe(true);
    await answering(await start({ approvalPolicy: 'on-request' }), `escalate: ${deed}`, remembered('repository'));
    const never = await start({ approvalPolicy: 'never' });
    expect((await runTurn(never, `escalate: ${deed}`)).lastAgentMessage).toContain('Approval policy is never');
    expect((await eventsSoFar(never)).some(({ type }) => type === 'rule/applied')).toBe(false);
  });

  it('that is revoked in the middle of a turn is asked for again by its next step', async () => {
    const cwd = environment.workspace();
    const command = `run: echo x >> ${newName()}`;
    await answering(await untrusted(cwd), command, remembered('repository'));
    const thread = await untrusted(cwd);
    const asking = turn(`${command}\nask: Go on?\n${command}`);
    await thread.submit(asking);
    const question = await waitForRequest(thread);
    expect(question.type).toBe('userInput');
    const [rule] = (await thread.repositoryRules()).rules;
    expect(await thread.revokeRepositoryRule({ ruleId: rule!.ruleId })).toMatchObject({ rules: [] });
    await thread.resolve({ requestId: question.requestId, decision: 'decline' });
    const request = await waitForRequest(thread);
    expect(request).toMatchObject({ type: 'commandExecution', command: command.slice(5) });
    await thread.resolve({ requestId: request.requestId, decision: 'decline' });
    await thread.completion(asking.turnId);
    await expect(thread.revokeRepositoryRule({ ruleId: rule!.ruleId })).rejects.toMatchObject({ code: 'ruleUnknown' });
  });

  it('that cannot be kept holds for its thread, with a warning', async () => {
    const own = await openEnvironment({ worker: false });
    try {
      const gone = () => Promise.reject(new Error('the disk is on fire'));
      await own.worker({}, { rules: { placeOf: gone, list: gone, find: gone, remember: gone, revoke: gone } });
      const thread = await own.start({ approvalPolicy: 'untrusted' });
      await answering(thread, 'run: touch made', remembered('repository'));
      const warning = await waitForEvent(thread, 'warning', ({ message }) => message.includes('holds for this thread'));
      expect(warning.message).toContain('the disk is on fire');
      expect(await asksFor(thread, 'run: touch made')).toBe(false);
    } finally {
      await own.close();
    }
  });

  it('does not count once its workflow was ended: a person is asked, is told why, and can answer for all again', async () => {
    const cwd = environment.workspace();
    const [one, two] = [`run: touch ${newName()}`, `run: touch ${newName()}`];
    const thread = await untrusted(cwd);
    for (const command of [one, two]) await answering(thread, command, remembered('repository'));
    await handleOf(cwd).terminate('forget them');
    const warned = turn(one);
    await thread.submit(warned);
    const { message } = await waitForEvent(thread, 'warning');
    expect(message).toContain(`the workflow ${toRulesWorkflowId(keyOf(cwd))} was ended`);
    await expect(thread.repositoryRules()).rejects.toMatchObject({ code: 'rulesUnavailable' });
    const { requestId } = await waitForRequest(thread);
    await thread.resolve({ requestId, ...remembered('repository') });
    await thread.completion(warned.turnId);
    expect(await asksFor(await untrusted(cwd), one)).toBe(false);
    expect(await asksFor(await untrusted(cwd), two)).toBe(true);
  });

  it('is not waited for if no worker serves its workflow: a person is asked, and the answer is kept until one does', async () => {
    const cwd = environment.workspace();
    const { service } = environment.bobbin;
    const elsewhere = openRulesWorkflow({ ...service, taskQueue: `nobody-${randomUUID()}` });
    await elsewhere.remember(keyOf(cwd), [kept(cwd, 'true')]);
    const thread = await untrusted(cwd);
    const command = `run: touch ${newName()}`;
    await answering(thread, command, remembered('repository'));
    expect((await waitForEvent(thread, 'warning')).message).toMatch(/does not answer .*A worker of its task queue/);
    const { events } = await handleOf(cwd).fetchHistory();
    const signals = events?.filter((event) => event.workflowExecutionSignaledEventAttributes != null);
    expect(signals).toHaveLength(2);
    await handleOf(cwd).terminate();
  });

  it('is held over the runs of its workflow, and one that was revoked stays so', async () => {
    const cwd = environment.workspace();
    const held = openRulesWorkflow(environment.bobbin.service);
    const [one, two] = [kept(cwd, 'one'), kept(cwd, 'two')];
    await held.remember(keyOf(cwd), [one, two]);
    expect(await held.revoke(keyOf(cwd), one.ruleId)).toBe(true);
    const first = (await handleOf(cwd).describe()).runId;
    const runId = async () => (await handleOf(cwd).describe()).runId;
    for (let sent = 0; sent < 500; sent += 50)
      await Promise.all(Array.from({ length: 50 }, () => held.remember(keyOf(cwd), [two])));
    await expect.poll(runId, { timeout: 20_000 }).not.toBe(first);
    await held.remember(keyOf(cwd), [one]);
    expect(await held.list(keyOf(cwd))).toEqual({ ...keyOf(cwd), rules: [two] });
  });

  it.runIf(sandbox.available)('is written by no command and no patch of a sandbox', async () => {
    const rules = join(environment.data, 'rules');
    writeFormerRule(rules, join(environment.cwd, '.git'), 'true');
    const before = readdirSync(rules);
    const thread = await environment.start({ approvalPolicy: 'on-request' });
    const end = await runTurn(
      thread,
      `run: ls ${rules} | wc -l; touch ${rules}/forged; rm -rf ${rules}/*; echo looked`,
    );
    expect(end.lastAgentMessage).toMatch(/\b0\n[^]*looked/);
    const patch = `patch:\n*** Begin Patch\n*** Add File: ${rules}/forged\n+x\n*** End Patch`;
    // It leads out of the workspace, so a person is asked about it; where nobody is, it is refused.
    await thread.submit(turn(patch));
    const { requestId } = await waitForRequest(thread);
    await thread.resolve({ requestId, decision: 'decline' });
    const never = await environment.start({ approvalPolicy: 'never' });
    expect((await runTurn(never, patch)).lastAgentMessage).toContain('policy');
    expect(readdirSync(rules)).toEqual(before);
  });
});

describe('rules that an earlier release kept in files', () => {
  /** Of eight threads, half of them on each host. */
  const askedOn = async (own: TestEnvironment, hosts: readonly string[], command: string): Promise<number> => {
    const asked = await Promise.all(
      Array.from({ length: 8 }, async (_, index) => {
        const host = hosts[index % hosts.length] ?? '';
        return asksFor(await own.start({ approvalPolicy: 'untrusted', workspace: { cwd: own.cwd, host } }), command);
      }),
    );
    return asked.filter((one) => one).length;
  };

  it.each([
    { group: 'pair', after: 8 },
    { group: undefined, after: 4 },
  ])(
    'on two hosts of group $group: a rule that is revoked lets $after of 8 threads ask again',
    async ({ group, after }) => {
      // The keys of identities are on one host.
      const env = { BOBBIN_IDENTITY_MODE: 'off', ...(group === undefined ? {} : { BOBBIN_HOST_GROUP: group }) };
      const own = await openEnvironment({ worker: false, env });
      try {
        const other = join(own.data, '../other');
        const command = `echo x >> ${newName()}`;
        for (const data of [own.data, other]) writeFormerRule(join(data, 'rules'), join(own.cwd, '.git'), command);
        const workers = await Promise.all([own.worker(), own.worker({ BOBBIN_DATA_DIR: other })]);
        const hosts = workers.map(({ hostId }) => hostId);
        expect(await askedOn(own, hosts, `run: ${command}`)).toBe(0);
        expect(linesOf(command.slice(10), own.cwd)).toBe(8);
        const { repositoryRules } = own.bobbin;
        const on = { host: hosts[0] ?? '' };
        const { rules, host } = await repositoryRules.list(own.cwd, on);
        expect(host).toBe(group === undefined ? on.host : `@${group}`);
        expect(rules).toMatchObject([{ match: { command } }]);
        expect(await repositoryRules.revoke(own.cwd, rules[0]!.ruleId, on)).toMatchObject({ rules: [] });
        expect(await askedOn(own, hosts, `run: ${command}`)).toBe(after);
        expect(linesOf(command.slice(10), own.cwd)).toBe(16 - after);
      } finally {
        await own.close();
      }
    },
  );

  it('are taken over once, by two workers of one folder; a broken file is named and stays, and nothing revoked comes back', async () => {
    const own = await openEnvironment({ worker: false });
    const lines: string[] = [];
    workerLog.take = ({ message }) => void lines.push(message);
    try {
      const repository = join(own.cwd, '.git');
      const rules = join(own.data, 'rules');
      const [kept, gone, broken] = ['kept', 'gone', 'broken'].map((name) => writeFormerRule(rules, repository, name));
      writeFileSync(broken!.path, '{"version":1');
      await Promise.all([own.worker(), own.worker()]);
      expect(lines).toContain(
        `${broken!.path} is not taken over as a remembered answer: it was cut off or changed. It stays there.`,
      );
      const { repositoryRules } = own.bobbin;
      expect((await repositoryRules.list(own.cwd)).rules.map(({ ruleId }) => ruleId).sort()).toEqual(
        [kept!.rule.ruleId, gone!.rule.ruleId].sort(),
      );
      await repositoryRules.revoke(own.cwd, gone!.rule.ruleId);
      expect(readdirSync(dirname(kept!.path)).sort()).toEqual(
        [
          `${kept!.rule.ruleId}.json.taken-over`,
          `${gone!.rule.ruleId}.json.taken-over`,
          `${broken!.rule.ruleId}.json`,
        ].sort(),
      );
      expect(readFileSync(broken!.path, 'utf8')).toBe('{"version":1');
      // As if the first takeover had been cut off, or a backup put back.
      renameSync(`${gone!.path}.taken-over`, gone!.path);
      await own.worker();
      expect((await repositoryRules.list(own.cwd)).rules).toEqual([kept!.rule]);
      expect(existsSync(gone!.path)).toBe(false);
    } finally {
      workerLog.take = () => undefined;
      await own.close();
    }
  });
});

describe('a rule of a thread', () => {
  it('is listed, and revoked by update or by signal; one that is not there is refused', async () => {
    const thread = await untrusted();
    const [one, two] = [`run: touch ${newName()}`, `run: touch ${newName()}`];
    await answering(thread, one, remembered('thread'));
    await answering(thread, two, { decision: 'acceptForSession' });
    const { rules } = await thread.rules();
    expect(rules).toMatchObject([
      { scope: 'thread', decision: 'accept', match: { command: one.slice(5) } },
      { scope: 'thread', decision: 'accept', match: { command: two.slice(5) } },
    ]);
    await thread.revokeRule({ ruleId: rules[0]!.ruleId });
    await thread.requestRevokeRule({ ruleId: rules[1]!.ruleId });
    await waitForEvent(thread, 'rule/revoked', ({ ruleId }) => ruleId === rules[1]!.ruleId);
    expect((await thread.rules()).rules).toEqual([]);
    await expect(thread.revokeRule({ ruleId: rules[0]!.ruleId })).rejects.toMatchObject({ code: 'ruleUnknown' });
    expect(await asksFor(thread, one)).toBe(true);
    await sendSignal(environment, thread, 'revokeRule', json({ ruleId: 'rule 1' }));
    expect(await waitForEvent(thread, 'message/rejected')).toMatchObject({ message: 'revokeRule', code: 'malformed' });
  });
});

describe('bobbin thread', () => {
  const bobbin = (...args: string[]) => runCli(['thread', ...args], environment);

  it('approve remembers, rules lists what is remembered and takes it back', async () => {
    const cwd = environment.workspace();
    const thread = await untrusted(cwd);
    const { threadId } = thread;
    const asking = turn('run: touch one\nrun: touch two');
    await thread.submit(asking);
    for (const scope of ['thread', 'repository']) {
      const { requestId } = await waitForRequest(thread);
      expect(await bobbin('approve', threadId, requestId, '--remember', scope)).toMatchObject({
        code: 0,
        stdout: `${requestId}: accept, remembered for the ${scope}\n`,
      });
    }
    await thread.completion(asking.turnId);
    const own = JSON.parse((await bobbin('rules', threadId, '--json')).stdout) as { rules: { ruleId: string }[] };
    expect(own.rules).toMatchObject([{ scope: 'thread', match: { command: 'touch one' } }]);
    const shared = await bobbin('rules', threadId, '--repository');
    const [ruleId = ''] = shared.stdout.split(' ');
    expect(shared.stdout).toContain('accept  command "touch two" in ., sandbox workspace-write');
    const revoked = await bobbin('rules', threadId, '--repository', '--revoke', ruleId);
    expect(revoked).toEqual({ code: 0, stdout: 'no answers are remembered\n', stderr: '' });
    expect((await bobbin('rules', threadId, '--revoke', own.rules[0]!.ruleId)).stdout).toBe(
      'no answers are remembered\n',
    );
    expect((await bobbin('rules', threadId, '--revoke', ruleId)).code).toBe(6);
    expect((await bobbin('approve', threadId, 'req_1', '--remember', 'world')).code).toBe(2);
  });
});
