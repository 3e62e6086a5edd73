/** `npm start` on a terminal: the stack, a first turn, and a chat that outlives the service and the worker. */
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { makeRepository } from '../parts/repositories.ts';
import { createTerminals, pressInterruptTwice, say } from '../parts/terminal.ts';

let root: string;
let options: { cwd: string; env: Record<string, string> };
beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'bobbin-dev-chat-')));
  options = { cwd: join(root, 'mine'), env: { XDG_DATA_HOME: root, BOBBIN_TEMPORAL: inject('temporal').binary } };
  makeRepository(options.cwd, { 'README.md': '# mine\n' });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const terminals = createTerminals();
afterEach(() => terminals.closeAll());

const completed = (times: number) => (screen: string) => (screen.match(/turn completed in/g) ?? []).length === times;

describe('npm start', () => {
  it('begins a new thread with a turn, goes on after the service was killed, and continues without a turn', async () => {
    const first = await terminals.open(['dev'], options);
    await first.until('> describe this repository');
    await first.until(completed(1));
    const { pid } = JSON.parse(readFileSync(join(root, 'bobbin', 'temporal.json'), 'utf8')) as { pid: number };
    process.kill(pid, 'SIGKILL');
    await first.until('The Temporal service ended (SIGKILL); restarting it.');
    await say(first, 'say: after the restart');
    const shown = await first.until(completed(2));
    expect(shown.match(/^│ after the restart$/gm)).toHaveLength(1);
    await leave(first);

    const second = await terminals.open(['dev'], options);
    await second.until('(continued)');
    const again = await second.until(completed(2));
    expect(again).toMatch(/^│ after the restart$/m);
    await second.until('ready');
    expect(again.match(/> describe this repository/g)).toHaveLength(1);
    await leave(second);

    const keyed = await terminals.open(['dev', '--no-turn'], {
      ...options,
      env: { ...options.env, OPENAI_API_KEY: 'sk-none' },
    });
    await keyed.until(/Thread +mine-\w+ \(new, since mine-\w+ uses offline\/bobbin-offline, which cannot be used/);
    await keyed.until('ready');
    await leave(keyed);
  }, 240_000);

  it('stops everything if its terminal goes away', async () => {
    const terminal = await terminals.open(['dev', '--no-turn'], options);
    await terminal.until('ready');
    const record = JSON.parse(readFileSync(join(root, 'bobbin', 'temporal.json'), 'utf8')) as { pid: number };
    const pids = [record.pid, await terminal.pid()];
    await terminal.close();
    await expect.poll(() => pids.filter(isAlive), { timeout: 60_000 }).toEqual([]);
  }, 180_000);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function leave(terminal: Awaited<ReturnType<typeof terminals.open>>): Promise<void> {
  await pressInterruptTwice(terminal);
  await terminal.until(/thread mine-\w+ stays; to continue it:\n +node .* dev$/m);
  await terminal.until(/stopped\nexit code 0/);
}
