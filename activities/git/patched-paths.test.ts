import { expect, it } from 'vitest';
import type { Item } from '../../src/contract/index.ts';
import { toPatchedPaths } from './patched-paths.ts';

const base = { id: 1, turnId: 't', step: 1, callId: 'c', call: {}, output: '', status: 'completed' as const };
const patch = (more: object): Item =>
  ({ ...base, type: 'fileChange', patch: '', changes: [], ...more }) as unknown as Item;
const command = (text: string, more: object = {}): Item =>
  ({ ...base, type: 'commandExecution', command: text, cwd: '/w', source: 'agent', ...more }) as unknown as Item;
const change = (path: string, more: object = {}) => ({ path, kind: 'update', linesAdded: 1, linesRemoved: 1, ...more });

it('names what patches changed, moved files by both names, and nothing that lies outside or was like that already', () => {
  const changes = [
    change('a.txt'),
    change('from.txt', { kind: 'move', movePath: 'to/b.txt' }),
    change('/elsewhere/c.txt'),
    change('same.txt', { unchanged: true }),
  ];
  const changed = ['a.txt', 'from.txt', 'to/b.txt'];
  expect(toPatchedPaths([patch({ changes })], '/w')).toEqual({ changed, tried: ['from.txt'] });
});

it('names what a patch that failed was about, which may be written in part', () => {
  const text =
    '*** Begin Patch\n*** Update File: ./a.txt\n*** Move to:/w/b.txt\n@@\n-x\n+*** y\n  *** Add File: c\n+1\n*** End Patch';
  const failed = patch({ status: 'failed', patch: text });
  expect(toPatchedPaths([failed], '/w/')).toEqual({ changed: [], tried: ['./a.txt', '/w/b.txt', 'c'] });
});

it.each([
  ['a command that writes', command('echo 1 > x')],
  ['git in a folder that may pose as a repository', command('git status', { cwd: '/w/sub' })],
  [
    'a tool of a server',
    { ...base, type: 'mcpToolCall', server: 's', tool: 't', arguments: {}, durationMs: 1 } as unknown as Item,
  ],
  [
    'a look at a command that was left running, and may have been typed into',
    { ...base, type: 'dynamicToolCall', call: { name: 'write_stdin', arguments: '{}' } } as unknown as Item,
  ],
  [
    'an agent',
    { ...base, type: 'collabAgentToolCall', tool: 'spawn_agent', receiverThreadIds: [], prompt: '' } as unknown as Item,
  ],
])('answers nothing if there was %s', (_, item) => {
  expect(toPatchedPaths([patch({ changes: [change('a.txt')] }), item], '/w')).toBeNull();
});

it('passes over what only reads, plans, asks or was declined', () => {
  const items = [
    command('cat a.txt | head -3'),
    command('git log', { cwd: '/w' }),
    command('rm -rf /', { status: 'declined' }),
    { ...base, type: 'plan', plan: [], explanation: '' } as unknown as Item,
    { ...base, type: 'userInput', questions: [], answers: null } as unknown as Item,
    patch({ changes: [change('a.txt')] }),
  ];
  expect(toPatchedPaths(items, '/w/')).toEqual({ changed: ['a.txt'], tried: [] });
});
