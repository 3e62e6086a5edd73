import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SIGNATURE } from './answer-text.ts';
import {
  EXEC_COMMAND,
  outputOf,
  readStream,
  respond,
  runTurn,
  send,
  user,
} from '../../../test/parts/responses-client.ts';
import type { WireItem } from '../../../test/parts/responses-client.ts';
import { startModelServer } from './server.ts';
import type { ModelServer } from './server.ts';

let server: ModelServer;
beforeAll(async () => {
  server = await startModelServer();
});
afterAll(() => server.close());

const tool = (name: string, properties: object = {}, type = 'function') => ({ type, name, parameters: { properties } });
const args = (call: WireItem | undefined) => JSON.parse(call!['arguments'] as string) as Record<string, unknown>;
const commands = (calls: WireItem[]) => calls.map((call) => args(call)['cmd']);

describe('commands', () => {
  it('run one by one, each in its own response, and the answer quotes what they printed', async () => {
    const turn = await runTurn(
      server.url,
      'run: echo one\nrun: echo two',
      (call) => `printed by ${String(args(call)['cmd'])}`,
    );
    expect(turn.responses.map(({ items }) => items.map(({ type }) => type))).toEqual([
      ['function_call'],
      ['function_call'],
      ['message'],
    ]);
    expect(commands(turn.calls)).toEqual(['echo one', 'echo two']);
    expect(turn.answer).toContain('`echo one` gave:\n\nprinted by echo one');
    expect(turn.answer).toContain('`echo two` gave:\n\nprinted by echo two');
    expect(turn.answer.endsWith(SIGNATURE)).toBe(true);
  });

  it('that stand on consecutive parallel lines are the calls of one response', async () => {
    const turn = await runTurn(server.url, 'run: first\nparallel: a\nparallel: b\n\nparallel: c\nrun: last');
    expect(turn.responses.map(({ items }) => items.length)).toEqual([1, 3, 1, 1]);
    expect(commands(turn.calls)).toEqual(['first', 'a', 'b', 'c', 'last']);
    expect(new Set(turn.calls.map((call) => call.call_id)).size).toBe(5);
  });

  it('that a client answered only in part are asked for again, those alone that lack', async () => {
    const input = [user('parallel: a\nparallel: b')];
    const [first] = (await respond(server.url, input)).items;
    const next = await respond(server.url, [...input, first, outputOf(first!, 'done')]);
    expect(commands(next.items)).toEqual(['b']);
  });

  it('ask to leave the sandbox by an escalate line', async () => {
    const { items } = await respond(server.url, [user('escalate: rm -r build')]);
    expect(args(items[0])).toMatchObject({ cmd: 'rm -r build', sandbox_permissions: 'require_escalated' });
    expect(args(items[0])['justification']).toEqual(expect.any(String));
    const older = [tool('shell', { command: { type: 'array' }, with_escalated_permissions: {} })];
    const [call] = (await respond(server.url, [user('escalate: id')], { tools: older })).items;
    expect(args(call)).toMatchObject({ command: ['bash', '-lc', 'id'], with_escalated_permissions: true });
  });

  it.each([
    ['shell', tool('shell', { command: { type: 'array' } }), { command: ['bash', '-lc', 'ls'] }],
    ['shell with text', tool('shell', { command: { type: 'string' } }), { command: 'ls' }],
    ['shell_command', tool('shell_command'), { command: 'ls' }],
    ['container.exec', tool('container.exec'), { command: ['bash', '-lc', 'ls'] }],
  ])('use %s where there is no exec_command', async (_, offered, expected) => {
    const { items } = await respond(server.url, [user('run: ls')], { tools: [offered] });
    expect(items[0]).toMatchObject({ type: 'function_call', name: offered.name });
    expect(args(items[0])).toEqual(expected);
  });

  it('use the built-in local shell where only that is offered', async () => {
    const turn = await runTurn(server.url, 'run: ls', () => 'a-file', { tools: [{ type: 'local_shell' }] });
    expect(turn.calls[0]).toMatchObject({
      type: 'local_shell_call',
      status: 'completed',
      action: { type: 'exec', command: ['bash', '-lc', 'ls'] },
    });
    expect(turn.answer).toContain('`ls` gave:\n\na-file');
  });

  it('are left out, and that is said, where no shell is offered', async () => {
    const turn = await runTurn(server.url, 'run: ls\nsay: the end', undefined, { tools: [] });
    expect(turn.calls).toEqual([]);
    expect(turn.answer).toContain('the end');
    expect(turn.answer).toContain('needs a shell tool: not offered');
  });
});

