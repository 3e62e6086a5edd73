import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findProgram } from '../../src/adapters/programs.ts';
import { probeBubblewrap } from '../../src/adapters/shell/sandbox/bubblewrap.ts';
import type { ThreadHandle } from '../../src/client/index.ts';
import type { ApprovalDecision, Item, ThreadEvent, ThreadRequest } from '../../src/contract/index.ts';
import { json, sendSignal } from '../parts/raw-client.ts';
import {
  type TestEnvironment,
  eventsSoFar,
  openEnvironment,
  runTurn,
  turn,
  waitForEvent,
  waitForRequest,
} from '../environment.ts';

const sandbox = await probeBubblewrap(findProgram('bwrap', []));

let environment: TestEnvironment;
/** Outside of the workspace and of /tmp, so that only a command outside the sandbox can write there. */
let outside: string;
beforeAll(async () => {
  environment = await openEnvironment({ requireAssertion: true });
  outside = mkdtempSync('/var/tmp/bobbin-outside-');
});
afterAll(async () => {
  await environment.close();
  rmSync(outside, { recursive: true });
});

const inWorkspace = (name: string) => join(environment.cwd, name);
const newName = () => `file-${randomUUID().slice(0, 8)}`;
const addFile = (path: string) => `*** Add File: ${path}\n+one`;
const patch = (...changes: string[]) => `patch:\n*** Begin Patch\n${changes.join('\n')}\n*** End Patch`;

/** Submits a turn, answers its first request, and gives request and end. */
async function answering(thread: ThreadHandle, text: string, decision: ApprovalDecision) {
  const submitted = turn(text);
  await thread.submit(submitted);
  const request = await requestOf(thread, submitted.turnId);
  await thread.resolve({ requestId: request.requestId, decision });
  return { request, end: await thread.completion(submitted.turnId) };
}

async function requestOf(thread: ThreadHandle, turnId: string): Promise<ThreadRequest> {
  for await (const event of thread.events())
    if ('request' in event && event.request.turnId === turnId) return event.request;
  throw new Error('The thread closed without a request');
}

const requestsIn = (events: ThreadEvent[]) => events.flatMap((event) => ('request' in event ? [event.request] : []));
const resolvedIn = (events: ThreadEvent[]) => events.filter(({ type }) => type === 'serverRequest/resolved');

async function toolItems(thread: ThreadHandle): Promise<Extract<Item, { callId: string }>[]> {
  const items: Extract<Item, { callId: string }>[] = [];
  for await (const item of thread.items()) if ('callId' in item) items.push(item);
  return items;
}

describe('a command that is asked for', () => {
  const start = () => environment.start({ approvalPolicy: 'untrusted' });

  it('runs once it is accepted, and is asked for again the next time', async () => {
    const thread = await start();
    const name = newName();
    const { request, end } = await answering(thread, `run: ls\nrun: echo x >> ${name}`, 'accept');
    expect(request).toMatchObject({
      type: 'commandExecution',
      command: `echo x >> ${name}`,
      cwd: environment.cwd,
      sandboxed: true,
      default: 'decline',
    });
    expect(end.status).toBe('completed');
    expect(readFileSync(inWorkspace(name), 'utf8')).toBe('x\n');
    await answering(thread, `run: echo x >> ${name}`, 'decline');
    expect(readFileSync(inWorkspace(name), 'utf8')).toBe('x\n');
  });

  it('runs unasked from then on where it was accepted for the session; others still ask', async () => {
    const thread = await start();
    const name = newName();
    await answering(thread, `run: echo x >> ${name}`, 'acceptForSession');
    expect((await runTurn(thread, `run: echo x >> ${name}`)).status).toBe('completed');
    expect(readFileSync(inWorkspace(name), 'utf8')).toBe('x\nx\n');
    expect(requestsIn(await eventsSoFar(thread))).toHaveLength(1);
    const elsewhere = `call: exec_command ${JSON.stringify({ cmd: `echo x >> ${name}`, workdir: '.git' })}`;
    expect((await answering(thread, elsewhere, 'decline')).request).toMatchObject({ cwd: inWorkspace('.git') });
    await answering(thread, `run: echo y >> ${name}`, 'decline');
    expect(readFileSync(inWorkspace(name), 'utf8')).toBe('x\nx\n');
  });

  it('does not run where it is declined; the model is told, and the turn continues', async () => {
    const thread = await start();
    const name = newName();
    const { end } = await answering(thread, `run: touch ${name}\nrun: pwd`, 'decline');
    expect(end.status).toBe('completed');
    expect(end.lastAgentMessage).toContain('rejected by user');
    expect(end.lastAgentMessage).toContain(environment.cwd);
    expect(existsSync(inWorkspace(name))).toBe(false);
    expect(await toolItems(thread)).toMatchObject([{ status: 'declined' }, { status: 'completed' }]);
  });

  it('does not run where it is cancelled: the turn is interrupted, and the next one runs', async () => {
    const thread = await start();
    const name = newName();
    const { end } = await answering(thread, `run: touch ${name}`, 'cancel');
    expect(end).toMatchObject({ status: 'aborted', reason: 'interrupted', quiescent: true });
    expect(existsSync(inWorkspace(name))).toBe(false);
    expect((await runTurn(thread, 'run: ls')).status).toBe('completed');
  });
});

