/** A worker with the operator's own tools, tasks, model provider, archive and sandbox, started by one call. */
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { z } from 'zod';
import { Failure, type OwnSandbox, type RunningWorker, type WorkerOptions } from '../../src/worker/index.ts';
import { defineTask, defineTool, startWorker } from '../../src/worker/index.ts';
import type { OwnProvider } from '../../src/worker/index.ts';
import {
  type TestEnvironment,
  itemsOf,
  openEnvironment,
  runTurn,
  turn,
  waitForEvent,
  workerLog,
} from '../environment.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment({ worker: false });
});
afterAll(() => environment.close());

const workers: RunningWorker[] = [];
async function start(options: Partial<WorkerOptions>, more: Record<string, string> = {}): Promise<void> {
  const { namespace, address } = inject('temporal');
  const { taskQueue } = environment;
  const env = { ...environment.env, BOBBIN_IDENTITY_URL: '', ...more };
  workers.push(await startWorker({ connection: { address }, namespace, taskQueue, env, ...options }));
}
async function stopAll(): Promise<void> {
  await Promise.all(workers.splice(0).map((worker) => worker.stop()));
}
afterEach(stopAll);
afterEach(() => void (workerLog.take = () => undefined));

/** Ends only when the test ends. */
const never = () => new Promise<never>(() => undefined);

