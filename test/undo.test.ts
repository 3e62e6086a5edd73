import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ThreadHandle } from '../src/client/index.ts';
import { type Stand, openStand, runTurn } from './stand.ts';

let stand: Stand;
let cwd: string;
beforeAll(async () => {
  stand = await openStand();
});
afterAll(() => stand.close());
beforeEach(() => {
  cwd = stand.workspace();
});

const put = (name: string, text: string) => writeFileSync(join(cwd, name), text);
const read = (name: string) => readFileSync(join(cwd, name), 'utf8');
const start = (more: Parameters<Stand['start']>[0] = {}) => stand.start({ workspace: { cwd }, ...more });

/** What the model was told last in this thread, as text. */
async function lastTold(thread: ThreadHandle, word: string): Promise<string> {
  await runTurn(thread, `say: ${word}`);
  const requests = stand.model.requests.map(({ body }) => JSON.stringify(body));
  return requests.findLast((body) => body.includes(thread.threadId) && body.includes(word)) ?? '';
}

describe('undo', () => {
  it('takes back the newest turn, its files and its part in the conversation', async () => {
    const thread = await start();
    put('untracked.txt', 'mine\n');
    put('README.md', 'edited by the person\n');
    await runTurn(thread, 'run: echo 1 > one.txt\nsay: the first');
    await runTurn(
      thread,
      'run: echo agent | tee README.md untracked.txt > new.txt\nrun: mv one.txt moved.txt\nsay: the second',
    );
    const { completion, dropped } = await thread.undo();
    expect(completion).toMatchObject({ kind: 'undo', status: 'completed' });
    expect(dropped).toMatchObject({ cause: 'undo', files: { restored: 3, deleted: 2 } });
    expect(dropped?.notUndone).toEqual([
      'Effects elsewhere, if it had any, of: echo agent | tee README.md untracked.txt > new.txt',
      'Effects elsewhere, if it had any, of: mv one.txt moved.txt',
    ]);
    expect([read('README.md'), read('untracked.txt'), read('one.txt')]).toEqual([
      'edited by the person\n',
      'mine\n',
      '1\n',
    ]);
    expect([existsSync(join(cwd, 'new.txt')), existsSync(join(cwd, 'moved.txt'))]).toEqual([false, false]);
    const told = await lastTold(thread, 'afterwards');
    expect(told).toContain('the first');
    expect(told).not.toContain('the second');
  });
});
