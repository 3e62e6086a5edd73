import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SIGNATURE } from './answer-text.ts';
import { respond, runTurn, user } from '../../../test/parts/responses-client.ts';
import type { WireItem } from '../../../test/parts/responses-client.ts';
import { startModelServer } from './server.ts';
import type { ModelServer } from './server.ts';

let server: ModelServer;
beforeAll(async () => {
  server = await startModelServer();
});
afterAll(() => server.close());

const commandOf = (call: WireItem) => (JSON.parse(call['arguments'] as string) as { cmd: string }).cmd;

describe('a text without rules', () => {
  const printed: Record<string, string> = {
    'git log --oneline -5': 'abc1234 Add the second thing\ndef5678 Add the first thing',
    ls: 'README.md\nsrc',
    'git ls-files | wc -l': '     12',
    'head -20 README.md': '# Spindle\n\nA tool that winds thread.\n',
  };

  it('is answered from what real commands printed', async () => {
    const { url } = server;
    const turn = await runTurn(url, 'describe this repository', (call) => printed[commandOf(call)]);
    expect(turn.calls.map(commandOf)).toEqual(Object.keys(printed));
    expect(turn.responses).toHaveLength(4);
    for (const fact of ['describe this repository', 'Add the second thing', '12 files', 'src', '"Spindle"', 'winds']) {
      expect(turn.answer).toContain(fact);
    }
    expect(turn.answer.endsWith(SIGNATURE)).toBe(true);
  });

  it('reads through what clients wrap around an output, and asks no two calls at once of a client that wants one', async () => {
    const { url } = server;
    const wrap = (call: WireItem) =>
      commandOf(call) === 'ls'
        ? JSON.stringify({ output: printed['ls'], metadata: { exit_code: 0 } })
        : `Chunk ID: 1\nProcess exited with code 0\nOutput:\n${String(printed[commandOf(call)])}`;
    const turn = await runTurn(url, 'describe', wrap, { parallel_tool_calls: false });
    expect(turn.calls.map(commandOf)).toEqual(['git log --oneline -5', 'ls', 'head -20 README.md']);
    expect(turn.answer).toContain('The latest commit is "Add the second thing", after "Add the first thing".');
    expect(turn.answer).toContain('The working directory holds README.md, src.');
    expect(turn.answer).toContain('The README is titled "Spindle" and begins: "A tool that winds thread."');
  });

  it('is answered without git and without a README too', async () => {
    const { url } = server;
    const turn = await runTurn(url, 'what is here?', (call) => (commandOf(call) === 'ls' ? '' : 'fatal: not a git'));
    expect(turn.calls).toHaveLength(3);
    expect(turn.answer).toContain('There is no git history to read here. The working directory is empty.');
  });

  it('is answered in words alone where no shell is offered', async () => {
    const { url } = server;
    const { text } = await respond(url, [user('summarise this')], { tools: [] });
    expect(text).toContain('"summarise this"');
    expect(text).toContain('No shell tool was offered');
  });
});
