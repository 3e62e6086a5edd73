import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findProgram } from '../../programs.ts';
import { findTerminal } from './terminal.ts';

let folder: string;
const path = process.env['PATH'];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'terminal-'));
});
afterEach(() => {
  process.env['PATH'] = path;
  rmSync(folder, { recursive: true });
});

/** The arguments that this program would be chosen with, if PATH led to nothing else. */
function terminalOf(program: string): string[] {
  const found = program === 'python3' ? '/usr/bin/python3' : findProgram(program, []);
  const only = mkdtempSync(join(folder, 'bin-'));
  symlinkSync(found ?? '/nowhere', join(only, program));
  process.env['PATH'] = only;
  const terminal = findTerminal('/workspace');
  process.env['PATH'] = path;
  if (terminal === undefined) throw new Error(`no terminal by ${program}`);
  return terminal;
}

async function run(program: string, command: string, typed: string) {
  const [file = '', ...args] = terminalOf(program);
  const child = spawn(file, [...args, '/bin/bash', '-c', command], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(typed);
  const [output] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  return { output, code: child.exitCode, signal: child.signalCode };
}

describe.each([['perl'], ['python3']])('a terminal that is made by %s', (program) => {
  it('is what the command reads from and writes to, and passes on its exit code', async () => {
    const { output, code } = await run(program, 'stty size; read line; echo "got $line"; exit 7', 'one\n');
    expect(output).toMatch(/^(one\n)?24 120\n(one\n)?got one\n$/);
    expect(code).toBe(7);
  });

  it('carries all of a long output, although nothing is left to read', async () => {
    expect(await run(program, 'seq 1 100000', '')).toMatchObject({
      output: expect.stringMatching(/\n100000\n$/) as string,
    });
  });

  it('ends by the signal that ended the command, and with it, whatever still has the terminal open', async () => {
    expect(await run(program, '(trap "" HUP; exec sleep 5) & kill -TERM $$', '')).toMatchObject({ signal: 'SIGTERM' });
    expect(await run(program, 'sleep 300', '\u0003')).toMatchObject({ signal: 'SIGINT' });
  });
});

it('there is none without Perl and Python', () => {
  process.env['PATH'] = folder;
  expect(findTerminal('/workspace')).toBeUndefined();
});
