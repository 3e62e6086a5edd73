import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const mainOf = (server: string) => fileURLToPath(new URL(`./${server}/main.ts`, import.meta.url));

it.each([
  ['model-server', 'SIGTERM', 'Bobbin offline model server: '],
  ['model-server', 'SIGINT', 'Bobbin offline model server: '],
  ['identity-service', 'SIGTERM', 'Bobbin reference identity service: '],
] as const)('%s runs alone, prints its URL, and ends cleanly on %s', async (server, signal, greeting) => {
  const child = spawn(process.execPath, [mainOf(server), '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const exited = once(child, 'exit');
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    expect(line.startsWith(greeting)).toBe(true);
    const response = await fetch(new URL('/', line.slice(greeting.length)));
    expect(JSON.stringify(await response.json())).toContain(greeting.slice(0, -2));
    child.kill(signal);
    expect(await exited).toEqual([0, null]);
  } finally {
    child.kill('SIGKILL');
  }
});

it.each(['model-server', 'identity-service'])('%s says what is wrong with its port and ends with 1', async (server) => {
  const child = spawn(process.execPath, [mainOf(server), '--port', '99999'], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  expect(await once(child, 'close')).toEqual([1, null]);
  expect(said).toContain('99999');
});
