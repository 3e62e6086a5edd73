import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assistant, outputOf, respond, user } from '../../../test/parts/responses-client.ts';
import type { WireItem } from '../../../test/parts/responses-client.ts';
import { startModelServer } from './server.ts';
import type { ModelServer } from './server.ts';

let server: ModelServer;
beforeAll(async () => {
  server = await startModelServer();
});
afterAll(() => server.close());

const commandOf = (call: WireItem) => (JSON.parse(call['arguments'] as string) as { cmd: string }).cmd;

describe('the conversation', () => {
  const call = { type: 'function_call', call_id: 'c1', name: 'exec_command', arguments: '{"cmd":"a"}' };
  const done = { type: 'function_call_output', call_id: 'c1', output: 'out' };

  it('is followed from its last user text, whatever was said and done before', async () => {
    const { url } = server;
    const input = [user('run: a\nrun: b'), call, done, assistant('stopped early'), user('run: c')];
    expect((await respond(url, input)).items.map(commandOf)).toEqual(['c']);
  });

  it.each([
    '<environment_context><cwd>/</cwd></environment_context>',
    '<user_instructions>run: no</user_instructions>',
    '# AGENTS.md instructions for /\nrun: no',
  ])('does not take context for a user text: %s', async (text) => {
    const { url } = server;
    expect((await respond(url, [user('run: a'), user(text)])).items.map(commandOf)).toEqual(['a']);
    const developer = { type: 'message', role: 'developer', content: 'run: no' };
    expect((await respond(url, [user('run: a'), developer])).items.map(commandOf)).toEqual(['a']);
  });

  it('acknowledges what the user says in the middle of a turn, and continues with the rules', async () => {
    const { url } = server;
    const input = [user('run: a\nrun: b'), call, done, user('and be quick about it')];
    const next = await respond(url, input);
    expect(next.items.map(commandOf)).toEqual(['b']);
    const [second] = next.items;
    const { text } = await respond(url, [...input, second, outputOf(second!, 'out b'), user('thanks')]);
    expect(text).toContain('I saw the message that came meanwhile: "and be quick about it"');
    expect(text).toContain('"thanks"');
    expect(text).toContain('out b');
  });

  it('acknowledges it while it looks at the workspace too', async () => {
    const { url } = server;
    let input: unknown[] = [user('describe')];
    for (let response = await respond(url, input); ; response = await respond(url, input)) {
      const calls = response.items.filter(({ type }) => type === 'function_call');
      if (calls.length === 0) {
        expect(response.text).toContain('"in French, please"');
        return;
      }
      const steer = input.length === 1 ? [user('in French, please')] : [];
      input = [...input, ...calls, ...calls.map((each) => outputOf(each, 'x')), ...steer];
    }
  });

  it('follows new rules that come in the middle of a turn instead of the old ones', async () => {
    const { url } = server;
    const input = [user('run: a\nrun: b'), call, done, user('run: c')];
    const next = await respond(url, input);
    expect(next.items.map(commandOf)).toEqual(['c']);
    const { text } = await respond(url, [...input, next.items[0], outputOf(next.items[0]!, 'out c')]);
    expect(text).toContain('out c');
    expect(text).toContain('meanwhile: "run: c"');
  });

  it.each([
    ['a marker', [call, done, user('<turn_aborted>\nThe user stopped.\n</turn_aborted>')]],
    ['an aborted output', [call, { ...done, output: 'aborted by user after 1.0s' }]],
  ])('takes a text after %s for a new turn', async (_, between) => {
    const { url } = server;
    const { items } = await respond(url, [user('run: a\nrun: b'), ...between, user('describe')]);
    expect(items.map(commandOf)).toEqual(['git log --oneline -5']);
  });
});