describe('a patch', () => {
  const patch = '*** Begin Patch\n*** Add File: a.txt\n+run: not a rule\n*** End Patch';

  it('reaches to the end of the text and is one function call', async () => {
    const tools = [EXEC_COMMAND, tool('apply_patch', { input: {} })];
    const turn = await runTurn(server.url, `run: ls\npatch:\n${patch}\n`, () => 'Success', { tools });
    expect(turn.calls.map(({ name }) => name)).toEqual(['exec_command', 'apply_patch']);
    expect(args(turn.calls[1])).toEqual({ input: patch });
    expect(turn.answer).toContain('The call of apply_patch gave:\n\nSuccess');
  });

  it('is a custom tool call where apply_patch is offered as one', async () => {
    const tools = [EXEC_COMMAND, { type: 'custom', name: 'apply_patch', format: { type: 'grammar' } }];
    const turn = await runTurn(server.url, `patch: ${patch}`, () => 'Success', { tools });
    expect(turn.calls).toMatchObject([{ type: 'custom_tool_call', name: 'apply_patch', input: patch }]);
    expect(turn.answer).toContain('Success');
  });

  it('goes through the shell where there is no such tool', async () => {
    const { items } = await respond(server.url, [user(`patch:\n${patch}`)]);
    expect(commands(items)).toEqual([`apply_patch <<'END_OF_PATCH'\n${patch}\nEND_OF_PATCH`]);
  });
});

describe('other tools', () => {
  const tools = ['request_user_input', 'update_plan', 'spawn_agent'].map((name) => tool(name));

  it('ask a question and quote the answer', async () => {
    const turn = await runTurn(server.url, 'ask: Which colour? | red | blue', () => '{"answers":["blue"]}', { tools });
    expect(args(turn.calls[0])).toEqual({
      questions: [
        {
          id: 'question',
          header: 'Question',
          question: 'Which colour?',
          options: [
            { label: 'red', description: 'red' },
            { label: 'blue', description: 'blue' },
          ],
        },
      ],
    });
    expect(turn.answer).toContain('"blue"');
    const [open] = (await respond(server.url, [user('ask: Your name?')], { tools })).items;
    expect(args(open)).toEqual({ questions: [{ id: 'question', header: 'Question', question: 'Your name?' }] });
  });

  it('set a plan', async () => {
    const { items } = await respond(server.url, [user('plan: look; change ; test')], { tools });
    expect(items[0]).toMatchObject({ name: 'update_plan' });
    expect(args(items[0])).toEqual({
      plan: [
        { step: 'look', status: 'in_progress' },
        { step: 'change', status: 'pending' },
        { step: 'test', status: 'pending' },
      ],
    });
  });

  it('spawn an agent, with a task name for clients that want one', async () => {
    const [plain] = (await respond(server.url, [user('spawn: say: hello')], { tools })).items;
    expect([plain!.name, args(plain)]).toEqual(['spawn_agent', { message: 'say: hello' }]);
    const named = [tool('spawn_agent', { message: {}, task_name: {} })];
    const [call] = (await respond(server.url, [user('spawn: look')], { tools: named })).items;
    expect(args(call)).toEqual({ message: 'look', task_name: 'spawned_by_rule' });
  });

  it('that are offered in a namespace are called with its name', async () => {
    const namespaced = [{ type: 'namespace', name: 'multi_agent', tools: [tool('spawn_agent', { message: {} })] }];
    const { items } = await respond(server.url, [user('spawn: look')], { tools: namespaced });
    expect(items[0]).toMatchObject({ type: 'function_call', name: 'spawn_agent', namespace: 'multi_agent' });
    const called = await respond(server.url, [user('call: multi_agent__spawn_agent {"a": 1}')], { tools: namespaced });
    expect(called.items[0]).toMatchObject({ name: 'spawn_agent', namespace: 'multi_agent', arguments: '{"a": 1}' });
  });

  it('write to the command that was left running last, of Bobbin and of Codex', async () => {
    const both = [EXEC_COMMAND, tool('write_stdin', { session_id: {}, chars: {} })];
    const text = 'run: a\nrun: b\nrun: c\nsession: {"chars":"x\\n"}\nsession: {}\nsession: chars';
    const outputs: Record<string, string> = {
      a: 'Still running, as session 3\nWall time: 1.0 seconds',
      b: 'Wall time: 1.0 seconds\nProcess running with session ID 17\nOutput:',
      c: 'Exit code: 0\nOutput:\nsession 9',
    };
    const turn = await runTurn(server.url, text, (call) => outputs[String(args(call)['cmd'])] ?? '', { tools: both });
    expect(turn.calls.slice(3).map(args)).toEqual([{ session_id: 17, chars: 'x\n' }, { session_id: 17 }]);
    expect(turn.answer).toContain('I cannot read the rule line `session: chars`');
    const [none] = (await respond(server.url, [user('session: {}')], { tools: both })).items;
    expect(args(none)).toEqual({ session_id: 0 });
  });

  it('are called as the call line says, with malformed arguments too', async () => {
    const { items } = await respond(server.url, [user('call: no_such_tool {"a": 1,')]);
    expect(items[0]).toMatchObject({ type: 'function_call', name: 'no_such_tool', arguments: '{"a": 1,' });
  });
});