describe('a patch that is asked for', () => {
  const start = () => environment.start({ approvalPolicy: 'untrusted' });

  it('is written once it is accepted, and not where it is declined', async () => {
    const thread = await start();
    const [name, other] = [newName(), newName()];
    const { request, end } = await answering(thread, patch(addFile(name)), 'accept');
    expect(request).toMatchObject({ type: 'fileChange', paths: [inWorkspace(name)] });
    expect(end.status).toBe('completed');
    expect(readFileSync(inWorkspace(name), 'utf8')).toBe('one\n');
    const declined = await answering(thread, patch(addFile(other)), 'decline');
    expect(declined.end).toMatchObject({ status: 'completed' });
    expect(declined.end.lastAgentMessage).toContain('rejected by user');
    expect(existsSync(inWorkspace(other))).toBe(false);
  });

  it('may be written to the same files from then on where it was accepted for the session', async () => {
    const thread = await start();
    const [name, other] = [newName(), newName()];
    await answering(thread, patch(addFile(name)), 'acceptForSession');
    const change = `*** Update File: ${name}\n-one\n+two`;
    expect((await runTurn(thread, patch(change))).status).toBe('completed');
    expect(readFileSync(inWorkspace(name), 'utf8')).toBe('two\n');
    const { request } = await answering(thread, patch(change, addFile(other)), 'decline');
    expect(request).toMatchObject({ paths: [inWorkspace(name), inWorkspace(other)] });
    expect(readFileSync(inWorkspace(name), 'utf8')).toBe('two\n');
  });

  it('interrupts the turn where it is cancelled', async () => {
    const name = newName();
    const { end } = await answering(await start(), patch(addFile(name)), 'cancel');
    expect(end).toMatchObject({ status: 'aborted', reason: 'interrupted' });
    expect(existsSync(inWorkspace(name))).toBe(false);
  });

  it('is shown with every file that it touches, however its headers are written', async () => {
    const [name, other] = [newName(), newName()];
    const sly = patch(`*** Add File: ${name}`, `  *** Add File:${other}`, '+hidden');
    const { request } = await answering(await start(), sly, 'decline');
    expect(request).toMatchObject({ paths: [inWorkspace(name), inWorkspace(other)] });
  });

  it('asks under on-request where it leaves the workspace or reaches into .git, and only there', async () => {
    const thread = await environment.start({ approvalPolicy: 'on-request' });
    const name = newName();
    expect((await runTurn(thread, patch(addFile(name)))).status).toBe('completed');
    for (const path of [join(outside, name), join('.git', name)]) {
      const { request } = await answering(thread, patch(addFile(path)), 'accept');
      const written = path.startsWith('/') ? path : inWorkspace(path);
      expect(request).toMatchObject({ type: 'fileChange', paths: [written] });
      expect(readFileSync(written, 'utf8')).toBe('one\n');
    }
    expect(requestsIn(await eventsSoFar(thread))).toHaveLength(2);
  });
});

