/** Model servers that others wrote, as processes. */
import { spawn } from 'node:child_process';
import { type AddressInfo, createServer } from 'node:net';

export interface ServerProcess extends AsyncDisposable {
  /** Ends in `/v1`. */
  url: string;
}

/** Starts a program on a free port, and waits until it answers there. @param args given the port */
export async function startServer(
  program: string,
  args: (port: number) => string[],
  { health, env = {} }: { health: string; env?: Record<string, string> },
): Promise<ServerProcess> {
  const port = await freePort();
  const child = spawn(program, args(port), { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const origin = `http://127.0.0.1:${port}`;
  const answers = () =>
    fetch(`${origin}${health}`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await answers())) {
    if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}: ${said.slice(-2_000)}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return {
    url: `${origin}/v1`,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** The program takes the port by its number, so it cannot be kept until then; these checks run by themselves. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
