import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { respond, runTurn, user } from '../../../test/parts/responses-client.ts';
import type { WireItem } from '../../../test/parts/responses-client.ts';
import { SIGNATURE } from './answer-text.ts';
import { startModelServer } from './server.ts';
import type { ModelServer } from './server.ts';

let server: ModelServer;
beforeAll(async () => {
  server = await startModelServer();
});
afterAll(() => server.close());

const schema = { type: 'object', properties: { findings: {}, overall_correctness: {} } };
const FORMAT = { text: { format: { type: 'json_schema', name: 'any', schema } } };
const commandOf = (call: WireItem) => (JSON.parse(call['arguments'] as string) as { cmd: string }).cmd;

interface Review {
  findings: { priority: number; code_location: object }[];
  overall_correctness: string;
  overall_explanation: string;
}

describe('a request for the findings of a review', () => {
  const printed = (call: WireItem) => {
    const command = commandOf(call);
    if (command === 'git rev-parse --show-toplevel') return '/repo\n';
    if (command.startsWith('cd ')) return 'new.ts:1:// FIXME now\n';
    return 'src/a: b.ts:7:x // TODO: this\nsrc/c.ts:9:console.log(1)\n';
  };
  const prompt = 'Review it. `git diff abc def` shows it; look at the untracked files, too.';

  it('is answered with JSON, from what git printed, signed in the explanation', async () => {
    const turn = await runTurn(server.url, prompt, printed, FORMAT);
    const [root, diff, untracked] = turn.calls.map(commandOf);
    expect(root).toBe('git rev-parse --show-toplevel');
    expect(diff).toMatch(/^git diff --unified=0 .* abc def \\| awk/);
    expect(untracked).toContain('git ls-files --others');
    const review = JSON.parse(turn.answer) as Review;
    expect(review.findings.map(({ priority, code_location }) => [priority, code_location])).toEqual([
      [2, { absolute_file_path: '/repo/src/a: b.ts', line_range: { start: 7, end: 7 } }],
      [3, { absolute_file_path: '/repo/src/c.ts', line_range: { start: 9, end: 9 } }],
      [1, { absolute_file_path: '/repo/new.ts', line_range: { start: 1, end: 1 } }],
    ]);
    expect(review.overall_correctness).toBe('patch is incorrect');
    expect(review.overall_explanation.endsWith(SIGNATURE)).toBe(true);
  });

  it('is asked call by call of a client that wants one at a time', async () => {
    const turn = await runTurn(server.url, prompt, printed, { ...FORMAT, parallel_tool_calls: false });
    expect(turn.responses).toHaveLength(4);
    expect((JSON.parse(turn.answer) as Review).findings).toHaveLength(3);
  });

  it('asks again for what a lost worker did not print', async () => {
    const asked: string[] = [];
    const lostOnce = (call: WireItem) => {
      const command = commandOf(call);
      const isFirst = !asked.includes(command);
      asked.push(command);
      return isFirst && command.includes('awk')
        ? 'The process that ran this command was lost. It may have partly run. Output seen last:\n'
        : printed(call);
    };
    const turn = await runTurn(server.url, prompt, lostOnce, FORMAT);
    expect((JSON.parse(turn.answer) as Review).findings).toHaveLength(3);
    expect(asked).toHaveLength(4);
  });

  it('is answered in words where there is nothing to look with, or git says no', async () => {
    expect((await respond(server.url, [user('Review it.')], { ...FORMAT, tools: [] })).text).toContain('No shell tool');
    const turn = await runTurn(server.url, prompt, () => 'fatal: not a git repository', FORMAT);
    expect(turn.answer).toContain('Git said: fatal: not a git repository');
  });

  it('is answered by its rules where it has any: JSON stays JSON, other words are signed as ever', async () => {
    const say = async (text: string) => (await respond(server.url, [user(`say: ${text}`)], FORMAT)).text;
    expect(JSON.parse(await say('{"findings":[],"overall_explanation":"fine"}'))).toEqual({
      findings: [],
      overall_explanation: `fine ${SIGNATURE}`,
    });
    expect(await say('fine')).toBe(`fine\n\n${SIGNATURE}`);
  });
});