describe('an answer', () => {
  it('counts once: a second one is refused as an update, and recorded as refused as a signal', async () => {
    const thread = await environment.start({ approvalPolicy: 'untrusted' });
    const name = newName();
    const { request } = await answering(thread, `run: echo x >> ${name}`, 'accept');
    const { requestId } = request;
    await expect(thread.resolve({ requestId, decision: 'cancel' })).rejects.toMatchObject({
      code: 'requestNotOpen',
      message: expect.stringContaining(requestId) as string,
    });
    await thread.requestResolve({ requestId, decision: 'cancel' });
    const rejected = await waitForEvent(thread, 'message/rejected');
    expect(rejected).toMatchObject({ message: 'resolveRequest', code: 'requestNotOpen', id: requestId });
    expect(resolvedIn(await eventsSoFar(thread))).toMatchObject([{ requestId, decision: 'accept', by: 'person' }]);
    expect(readFileSync(inWorkspace(name), 'utf8')).toBe('x\n');
  });

  it('counts once, however many come at the same time', async () => {
    const thread = await environment.start({ approvalPolicy: 'untrusted' });
    const name = newName();
    const submitted = turn(`run: echo x >> ${name}`);
    await thread.submit(submitted);
    const { requestId } = await waitForRequest(thread);
    const answers = await Promise.allSettled([1, 2, 3, 4].map(() => thread.resolve({ requestId, decision: 'accept' })));
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await thread.completion(submitted.turnId);
    expect(resolvedIn(await eventsSoFar(thread))).toHaveLength(1);
    expect(readFileSync(inWorkspace(name), 'utf8')).toBe('x\n');
  });

  it('of the wrong shape is refused, and the request stays open', async () => {
    const thread = await environment.start({ approvalPolicy: 'untrusted' });
    const submitted = turn(`run: touch ${newName()}\nask: Which port?`);
    await thread.submit(submitted);
    const { requestId } = await waitForRequest(thread);
    const answers = { any: { answers: ['yes'] } };
    await expect(thread.resolve({ requestId, decision: 'accept', answers })).rejects.toMatchObject({
      code: 'requestMismatch',
    });
    await expect(thread.resolve({ requestId, decision: 'perhaps' as 'accept' })).rejects.toMatchObject({
      code: 'invalid',
    });
    await sendSignal(environment, thread, 'resolveRequest', json({ requestId, decision: 'perhaps' }));
    expect(await waitForEvent(thread, 'message/rejected')).toMatchObject({ code: 'malformed', id: requestId });
    await thread.resolve({ requestId, decision: 'decline' });
    const question = (await waitForEvent(thread, 'item/tool/requestUserInput')).request;
    await expect(thread.resolve({ requestId: question.requestId, decision: 'accept' })).rejects.toMatchObject({
      code: 'requestMismatch',
    });
    expect((await thread.view()).openRequests).toHaveLength(1);
    await thread.resolve({ requestId: question.requestId, decision: 'decline' });
    expect((await thread.completion(submitted.turnId)).status).toBe('completed');
  });
});

describe('a question', () => {
  it.each<[ApprovalDecision, string, object]>([
    ['accept', 'is answered, and the model is given the answer', { status: 'completed', answers: {} }],
    ['decline', 'may be declined, and the model is told', { status: 'declined' }],
    ['cancel', 'may be cancelled, which interrupts the turn', { status: 'declined' }],
  ])('%s: it %s', async (decision, _, item) => {
    const thread = await environment.start();
    const submitted = turn('ask: Which port? | 80 | 8080');
    await thread.submit(submitted);
    const request = await waitForRequest(thread);
    if (request.type !== 'userInput') throw new Error(`a question was expected, not ${request.type}`);
    const [question] = request.questions;
    expect(question?.options.map(({ label }) => label)).toEqual(['80', '8080']);
    const answers = { [question?.id ?? '']: { answers: ['8080'] } };
    await thread.resolve({ requestId: request.requestId, decision, ...(decision === 'accept' ? { answers } : {}) });
    const end = await thread.completion(submitted.turnId);
    expect(await toolItems(thread)).toMatchObject([{ ...item, ...(decision === 'accept' ? { answers } : {}) }]);
    expect(end.status).toBe(decision === 'cancel' ? 'aborted' : 'completed');
    if (decision === 'accept') expect(end.lastAgentMessage).toContain('8080');
    if (decision === 'decline') expect(end.lastAgentMessage).toContain('rejected by user');
  });
});

describe('a request that nobody answers', () => {
  it('is answered with its default at its deadline, once, and a late answer is refused', async () => {
    const own = await openEnvironment({ requireAssertion: true, env: { BOBBIN_REQUEST_DEADLINE_MS: '300' } });
    try {
      const thread = await own.start({ approvalPolicy: 'untrusted' });
      const name = newName();
      const end = await runTurn(thread, `run: touch ${name}\nask: Which port?`);
      expect(end.status).toBe('completed');
      expect(end.lastAgentMessage).toContain('Nobody answered in time');
      expect(existsSync(join(own.cwd, name))).toBe(false);
      const events = await eventsSoFar(thread);
      const requests = requestsIn(events);
      expect(requests.map(({ openedAt, deadlineAt }) => (deadlineAt ?? 0) - openedAt)).toEqual([300, 300]);
      expect(resolvedIn(events)).toMatchObject(
        requests.map(({ requestId }) => ({ requestId, decision: 'decline', by: 'deadline' })),
      );
      const [requestId = ''] = requests.map((request) => request.requestId);
      await expect(thread.resolve({ requestId, decision: 'accept' })).rejects.toMatchObject({ code: 'requestNotOpen' });
    } finally {
      await own.close();
    }
  });

  it.each(['accept', 'decline', 'cancel'] as const)(
    'is answered at once by a thread that nobody watches: %s',
    async (approvals) => {
      const thread = await environment.start({ approvalPolicy: 'untrusted', unattended: { approvals } });
      const name = newName();
      const end = await runTurn(thread, `run: touch ${name}\nask: Which port?`);
      expect(end.status).toBe(approvals === 'cancel' ? 'aborted' : 'completed');
      expect(existsSync(inWorkspace(name))).toBe(approvals === 'accept');
      const resolved = resolvedIn(await eventsSoFar(thread));
      const decisions = approvals === 'cancel' ? ['cancel'] : [approvals, 'decline'];
      expect(resolved).toMatchObject(decisions.map((decision) => ({ decision, by: 'policy' })));
      expect((await thread.view()).openRequests).toEqual([]);
    },
  );
});

