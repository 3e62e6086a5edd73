import { expect, it } from 'vitest';
import type { TurnCompletion } from '../../index.ts';
import { toLeftBehindWords } from './left-behind-words.ts';

it('names the hosts on which commands may still run, and says nothing if there are none', () => {
  const mayStillRun = [
    { host: 'a', commandIds: ['1'] },
    { host: 'b', commandIds: ['2', '3'] },
    { host: 'c', commandIds: ['tool/t/1/*'] },
    { host: 'd', commandIds: ['2', 'tool/t/1/*', 'tool/t/2/*'] },
  ];
  expect(toLeftBehindWords({ mayStillRun } as unknown as TurnCompletion)).toBe(
    '; may still run and write here: 1 command on host a, 2 commands on host b, commands of 1 agent on host c, 1 command and commands of 2 agents on host d',
  );
  expect(toLeftBehindWords({} as TurnCompletion)).toBe('');
});