describe('an own tool', () => {
  const sum = defineTool({
    name: 'sum',
    description: 'Adds two numbers.',
    input: z.object({ a: z.number(), b: z.number() }),
    readOnly: true,
    run: ({ a, b }, { cwd }) => ({ sum: a + b, cwd }),
  });
  const results: Record<string, () => unknown> = {
    throws: () => {
      throw new Error('the printer is on fire');
    },
    nothing: () => undefined,
    big: () => 'x'.repeat(10_000_000),
    bigint: () => 10n,
    circular: () => {
      const ring: { self?: unknown } = {};
      return (ring.self = ring);
    },
  };
  const bad = defineTool({
    name: 'bad',
    description: 'Misbehaves.',
    input: z.object({ how: z.string() }),
    approval: 'never',
    run: ({ how }) => results[how]?.(),
  });

  it('is called by the model with what its schema accepts, and is told of its thread', async () => {
    await start({ tools: [sum] });
    const thread = await environment.start();
    const end = await runTurn(thread, 'call: sum {"a": 20, "b": 22}\ncall: sum {"a": "x", "b": 1}');
    expect(end).toMatchObject({ status: 'completed' });
    expect(await itemsOf(thread, 'mcpToolCall')).toMatchObject([
      { status: 'completed', server: 'worker', tool: 'sum', output: JSON.stringify({ sum: 42, cwd: environment.cwd }) },
      { status: 'failed', output: expect.stringContaining('`a`') as string },
    ]);
    const { tools } = environment.model.requests.at(-1)!.body as { tools: { name: string; parameters: object }[] };
    expect(tools.find(({ name }) => name === 'sum')).toMatchObject({
      description: 'Adds two numbers.',
      parameters: { type: 'object', required: ['a', 'b'] },
    });
  });

  it('that writes is asked for, and runs once it is accepted', async () => {
    const said: string[] = [];
    const post = defineTool({
      name: 'post',
      description: 'Posts a text.',
      input: z.object({ text: z.string() }),
      run: ({ text }) => void said.push(text),
    });
    await start({ tools: [post] });
    const thread = await environment.start();
    const asking = turn('call: post {"text": "hello"}');
    await thread.submit(asking);
    const { request } = await waitForEvent(thread, 'item/mcpToolCall/requestApproval');
    expect(request).toMatchObject({
      server: 'worker',
      tool: 'post',
      readOnly: false,
      reason: expect.stringContaining('of this worker') as string,
    });
    expect(said).toEqual([]);
    await thread.resolve({ requestId: request.requestId, decision: 'accept' });
    expect(await thread.completion(asking.turnId)).toMatchObject({ status: 'completed' });
    expect(said).toEqual(['hello']);
  });

  it.each([
    ['throws', 'failed', /^The tool failed: the printer is on fire$/],
    ['nothing', 'completed', /^\(the tool gave no output\)$/],
    ['big', 'completed', /^x+\n… 9,960,000 bytes \(0 lines\) omitted …\nx+$/],
    ['bigint', 'failed', /^The tool has run, and its result is not JSON: .*BigInt/],
    ['circular', 'failed', /^The tool has run, and its result is not JSON: .*circular/],
  ])('that %s ends its call and not the turn', async (how, status, output) => {
    await start({ tools: [bad] });
    const thread = await environment.start();
    expect(await runTurn(thread, `call: bad {"how": "${how}"}`)).toMatchObject({ status: 'completed' });
    expect(await itemsOf(thread, 'mcpToolCall')).toMatchObject([
      { status, output: expect.stringMatching(output) as string },
    ]);
  });

  it('that hangs is told to stop when its time is up', async () => {
    let toldTo: unknown;
    const hangs = defineTool({
      name: 'hangs',
      description: 'Waits.',
      input: z.object({}),
      approval: 'never',
      timeoutMs: 50,
      run: (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject((toldTo = signal.reason) as Error));
        }),
    });
    await start({ tools: [hangs] });
    const thread = await environment.start();
    expect(await runTurn(thread, 'call: hangs {}')).toMatchObject({ status: 'completed' });
    expect(toldTo).toMatchObject({ name: 'TimeoutError' });
    expect(await itemsOf(thread, 'mcpToolCall')).toMatchObject([
      { status: 'failed', output: 'It took more than 50 ms and was told to stop. It may have done part of its work.' },
    ]);
  });

  async function interrupted(run: (signal: AbortSignal) => Promise<unknown>) {
    let begun: () => void = () => undefined;
    const running = new Promise<void>((resolve) => (begun = resolve));
    const waits = defineTool({
      name: 'waits',
      description: 'Waits.',
      input: z.object({}),
      approval: 'never',
      run: (_, { signal, progress }) => {
        progress('half of it');
        begun();
        return run(signal);
      },
    });
    await start({ tools: [waits] });
    const thread = await environment.start();
    const asking = turn('call: waits {}');
    await thread.submit(asking);
    await running;
    await thread.interrupt();
    return { thread, end: await thread.completion(asking.turnId) };
  }

  it('ends with its turn, with proof, if it heeds the signal', async () => {
    const { thread, end } = await interrupted(
      (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    );
    expect(end).toMatchObject({ status: 'aborted', reason: 'interrupted', quiescent: true });
    expect(await itemsOf(thread, 'mcpToolCall')).toMatchObject([
      { status: 'aborted', output: 'aborted by user; the tool was told to stop, and may have done part of it' },
    ]);
  });

  it('is left if it ignores the signal: the turn ends without proof, and the item and the log say so', async () => {
    const logged: string[] = [];
    workerLog.take = ({ message }) => void logged.push(message);
    const { thread, end } = await interrupted(never);
    expect(end).toMatchObject({ status: 'aborted', reason: 'interrupted', quiescent: false });
    const output = `It was told to stop, has not ended, and may still run in worker ${process.pid}.`;
    expect(await itemsOf(thread, 'mcpToolCall')).toMatchObject([{ status: 'failed', output }]);
    const { message } = await waitForEvent(thread, 'warning');
    expect(message).toMatch(
      /^item_\d+ of turn \S+ did not end when it was told to, and may still run in its worker\.$/,
    );
    expect(logged).toContainEqual(expect.stringContaining(`Tool waits of thread ${thread.threadId} has not ended`));
    // The thread goes on.
    expect(await runTurn(thread, 'say: still here')).toMatchObject({ status: 'completed' });
  });

  it('that the next worker lacks is refused to the model, and the thread goes on', async () => {
    await start({ tools: [sum, { ...bad, name: 'other' }] });
    const thread = await environment.start({ approvalPolicy: 'untrusted' });
    const asking = turn('call: other {"how": "nothing"}', { overrides: {} });
    await thread.submit(asking);
    await thread.completion(asking.turnId);
    const writes = defineTool({ ...sum, name: 'gone', readOnly: false, approval: 'always', run: () => 'ran' });
    await stopAll();
    await start({ tools: [writes] });
    const second = turn('call: gone {"a": 1, "b": 2}');
    await thread.submit(second);
    const { request } = await waitForEvent(thread, 'item/mcpToolCall/requestApproval');
    await stopAll();
    await start({});
    await thread.resolve({ requestId: request.requestId, decision: 'accept' });
    expect(await thread.completion(second.turnId)).toMatchObject({ status: 'completed' });
    expect((await itemsOf(thread, 'mcpToolCall')).at(-1)).toMatchObject({
      status: 'failed',
      output: 'The call failed: this worker has no tool named gone.',
    });
  });
});