describe('text', () => {
  it('of a say line is the answer, signed', async () => {
    expect((await runTurn(server.url, 'say: Hello, 世界 🙂.')).answer).toBe(`Hello, 世界 🙂.\n\n${SIGNATURE}`);
  });

  it('before a call comes in the response that holds the call', async () => {
    const turn = await runTurn(server.url, 'say: First I look.\nrun: ls\nsay: Done looking.');
    expect(turn.responses.map(({ items }) => items.map(({ type }) => type))).toEqual([
      ['message', 'function_call'],
      ['message'],
    ]);
    expect(turn.responses[0]!.text).toContain('First I look.');
    expect(turn.answer).toBe(`Done looking.\n\n${SIGNATURE}`);
  });

  it('of a stream line is so many words, one event each, not before they are due', async () => {
    const begun = performance.now();
    const { text, events } = await respond(server.url, [user('stream: 5 20')]);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(79);
    expect(text).toBe(`word1 word2 word3 word4 word5\n\n${SIGNATURE}`);
    expect(events.filter(({ delta }) => /^word/.test(String(delta)))).toHaveLength(5);
  });

  it.each([1600, 40, 100_000])('of an answer line has exactly %i bytes', async (bytes) => {
    const { text } = await respond(server.url, [user(`answer: ${bytes}`)]);
    expect(Buffer.byteLength(text)).toBe(bytes);
    expect(text.endsWith(SIGNATURE)).toBe(true);
  });

  it('says which rule line could not be read', async () => {
    const turn = await runTurn(server.url, 'stream: many\nstatus: 200\nrun:\nsay: still here');
    expect(turn.answer).toContain('still here');
    for (const line of ['stream: many', 'status: 200', 'run:']) expect(turn.answer).toContain(`\`${line}\``);
  });
});

