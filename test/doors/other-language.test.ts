/** The programs of `examples/`, run as a reader would: another language drives a thread, and so does `bobbin/client`. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { preparePython } from '../parts/python.ts';
import { assertHealthy } from '../parts/raw-client.ts';
import { type TestEnvironment, openEnvironment } from '../environment.ts';

const run = promisify(execFile);
const examples = join(import.meta.dirname, '../../examples');

const prepared = await preparePython();
if ('missing' in prepared) console.warn(`The Python example is not run: ${prepared.missing}`);

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment();
});
afterAll(() => environment.close());

/** Runs a program against the stand. Rejects with its output where it fails. */
async function runProgram(command: string, args: string[]): Promise<{ lines: string[]; threadId: string }> {
  const { stdout } = await run(command, args, { env: { ...process.env, ...environment.env }, timeout: 50_000 });
  const lines = stdout.trim().split('\n');
  return { lines, threadId: lines[0]?.replace('thread ', '') ?? '' };
}

async function expectClosed(threadId: string): Promise<void> {
  const workflowId = `thread/${threadId}`;
  const result: unknown = await environment.bobbin.service.client.workflow.getHandle(workflowId).result();
  expect(result).toMatchObject({ status: 'closed', threadId, turnCount: 1, reason: 'the example is over' });
  await assertHealthy(environment, workflowId);
}

describe('a client in another language', () => {
  it.skipIf('missing' in prepared)('drives a thread by the names on the wire alone', async () => {
    if ('missing' in prepared) return;
    const script = join(examples, 'python/drive_thread.py');
    const prompt = 'run: echo "drôle 漢字 😀" > from-python.txt\nrun: cat from-python.txt';
    const { lines, threadId } = await runProgram(prepared.python, [script, environment.cwd, prompt]);
    expect(readFileSync(join(environment.cwd, 'from-python.txt'), 'utf8')).toBe('drôle 漢字 😀\n');
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({
      status: 'completed',
      lastAgentMessage: expect.stringContaining('drôle 漢字 😀') as string,
    });
    const numbers = lines.slice(1, -1).map((line) => Number(line.slice(0, 4)));
    expect(numbers).toEqual(numbers.map((_, i) => i + 1));
    expect(lines.some((line) => line.endsWith('item/commandExecution/requestApproval'))).toBe(true);
    await expectClosed(threadId);
  });
});

describe('a client in TypeScript', () => {
  it('starts a thread, follows it, steers it and closes it', async () => {
    const program = join(examples, 'typescript/drive-thread.ts');
    const args = [program, environment.cwd, 'run: sleep 0.7', 'mention the weather'];
    const { lines, threadId } = await runProgram(process.execPath, args);
    expect(lines.join('\n')).toContain('mention the weather');
    expect(lines.at(-1)).toMatch(/thread\/closed$/);
    await expectClosed(threadId);
  });
});