describe('an own task', () => {
  const custom = (task: string, text?: string) => ({
    kind: 'custom' as const,
    task,
    input: text === undefined ? [] : [{ type: 'text' as const, text }],
  });
  const count = defineTask({
    name: 'count',
    run: ({ input, step, state }) =>
      step < 3
        ? { type: 'next', state: [...((state ?? []) as string[]), `${input}${step}`], message: `step ${step}` }
        : { type: 'done', message: (state as string[]).join(' ') },
  });

  it('runs step by step, each with what the step before it left', async () => {
    await start({ tasks: [count] });
    const thread = await environment.start();
    const end = await runTurn(thread, '', custom('count', 'n'));
    expect(end).toMatchObject({ kind: 'custom', status: 'completed', lastAgentMessage: 'n1 n2' });
    const texts = (await itemsOf(thread, 'agentMessage')).map(({ text }) => text);
    expect(texts).toEqual(['step 1', 'step 2', 'n1 n2']);
  });

  it('that its worker lacks fails its turn, also in the middle, and the thread goes on', async () => {
    let reached: () => void = () => undefined;
    const between = new Promise<void>((resolve) => (reached = resolve));
    const slow = defineTask({
      name: 'slow',
      run: async ({ step, signal }) => {
        if (step === 1) return { type: 'next', state: 1 };
        reached();
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
      },
    });
    await start({ tasks: [slow] });
    const thread = await environment.start();
    const submitted = turn('', custom('slow'));
    await thread.submit(submitted);
    await between;
    await stopAll();
    await start({ tasks: [count] });
    expect(await thread.completion(submitted.turnId)).toMatchObject({
      status: 'failed',
      error: { code: 'taskUnknown', message: 'The worker that took this step has no task named slow. It has count.' },
    });
    expect(await runTurn(thread, '', custom('count', 'm'))).toMatchObject({ status: 'completed' });
  });

  it.each<[string, () => unknown, RegExp]>([
    ['throws', () => Promise.reject(new Error('no disk')), /^Step 1 of task odd of thread \S+ failed: no disk$/],
    ['returns nothing', () => undefined, /returned what cannot be used: its result: /],
    ['returns a state that is no JSON', () => ({ type: 'next', state: { at: 1n } }), /cannot be used: state/],
    ['returns a state of 10 MB', () => ({ type: 'next', state: 'x'.repeat(10_000_000) }), /at most 100000 are taken/],
    ['returns a message of 10 MB', () => ({ type: 'done', message: 'x'.repeat(10_000_000) }), /at most 100000 are/],
    ['takes too long', never, /took more than 100 ms and was told to stop\. It has not ended, and may still run/],
  ])('that %s fails its turn', async (_, run, message) => {
    await start({ tasks: [defineTask({ name: 'odd', timeoutMs: run === never ? 100 : 60_000, run: run as never })] });
    const thread = await environment.start();
    expect(await runTurn(thread, '', custom('odd'))).toMatchObject({
      status: 'failed',
      error: { code: 'taskFailed', message: expect.stringMatching(message) as string },
    });
  });

  it('is tried again after what it calls unavailable', async () => {
    let tries = 0;
    const flaky = defineTask({
      name: 'flaky',
      run: () => {
        if (++tries < 3) throw new Failure('taskUnavailable', 'the other side is away');
        return { type: 'done' };
      },
    });
    await start({ tasks: [flaky] });
    expect(await runTurn(await environment.start(), '', custom('flaky'))).toMatchObject({ status: 'completed' });
    expect(tries).toBe(3);
  });

  it('that ignores an interrupt is left, and the turn ends without proof', async () => {
    let begun: () => void = () => undefined;
    const running = new Promise<void>((resolve) => (begun = resolve));
    await start({ tasks: [defineTask({ name: 'deaf', run: () => (begun(), never()) })] });
    const thread = await environment.start();
    const submitted = turn('', custom('deaf'));
    await thread.submit(submitted);
    await running;
    await thread.interrupt();
    expect(await thread.completion(submitted.turnId)).toMatchObject({ status: 'aborted', quiescent: false });
    const { message } = await waitForEvent(thread, 'warning');
    expect(message).toBe(
      `Task deaf of turn ${submitted.turnId} did not end when it was told to, and may still run in its worker.`,
    );
  });
});

