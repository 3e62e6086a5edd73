import { expect, it } from 'vitest';
import type { McpServerConfig } from './config.ts';
import type { Connection } from './connection.ts';
import { createServer } from './server.ts';

const config: McpServerConfig = {
  ...{
    name: 'test',
    endpoint: { type: 'stdio', command: 'none', args: [], env: {}, cwd: undefined },
    approval: 'never',
  },
  ...{ toolTimeoutMs: 1_000, startupTimeoutMs: 1_000, enabledTools: null, disabledTools: [] },
  ...{ required: false, secrets: [] },
};

interface Made extends Connection {
  isClosed: boolean;
  /** The calls that have no answer yet, by their tool. */
  open: Map<string, { answer: (text: string) => void; forget: () => void }>;
}

it('leaves the connection alone that another call has made, if the answer for the one before it comes late', async () => {
  const made: Made[] = [];
  const connect = (): Promise<Made> => {
    const connection: Made = {
      open: new Map(),
      isClosed: false,
      fault: null,
      tools: () => Promise.resolve({ tools: [], problem: null }),
      call: (tool) =>
        new Promise((resolve, reject) => {
          connection.open.set(tool, {
            answer: (text) => resolve({ content: [{ type: 'text', text }] }),
            forget: () => reject(Object.assign(new Error('no such session'), { status: 404 })),
          });
        }),
      close() {
        connection.isClosed = true;
        return Promise.resolve();
      },
    };
    made.push(connection);
    return Promise.resolve(connection);
  };
  const server = createServer(config, connect, () => undefined);
  const call = (tool: string) =>
    server.call(
      { server: 'test', tool, arguments: {}, maxOutputBytes: 100 },
      { signal: new AbortController().signal, onProgress: () => undefined },
    );
  const asked = (index: number, tool: string) => expect.poll(() => made[index]?.open.has(tool)).toBe(true);
  const [first, second] = [call('first'), call('second')];
  await asked(0, 'first');
  await asked(0, 'second');
  made[0]?.open.get('first')?.forget();
  await asked(1, 'first');
  made[0]?.open.get('second')?.forget();
  await asked(1, 'second');
  expect(made.map(({ isClosed }) => isClosed)).toEqual([true, false]);
  for (const one of made[1]?.open.values() ?? []) one.answer('done');
  expect([await first, await second]).toMatchObject([{ outcome: 'completed' }, { outcome: 'completed' }]);
  await server.close();
});
