/** Runs the commands of the README and compares what they print with what it shows; `…` stands for anything. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** What is shown under a command, up to the next command or the end of its block. */
function shownUnder(command: string): string {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const blocks = [...readme.matchAll(/```console\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
  for (const block of blocks) {
    const parts = block.split(/^\$ (?=npm )/m).slice(1);
    const part = parts.find((one) => one.startsWith(`${command}\n`));
    if (part !== undefined) return part.slice(command.length + 1);
  }
  throw new Error(`The README does not show: ${command}`);
}

/** A line of only `…` stands for any number of lines. */
function toPattern(shown: string): RegExp {
  const escape = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const toLine = (line: string) =>
    line === '…' ? '(?:[^\\n]*\\n)*?' : `${line.split('…').map(escape).join('[^\\n]*')}\\n`;
  return new RegExp(`^${shown.trimEnd().split('\n').map(toLine).join('')}`, 'm');
}

interface Run {
  child: ChildProcess;
  output(): string;
  until(text: string): Promise<void>;
  exit: Promise<number | null>;
}

describe('the README', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bobbin-readme-'));
  const data = join(folder, 'data');
  const runs: Run[] = [];

  function start(command: string, args: string[]): Run {
    const { TEMPORAL_ADDRESS: _address, OPENAI_API_KEY: _key, BOBBIN_MODEL: _model, ...rest } = process.env;
    const env = { ...rest, BOBBIN_DATA_DIR: data, BOBBIN_TEMPORAL: inject('temporal').binary };
    // A process group of its own, so that Ctrl-C can be sent to it as a terminal does.
    const child = spawn(command, args, { cwd: root, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    const listeners = new Set<() => void>();
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
        for (const listener of listeners) listener();
      });
    }
    const exit = new Promise<number | null>((resolve) => child.once('close', resolve));
    const run: Run = {
      child,
      exit,
      output: () => text,
      until: (wanted) =>
        new Promise((resolve, reject) => {
          const look = () => {
            if (text.includes(wanted)) resolve();
          };
          listeners.add(look);
          void exit.then(() => reject(new Error(`It ended without printing ${wanted}:\n${text}`)));
          look();
        }),
    };
    runs.push(run);
    return run;
  }

  let up: Run;
  beforeAll(async () => {
    up = start('npm', ['start']);
    await up.until('Ctrl-C stops it.');
  });
  afterAll(async () => {
    for (const run of runs) {
      if (run.child.exitCode === null && run.child.signalCode === null && run.child.pid !== undefined) {
        process.kill(-run.child.pid, 'SIGINT');
        await run.exit;
      }
    }
    rmSync(folder, { recursive: true, force: true });
  });

  it('shows what npm start prints', () => {
    expect(up.output()).toMatch(toPattern(shownUnder('npm install && npm start')));
  });

  it.each(['npm run --silent bobbin -- run "run: git status --short"', 'npm run --silent bobbin -- thread list'])(
    'shows what %s prints',
    async (command) => {
      const run = start('bash', ['-c', command]);
      expect(await run.exit).toBe(0);
      expect(run.output()).toMatch(toPattern(shownUnder(command)));
    },
  );

  it('is right that Ctrl-C stops every process that was started, and that the thread continues with the same agent task', async () => {
    const started = JSON.parse(readFileSync(join(data, 'temporal.json'), 'utf8')) as { pid: number };
    const [, worker] = /Worker +process (\d+)/.exec(up.output()) ?? [];
    const [, task] = /agent task {2}(\S+)/.exec(up.output()) ?? [];
    process.kill(-(up.child.pid ?? 0), 'SIGINT');
    await up.exit;
    for (const pid of [started.pid, Number(worker)]) expect(() => process.kill(pid, 0)).toThrow('ESRCH');

    const command = 'npm start -- --once "run: echo hello from the sandbox"';
    const once = start('bash', ['-c', command]);
    expect(await once.exit).toBe(0);
    expect(once.output()).toMatch(toPattern(shownUnder(command)));
    expect(once.output()).toContain('(continued)');
    expect(once.output()).toContain(`${task ?? 'none'} (the same as before)`);
  });
});