describe('an own provider', () => {
  const usage = { inputTokens: 1, cachedInputTokens: 0, outputTokens: 1, reasoningOutputTokens: 0, totalTokens: 2 };
  const answer = (text: string) => ({ responseId: 'r', output: [{ type: 'message' as const, text }], usage });

  it('answers for its models, and the text comes as it is written', async () => {
    const echo: OwnProvider = (request, { onText }) => {
      onText('I am ');
      return Promise.resolve(answer(`I am ${request.model}`));
    };
    await start({ providers: { acme: echo }, model: 'acme/large/1' });
    expect(await runTurn(await environment.start(), 'who are you?')).toMatchObject({
      status: 'completed',
      lastAgentMessage: 'I am large/1',
    });
  });

  it('is asked again after an error, and fails the turn for good with a code of its choice', async () => {
    let tries = 0;
    const failing: OwnProvider = () => {
      if (++tries === 1) throw new TypeError('fetch failed');
      throw new Failure('usageLimitExceeded', 'no credit');
    };
    await start({ providers: { acme: failing }, model: 'acme/x' });
    expect(await runTurn(await environment.start(), 'hello')).toMatchObject({
      status: 'failed',
      error: { code: 'usageLimitExceeded', message: 'no credit' },
    });
    expect(tries).toBe(2);
  });

  it('that never answers is left when its turn is interrupted', async () => {
    let begun: () => void = () => undefined;
    const asked = new Promise<void>((resolve) => (begun = resolve));
    await start({ providers: { acme: () => (begun(), never()) }, model: 'acme/x' });
    const thread = await environment.start();
    const submitted = turn('hello');
    await thread.submit(submitted);
    await asked;
    await thread.interrupt();
    expect(await thread.completion(submitted.turnId)).toMatchObject({ status: 'aborted', quiescent: true });
  });
});

describe('an own archive and an own sandbox', () => {
  it('store the past and run the commands', async () => {
    const stored = new Map<string, string>();
    const run: string[] = [];
    const sandbox: OwnSandbox = {
      run: ({ command }) => {
        run.push(command);
        const output = 'y'.repeat(10_000_000);
        const counted = { output, outputBytes: output.length, truncated: false, durationMs: 1 };
        return Promise.resolve({ outcome: 'exited', exitCode: 0, gone: true, ...counted });
      },
      clean: () => Promise.resolve({ ended: 0 }),
      forget: () => Promise.resolve(),
      sandbox: () => Promise.resolve({ available: true, name: 'test' }),
    };
    const archive = {
      write: (id: string, body: string) => Promise.resolve(void stored.set(id, body)),
      read: (id: string) => Promise.resolve(stored.get(id) ?? ''),
    };
    await start({ sandbox, archive }, { BOBBIN_CONTINUE_AFTER_EVENTS: '20' });
    const thread = await environment.start();
    expect(await runTurn(thread, 'run: make')).toMatchObject({ status: 'completed' });
    expect(run).toEqual(['make']);
    // As much as a thread does not keep itself.
    for (let turns = 0; turns < 4; turns++) await runTurn(thread, 'run: make');
    const [command] = await itemsOf(thread, 'commandExecution');
    expect(command).toMatchObject({ status: 'completed', output: expect.stringContaining('bytes') as string });
    await expect.poll(() => [...stored.keys()].join(), { timeout: 20_000 }).toContain(thread.threadId);
  });
});

describe('a worker with definitions that cannot be used', () => {
  const input = z.object({});
  const tool = { name: 'a', description: 'A.', input, run: () => '' };
  it.each<[string, Record<string, unknown>, RegExp]>([
    ['no name', { tools: [{ ...tool, name: '' }] }, /tools\[0\] \(\)\.name: a name of letters/],
    ["Bobbin's name", { tools: [{ ...tool, name: 'exec_command' }] }, /\(exec_command\)\.name: Bobbin has a tool of/],
    ['an input that is no zod object', { tools: [{ ...tool, input: {} }] }, /\(a\)\.input: a zod object is needed/],
    ['an input that is a string', { tools: [{ ...tool, input: z.string() }] }, /\(a\)\.input: a zod object is needed/],
    ['no function', { tools: [{ ...tool, run: 5 }] }, /\(a\)\.run: a function is needed/],
    ['a member too many', { tools: [{ ...tool, aproval: 'never' }] }, /aproval/],
    ['the same name twice', { tools: [tool, tool] }, /tools: a is defined twice/],
    ['no list', { tasks: 5 }, /tasks: .*array/],
    ['a task without run', { tasks: [{ name: 't' }] }, /tasks\[0\] \(t\)\.run: a function is needed/],
    [
      "the name of Bobbin's provider",
      { providers: { openai: () => null } },
      /providers\.openai: Bobbin has a provider/,
    ],
    ['an archive without methods', { archive: {} }, /archive: lacks read\(\), write\(\)/],
    [
      'a sandbox without methods',
      { sandbox: { run: () => null } },
      /sandbox: lacks clean\(\), forget\(\), sandbox\(\)/,
    ],
    ['an option that does not exist', { tool: [] }, /options: .*"tool"/],
  ])('is not started: %s', async (_, options, message) => {
    await expect(start(options as Partial<WorkerOptions>)).rejects.toThrow(message);
  });
});