describe('trouble', () => {
  const body = (prompt: string) => ({ stream: true, tools: [EXEC_COMMAND], input: [user(prompt)] });

  it('of a status line comes every time', async () => {
    for (let count = 0; count < 3; count += 1) {
      const response = await send(server.url, body('status: 500'));
      expect(response.status).toBe(500);
      expect(await response.json()).toMatchObject({ error: { type: 'server_error', code: 'server_error' } });
    }
  });

  it('of a status line with times comes so often for the same request, then it continues', async () => {
    const prompt = 'status: 503 2\nstatus: 429 1\nsay: through';
    const statuses = [];
    for (let count = 0; count < 4; count += 1) statuses.push((await send(server.url, body(prompt))).status);
    expect(statuses).toEqual([503, 503, 429, 200]);
    const other = await send(server.url, { ...body(prompt), prompt_cache_key: 'another thread' });
    expect(other.status).toBe(503);
  });

  it('between two calls stands where its line is', async () => {
    const input = [user('run: a\nstatus: 500 1\nrun: b')];
    const { items } = await respond(server.url, input);
    const next = { ...body(''), input: [...input, ...items, outputOf(items[0]!, 'x')] };
    expect((await send(server.url, next)).status).toBe(500);
    expect(commands((await readStream(await send(server.url, next))).items)).toEqual(['b']);
  });

  it('of status 429 says when to come back, after one second or as told', async () => {
    const one = await send(server.url, body('status: 429'));
    expect([one.status, one.headers.get('retry-after')]).toEqual([429, '1']);
    const seven = await send(server.url, body('retry-after: 7\nstatus: 503'));
    expect([seven.status, seven.headers.get('retry-after')]).toEqual([503, '7']);
    expect((await send(server.url, body('status: 500'))).headers.get('retry-after')).toBeNull();
  });

  it('may carry its own error code', async () => {
    const response = await send(server.url, body('status: 429 insufficient_quota'));
    expect(await response.json()).toMatchObject({ error: { code: 'insufficient_quota', type: 'insufficient_quota' } });
    const long = await send(server.url, body('status: 400 context_length_exceeded'));
    expect(await long.json()).toMatchObject({ error: { code: 'context_length_exceeded' } });
  });

  it.each([0, 1, 5])('breaks the connection after %i events', async (events) => {
    const cut = await respond(server.url, [user(`cut: ${events}\nsay: never whole`)]);
    expect([cut.broken, cut.events.length]).toEqual([true, events]);
  });

  it('breaks a short stream before its last event, and only so often', async () => {
    const input = [user('cut: 1000 1\nsay: whole at last')];
    const cut = await respond(server.url, input);
    expect(cut.broken).toBe(true);
    expect(cut.events.map(({ type }) => type)).not.toContain('response.completed');
    const whole = await respond(server.url, input);
    expect([whole.broken, whole.text]).toEqual([false, `whole at last\n\n${SIGNATURE}`]);
  });

  it('answers a body that is no event stream', async () => {
    const prompt = 'garbage: 1\nsay: better';
    const response = await send(server.url, body(prompt));
    expect([response.status, await response.text()]).toEqual([200, '<html>This is no event stream.</html>']);
    expect((await readStream(await send(server.url, body(prompt)))).text).toContain('better');
  });

  it('never answers, until the client leaves', async () => {
    const leaving = new AbortController();
    const asking = send(server.url, body('hang: 1\nsay: this time'), { signal: leaving.signal });
    const seen = await server.waitForRequest(({ body: sent }) => JSON.stringify(sent).includes('hang: 1'));
    expect([seen.status, seen.closedByClient]).toEqual([undefined, false]);
    leaving.abort();
    await expect(asking).rejects.toThrow();
    await server.waitForRequest((request) => request === seen && request.closedByClient);
    expect((await readStream(await send(server.url, body('hang: 1\nsay: this time')))).text).toContain('this time');
  });

  it('fails in the stream with a code', async () => {
    const failed = await respond(server.url, [user('fail: context_length_exceeded')]);
    expect(failed.events.at(-1)).toMatchObject({
      type: 'response.failed',
      response: { status: 'failed', error: { code: 'context_length_exceeded' } },
    });
    const error = await respond(server.url, [user('error: server_is_overloaded 1\nsay: ok')]);
    expect(error.events.at(-1)).toMatchObject({ type: 'error', code: 'server_is_overloaded' });
  });

  it('waits before the first byte where the wait line stands, and nowhere else', async () => {
    const timed = async (input: unknown[]) => {
      const begun = performance.now();
      const response = await send(server.url, { ...body(''), input });
      return { ms: performance.now() - begun, items: (await readStream(response)).items };
    };
    const input: unknown[] = [user('run: a\nwait: 4000\nrun: b')];
    const first = await timed(input);
    const second = await timed([...input, ...first.items, outputOf(first.items[0]!, 'x')]);
    expect(first.ms).toBeLessThan(4_000);
    expect(second.ms).toBeGreaterThanOrEqual(3_999);
  });
});