describe.runIf(sandbox.available)('the sandbox', () => {
  it('of mode workspace-write lets a command write in the workspace and not beyond it', async () => {
    const thread = await environment.start();
    const name = newName();
    const end = await runTurn(thread, `run: echo in > ${name}; echo out > ${outside}/${name}; echo git > .git/${name}`);
    expect(end.lastAgentMessage).toMatch(/No such file or directory[^]*Read-only file system/);
    expect(
      [inWorkspace(name), join(outside, name), inWorkspace(`.git/${name}`)].map((path) => existsSync(path)),
    ).toEqual([true, false, false]);
    expect(requestsIn(await eventsSoFar(thread))).toEqual([]);
  });

  it('is left by a command that asks to and is accepted', async () => {
    const thread = await environment.start();
    const name = newName();
    const { request, end } = await answering(thread, `escalate: echo out > ${outside}/${name}`, 'accept');
    expect(request).toMatchObject({
      ...{
        type: 'commandExecution',
        command: `echo out > ${outside}/${name}`,
        cwd: environment.cwd,
        workspace: environment.cwd,
      },
      ...{ sandboxed: false, sandbox: 'danger-full-access', escalated: true, network: true },
      ...{ reason: 'The agent asks to run this outside the sandbox.', justification: expect.any(String) as string },
    });
    expect(end.status).toBe('completed');
    expect(readFileSync(join(outside, name), 'utf8')).toBe('out\n');
  });

  it('is not left by a command that is accepted without having asked to', async () => {
    const thread = await environment.start({ approvalPolicy: 'untrusted' });
    const name = newName();
    const { end } = await answering(thread, `run: echo in > ${name}; echo out > ${outside}/${name}`, 'accept');
    expect(end.lastAgentMessage).toMatch(/Read-only file system|No such file/);
    expect([inWorkspace(name), join(outside, name)].map((path) => existsSync(path))).toEqual([true, false]);
  });

  it('cannot be left under policy never: the call is refused, nobody is asked, and the model is told', async () => {
    const thread = await environment.start({ approvalPolicy: 'never' });
    const name = newName();
    const end = await runTurn(thread, `escalate: echo out > ${outside}/${name}`);
    expect(end.status).toBe('completed');
    expect(end.lastAgentMessage).toContain('Approval policy is never');
    expect(existsSync(join(outside, name))).toBe(false);
    expect(requestsIn(await eventsSoFar(thread))).toEqual([]);
  });

  it('of mode read-only lets a command read and not write; a patch is asked for, and written once accepted', async () => {
    const thread = await environment.start({ sandbox: 'read-only' });
    const name = newName();
    const end = await runTurn(thread, `run: cat README.md; echo in > ${name}`);
    expect(end.lastAgentMessage).toMatch(/A repository of the tests[^]*Read-only file system/);
    expect(existsSync(inWorkspace(name))).toBe(false);
    await answering(thread, patch(addFile(name)), 'accept');
    expect(readFileSync(inWorkspace(name), 'utf8')).toBe('one\n');
  });

  it('of mode read-only refuses a patch under policy never', async () => {
    const thread = await environment.start({ sandbox: 'read-only', approvalPolicy: 'never' });
    const name = newName();
    const end = await runTurn(thread, patch(addFile(name)));
    expect(end.lastAgentMessage).toContain('The sandbox is read-only');
    expect(existsSync(inWorkspace(name))).toBe(false);
  });

  it('is none in mode danger-full-access, and nobody is asked under on-request', async () => {
    const thread = await environment.start({ sandbox: 'danger-full-access' });
    const name = newName();
    await runTurn(thread, `escalate: echo out > ${outside}/${name}`);
    expect(readFileSync(join(outside, name), 'utf8')).toBe('out\n');
    expect(requestsIn(await eventsSoFar(thread))).toEqual([]);
  });
});
