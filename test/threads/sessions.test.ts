/** Commands that a model leaves running, with real processes, workers and runs; `workflows/thread/tools/sessions.test.ts` has the rest. */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { ThreadHandle } from '../../src/client/index.ts';
import type { RunningWorker } from '../../src/worker/worker.ts';
import { findMarked, isAlive } from '../kill/marked-processes.ts';
import { startWorkerChild } from '../kill/worker-child.ts';
import { type TestEnvironment, itemsOf, openEnvironment, runTurn, turn } from '../environment.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment({
    env: { BOBBIN_IDENTITY_MODE: 'off', BOBBIN_CONTINUE_AFTER_EVENTS: '60' },
    worker: false,
  });
});
afterAll(() => environment.close());

const workers: RunningWorker[] = [];
afterEach(async () => {
  for (const worker of workers.splice(0)) await worker.stop();
});

const WAITS = 'echo $$ > pid; echo ready; until [ -e go ]; do sleep 0.05; done; echo bye; exit 3';

/** A turn that leaves a command running, which writes its process id to a file. */
function leaving(command = WAITS): string {
  return `call: exec_command ${JSON.stringify({ cmd: command, yield_time_ms: 250 })}\nsay: it runs`;
}

async function startLeft(sandbox: 'danger-full-access' | 'workspace-write' = 'danger-full-access') {
  const cwd = environment.workspace();
  const thread = await environment.start({ workspace: { cwd }, sandbox });
  await runTurn(thread, leaving());
  const [session] = (await thread.view()).sessions ?? [];
  const written = () => (existsSync(join(cwd, 'pid')) ? readFileSync(join(cwd, 'pid'), 'utf8') : '');
  await expect.poll(written, { timeout: 60_000 }).toMatch(/^\d+\n$/);
  return { thread, cwd, id: session?.sessionId ?? -1, pid: Number(written()) };
}

/** Process ids of those that serve this data folder. */
function supervisorsOf(data: string): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const text = (pid: string, file: string) => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'latin1');
    } catch {
      return '';
    }
  };
  const isOne = (pid: string) =>
    text(pid, 'environ').includes(`BOBBIN_DATA_DIR=${data}\0`) && /supervisor[^\0]*\0$/.test(text(pid, 'cmdline'));
  return pids.filter(isOne).map(Number);
}

/** The one that has started the process: of an earlier test another one may be left for a moment. */
function supervisorOf(pid: number, data: string): number {
  const all = supervisorsOf(data);
  for (let at = pid; at > 1; at = parentOf(at)) if (all.includes(at)) return at;
  throw new Error(`No supervisor has started process ${pid}`);
}

function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

const sessionsOf = async (thread: ThreadHandle) => (await thread.view()).sessions ?? [];
const lastSession = async (thread: ThreadHandle) => (await itemsOf(thread, 'commandSession')).at(-1);

it('a command that is left running survives its turn, its worker and continue-as-new, and its end is told', async () => {
  const first = await startWorkerChild(environment.env, join(environment.cwd, '../left.log'));
  const { thread, cwd, id } = await startLeft();
  expect(await itemsOf(thread, 'commandExecution')).toMatchObject([
    { status: 'completed', sessionId: id, exitCode: null },
  ]);
  for (let turns = 0; (await thread.view()).runCount < 3; turns += 1) await runTurn(thread, `say: turn ${turns}`);
  expect(await sessionsOf(thread)).toMatchObject([{ sessionId: id, status: 'running' }]);
  await first.kill();
  workers.push(await environment.worker());
  writeFileSync(join(cwd, 'go'), '');
  await expect.poll(() => sessionsOf(thread), { timeout: 60_000 }).toEqual([]);
  expect(await lastSession(thread)).toMatchObject({ status: 'failed', exitCode: 3, output: 'ready\nbye\n' });
  await runTurn(thread, `call: write_stdin {"session_id":${id}}`);
  expect(JSON.stringify(environment.model.requests.at(-1)?.body)).toContain(`${id} has ended: `);
  const [look] = await itemsOf(thread, 'dynamicToolCall');
  expect(look?.output).toMatch(/^Exit code: 3\n[^]*bye\n$/);
  await runTurn(thread, `call: write_stdin {"session_id":${id}}`);
  expect((await itemsOf(thread, 'dynamicToolCall')).at(-1)).toMatchObject({ status: 'failed' });
});

