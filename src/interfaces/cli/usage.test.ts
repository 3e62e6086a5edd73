import { describe, expect, it } from 'vitest';
import { runCli } from '../../../test/parts/run-cli.ts';

/** Nobody listens there. */
const env = { TEMPORAL_ADDRESS: '127.0.0.1:1', BOBBIN_DATA_DIR: '/nonexistent' };

describe('an error of the command line', () => {
  it.each([
    [['thread', 'frobnicate'], /unknown command 'frobnicate'/, 'thread [options] [command]', 'thread --help'],
    [['run'], /missing required argument 'prompt'/, 'run [options] <prompt>', 'run --help'],
    [
      ['thread', 'send', 't', 'x', '--kind', 'no'],
      /--kind/,
      'thread send [options] <threadId> [text]',
      'thread send --help',
    ],
    [['run', '--budget-usd', 'no', 'x'], /--budget-usd.* above 0/, 'run [options] <prompt>', 'run --help'],
    [['thread', 'list', '--limit', '0'], /--limit.* above 0/, 'thread list [options]', 'thread list --help'],
    [['help', 'thread', 'nothing'], /unknown command 'nothing'/, 'thread [options] [command]', 'thread --help'],
    [['run', '--\u001b[2J\u202e'], /\\x1b\[2J\\u\{202e\}/, 'run [options] <prompt>', 'run --help'],
  ])('%j: is three lines, with the name of the option', async (args, problem, usage, help) => {
    const { code, stdout, stderr } = await runCli(args, { env });
    const [first = '', ...others] = stderr.trimEnd().split('\n');
    expect(first).toMatch(problem);
    expect(others).toEqual([`usage: bobbin ${usage}`, expect.stringMatching(`^help: {2}.* ${help}$`)]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});

describe('help', () => {
  it('is that of the named command, as deep as it is named', async () => {
    const { code, stdout } = await runCli(['help', 'thread', 'send'], { env });
    expect(stdout).toMatch(/^Usage: bobbin thread send \[options\] <threadId> \[text\]\n/);
    expect(code).toBe(0);
  });
});

describe('an address that nobody serves', () => {
  it('is named, with what to do, which the message of the library leaves to the door', async () => {
    const { code, stderr } = await runCli(['thread', 'list'], { env });
    expect(stderr).toMatch(/^bobbin: The Temporal service at 127.0.0.1:1 cannot be reached: .*\nto check this machine/);
    expect(code).toBe(5);
  });
});

describe('bobbin worker', () => {
  it('joins no service that nobody has named, such as one that listens on the default port', async () => {
    const { code, stderr } = await runCli(['worker'], { env: { ...env, TEMPORAL_ADDRESS: '' } });
    expect(stderr).toMatch(/^bobbin: No Temporal service found: no stack is running on \/nonexistent/);
    expect(code).toBe(5);
  });
});
