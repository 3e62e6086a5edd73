/** Runs the command of an account that prints its access token. The operator's configuration names it, nothing else does. */
import { type ChildProcess, spawn } from 'node:child_process';
import { UnusableToken } from './unusable-token.ts';

export interface TokenCommand {
  /** Program and arguments, without a shell. The program is an absolute path. */
  command: readonly [string, ...string[]];
  timeoutMs: number;
}

/** In bytes; larger than any token. */
const MAX_OUTPUT_BYTES = 64 * 1024;

/**
 * What it prints. Its error output is read and dropped, because it may contain a secret. On a timeout, and when the signal
 * fires, it is killed with everything that it has started.
 */
export async function runTokenCommand(
  { command, timeoutMs }: TokenCommand,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<string> {
  signal.throwIfAborted();
  const [program, ...args] = command;
  // A process group of its own, so that all of it can be killed.
  const child = spawn(program, args, { env, cwd: '/', detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const timeout = AbortSignal.timeout(timeoutMs);
  const stop = AbortSignal.any([signal, timeout]);
  const kill = () => killGroup(child);
  stop.addEventListener('abort', kill, { once: true });
  try {
    return await outputOf(child, stop);
  } catch (error) {
    signal.throwIfAborted();
    if (timeout.aborted) throw failed(program, `printed no token within ${timeoutMs} ms and was killed`);
    throw error instanceof UnusableToken ? error : failed(program, `could not be started (${codeOf(error)})`, false);
  } finally {
    stop.removeEventListener('abort', kill);
    kill();
  }
}

/** Ends with the process, or at the abort: a child that outlives it may keep its output open. */
async function outputOf(child: ChildProcess, stop: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  let errorBytes = 0;
  child.stderr?.on('data', (chunk: Buffer) => (errorBytes += chunk.byteLength));
  const end = await new Promise<number | string>((resolve, reject) => {
    stop.addEventListener('abort', () => reject(stop.reason as Error), { once: true });
    child.stdout?.on('data', (chunk: Buffer) => {
      size += chunk.byteLength;
      chunks.push(chunk);
      if (size > MAX_OUTPUT_BYTES)
        reject(failed(child.spawnfile, `printed more than ${MAX_OUTPUT_BYTES} bytes`, false));
    });
    child.on('error', reject);
    child.on('close', (code, killedBy) => resolve(code ?? killedBy ?? 'unknown'));
  });
  if (end === 0) return Buffer.concat(chunks).toString('utf8');
  const hidden =
    errorBytes === 0 ? '' : ` Its ${errorBytes} bytes of error output are not shown, as they may contain a secret.`;
  throw failed(
    child.spawnfile,
    `ended with ${typeof end === 'number' ? 'exit code ' : ''}${end}.${hidden} Run it by hand to see why`,
  );
}

function failed(program: string, what: string, isTransient = true): UnusableToken {
  return new UnusableToken(`the token command ${program} ${what}`, isTransient);
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group has ended.
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error';
}