it('two outlive many runs of their thread: each started once, read in order, typed into, and one chain of items', async () => {
  workers.push(await environment.worker());
  const cwd = environment.workspace();
  const thread = await environment.start({ workspace: { cwd }, sandbox: 'danger-full-access' });
  const counting =
    'echo ran >> count; n=0; until [ -e go ]; do until [ -e "step$n" -o -e go ]; do sleep 0.02; done; echo "line $n"; n=$((n + 1)); done; exit 5';
  const asking = 'while read -r word; do [ "$word" = end ] && exit 6; echo "heard $word"; done';
  await runTurn(thread, leaving(counting));
  await runTurn(thread, `call: exec_command ${JSON.stringify({ cmd: asking, tty: true, yield_time_ms: 250 })}`);
  const [counts = -1, asks = -1] = (await sessionsOf(thread)).map(({ sessionId }) => sessionId);
  const looksAt = async (id: number, more: object = {}) => {
    await runTurn(thread, `call: write_stdin ${JSON.stringify({ session_id: id, yield_time_ms: 250, ...more })}`);
    const { output } = (await itemsOf(thread, 'dynamicToolCall')).at(-1) ?? { output: '' };
    return output.slice(output.indexOf('Output:\n') + 'Output:\n'.length);
  };
  let [counted, heard] = ['', ''];
  const runs = async () => (await thread.view()).runCount;
  for (let round = 0; (await runs()) < 12; round += 1) {
    writeFileSync(join(cwd, `step${round}`), '');
    counted += await looksAt(counts);
    heard += await looksAt(asks, { chars: `${round}\n` });
  }
  const rounds = readdirSync(cwd).filter((name) => name.startsWith('step')).length;
  expect(await sessionsOf(thread)).toMatchObject([{ sessionId: counts }, { sessionId: asks }]);
  writeFileSync(join(cwd, 'go'), '');
  heard += await looksAt(asks, { chars: 'end\n', yield_time_ms: 60_000 });
  counted += await looksAt(counts, { yield_time_ms: 60_000 });
  await expect.poll(() => sessionsOf(thread), { timeout: 60_000 }).toEqual([]);
  const numbers = Array.from({ length: rounds }, (_, round) => round);
  expect(counted.match(/line \d+/g)?.slice(0, rounds)).toEqual(numbers.map((round) => `line ${round}`));
  expect(heard.match(/heard \d+/g)).toEqual(numbers.map((round) => `heard ${round}`));
  expect(readFileSync(join(cwd, 'count'), 'utf8')).toBe('ran\n');
  const items = await itemsOf(thread, 'commandSession');
  for (const [id, exitCode] of [
    [counts, 5],
    [asks, 6],
  ] as const) {
    const chain = items.filter(({ sessionId }) => sessionId === id);
    expect(chain.length).toBeGreaterThan(10);
    for (const [at, item] of chain.slice(0, -1).entries())
      expect(item).toMatchObject({ status: 'completed', continuesAs: chain[at + 1]?.id });
    expect(chain.at(-1)).toMatchObject({ status: 'failed', exitCode });
  }
}, 300_000);

it.each(['danger-full-access', 'workspace-write'] as const)(
  'a fork bomb ends it by the limit of processes, with proof, and the thread goes on, in mode %s',
  async (sandbox) => {
    workers.push(await environment.worker({ BOBBIN_MAX_PROCESSES: '60' }));
    const thread = await environment.start({ workspace: { cwd: environment.workspace() }, sandbox });
    // Each makes others that make others and hear no SIGTERM; at most 1,024, so that a broken limit breaks no machine.
    const bomb = `trap '' TERM; b() { for i in $(seq $1); do b $((i - 1)) & sleep 0.2; done; sleep 20; }; echo ready; b 10`;
    await runTurn(thread, leaving(bomb));
    await expect.poll(() => sessionsOf(thread), { timeout: 60_000 }).toEqual([]);
    const ended = await lastSession(thread);
    expect(ended).toMatchObject({ status: 'failed' });
    // An ordinary user in a sandbox is held back by the kernel.
    expect(ended?.limit ?? /fork: /.exec(ended?.output ?? '')?.[0]).toMatch(/^(processes|fork: )$/);
    expect(findMarked(`tool/${thread.threadId}/`)).toEqual([]);
    expect(await runTurn(thread, 'run: echo on')).toMatchObject({ status: 'completed' });
  },
);

it.each(['danger-full-access', 'workspace-write'] as const)(
  'an interrupt spares it if it is told to, and else ends it with proof, in mode %s',
  async (sandbox) => {
    workers.push(await environment.worker());
    const { thread, pid, id } = await startLeft(sandbox);
    // In a sandbox the id is that of its own namespace.
    const runs = () => sandbox === 'workspace-write' || isAlive(pid);
    const sparing = turn('hang:');
    await thread.submit(sparing);
    await thread.interrupt({ turnId: sparing.turnId, keepSessions: true });
    expect(await sessionsOf(thread)).toMatchObject([{ sessionId: id, status: 'running' }]);
    expect(runs()).toBe(true);
    const ending = turn('hang:');
    await thread.submit(ending);
    await thread.interrupt({ turnId: ending.turnId });
    expect(await thread.completion(ending.turnId)).toMatchObject({ status: 'aborted', quiescent: true });
    expect(await sessionsOf(thread)).toEqual([]);
    expect(await lastSession(thread)).toMatchObject({ status: 'aborted' });
    expect(sandbox === 'danger-full-access' && isAlive(pid)).toBe(false);
  },
);

it('one with a terminal is asked and answered, by its own thread alone', async () => {
  workers.push(await environment.worker());
  const thread = await environment.start({ workspace: { cwd: environment.workspace() } });
  const cmd = 'read -p "name? " name; echo "hi $name"; exit 4';
  await runTurn(thread, `call: exec_command ${JSON.stringify({ cmd, tty: true, yield_time_ms: 250 })}`);
  const [session] = await sessionsOf(thread);
  const typed = { session_id: session?.sessionId, chars: 'Ada\n', yield_time_ms: 60_000 };
  const other = await environment.start({ workspace: { cwd: environment.workspace() } });
  await runTurn(other, `call: write_stdin ${JSON.stringify(typed)}`);
  const [refused] = await itemsOf(other, 'dynamicToolCall');
  expect(refused).toMatchObject({
    status: 'failed',
    output: expect.stringContaining('this thread has no session') as string,
  });
  await runTurn(thread, `call: write_stdin ${JSON.stringify(typed)}`);
  expect(await lastSession(thread)).toMatchObject({ exitCode: 4, output: 'name? Ada\nhi Ada\n' });
});

it('an interrupt of a thread without a turn ends it, and so does closing the thread', async () => {
  workers.push(await environment.worker());
  const idle = await startLeft();
  expect(await idle.thread.interrupt()).toEqual({ turnId: null });
  expect(isAlive(idle.pid)).toBe(false);
  expect(await sessionsOf(idle.thread)).toEqual([]);
  const closed = await startLeft();
  await closed.thread.close();
  await expect.poll(async () => (await closed.thread.view()).status, { timeout: 60_000 }).toBe('closed');
  expect(isAlive(closed.pid)).toBe(false);
});

it('it ends when its workflow is terminated', async () => {
  workers.push(await environment.worker());
  const { thread, pid } = await startLeft();
  await environment.bobbin.service.client.workflow.getHandle(thread.workflowId).terminate('by an operator');
  await expect.poll(() => isAlive(pid), { timeout: 60_000 }).toBe(false);
});

it('it ends when its thread is reset to a moment before it', async () => {
  workers.push(await environment.worker());
  const { thread, pid } = await startLeft();
  const { workflowId } = thread;
  const { client, connection, namespace } = environment.bobbin.service;
  const handle = client.workflow.getHandle(workflowId);
  const { events } = await handle.fetchHistory();
  const first = events?.find(({ workflowTaskCompletedEventAttributes: done }) => done != null);
  await connection.workflowService.resetWorkflowExecution({
    ...{ namespace, workflowExecution: { workflowId, runId: (await handle.describe()).runId } },
    ...{ workflowTaskFinishEventId: first?.eventId ?? null, requestId: randomUUID(), reason: 'a test' },
    // Neither signals nor updates after it come again.
    resetReapplyExcludeTypes: [1, 2], // eslint-disable-line @typescript-eslint/no-unsafe-enum-assignment
  });
  expect(await sessionsOf(thread)).toEqual([]);
  await expect.poll(() => isAlive(pid), { timeout: 60_000 }).toBe(false);
});

it('is lost if its supervisor is killed: nothing of it is left, and the next one begins in another supervisor', async () => {
  workers.push(await environment.worker());
  const { thread, id, pid } = await startLeft();
  const supervisor = supervisorOf(pid, environment.data);
  process.kill(supervisor, 'SIGKILL');
  await expect.poll(() => sessionsOf(thread), { timeout: 60_000 }).toEqual([]);
  expect(await lastSession(thread)).toMatchObject({ sessionId: id, status: 'lost', exitCode: null });
  await expect.poll(() => isAlive(pid), { timeout: 60_000 }).toBe(false);
  await runTurn(thread, `call: write_stdin {"session_id":${id}}`);
  expect((await itemsOf(thread, 'dynamicToolCall')).at(-1)?.output).toMatch(/ended|lost|no session/);
  expect(await runTurn(thread, 'run: echo on')).toMatchObject({ status: 'completed' });
  expect(supervisorsOf(environment.data)).not.toContain(supervisor);
});

it('many that run leave the places for steps of their worker free', async () => {
  workers.push(await environment.worker({ BOBBIN_MAX_STEPS: '2' }));
  const left = [await startLeft(), await startLeft()];
  const other = await environment.start({ workspace: { cwd: environment.workspace() } });
  expect(await runTurn(other, 'say: there is a place')).toMatchObject({ status: 'completed' });
  for (const { thread, pid } of left) {
    await thread.interrupt();
    expect(isAlive(pid)).toBe(false);
  }
});
