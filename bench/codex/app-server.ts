/** The Codex app-server over stdio, one JSON message a line, with the offline model server as its only provider. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Span, now } from '../clock.ts';
import type { Codex } from './install.ts';

export interface CodexThread extends AsyncDisposable {
  /** Runs a turn to its end, from before `turn/start` until `turn/completed` was read. */
  turn(text: string): Promise<Span>;
}

interface Message {
  id?: number;
  method?: string;
  result?: unknown;
  error?: { message: string };
  params?: { turn?: { status: string }; message?: string };
}

const ANSWER_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 5_000;

/** @param home an empty folder of its own; @param cwd the workspace of the thread. */
export async function startCodexThread(
  codex: Codex,
  { home, cwd, modelUrl }: { home: string; cwd: string; modelUrl: string },
): Promise<CodexThread> {
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'config.toml'), toConfig(modelUrl));
  const server = spawn(process.execPath, [codex.entry, 'app-server'], {
    env: toEnvironment(home),
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const dialogue = openDialogue(server);
  try {
    const clientInfo = { name: 'bobbin-bench', title: 'Bobbin bench', version: '0' };
    await dialogue.call('initialize', { clientInfo });
    dialogue.send({ method: 'initialized' });
    const { thread } = (await dialogue.call('thread/start', { cwd })) as { thread: { id: string } };
    return {
      async turn(text) {
        const completed = dialogue.hear((message) => message.method === 'turn/completed');
        const start = now();
        await dialogue.call('turn/start', { threadId: thread.id, input: [{ type: 'text', text }] });
        const { params } = await completed;
        const end = now();
        if (params?.turn?.status !== 'completed') throw new Error(`A turn of Codex ended ${JSON.stringify(params)}`);
        return { start, end };
      },
      [Symbol.asyncDispose]: () => dialogue.stop(),
    };
  } catch (error) {
    await dialogue.stop();
    throw error;
  }
}

interface Dialogue {
  send(message: object): void;
  call(method: string, params: object): Promise<unknown>;
  /** The next message that fits. */
  hear(fits: (message: Message) => boolean): Promise<Message>;
  stop(): Promise<void>;
}

export function openDialogue(server: ChildProcessWithoutNullStreams): Dialogue {
  const listeners = new Set<(message: Message) => void>();
  const exited = new Promise<void>((resolve) => server.once('exit', () => resolve()).once('error', () => resolve()));
  const endAtExit = () => server.kill('SIGKILL');
  process.once('exit', endAtExit);
  let errors = '';
  server.stderr.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-2_000)));
  createInterface({ input: server.stdout }).on('line', (line) => {
    const message = JSON.parse(line) as Message;
    for (const listener of [...listeners]) listener(message);
  });
  let ids = 0;
  const send = (message: object) => {
    server.stdin.write(`${JSON.stringify(message)}\n`);
  };
  const hear = (fits: (message: Message) => boolean) =>
    new Promise<Message>((resolve, reject) => {
      const settle = (end: () => void) => {
        clearTimeout(timer);
        listeners.delete(listener);
        end();
      };
      const fail = (why: string) => settle(() => reject(new Error(`The Codex app-server ${why}: ${errors.trim()}`)));
      const timer = setTimeout(() => fail('did not answer within 60 s'), ANSWER_TIMEOUT_MS);
      const listener = (message: Message) => {
        if (fits(message)) settle(() => resolve(message));
      };
      listeners.add(listener);
      void exited.then(() => fail('ended'));
    });
  return {
    send,
    hear,
    async call(method, params) {
      const id = ++ids;
      const answer = hear((message) => message.id === id && message.method === undefined);
      send({ id, method, params });
      const { result, error } = await answer;
      if (error !== undefined) throw new Error(`Codex answered ${method} with: ${error.message}`);
      return result;
    },
    async stop() {
      server.stdin.end();
      const timer = setTimeout(() => server.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await exited;
      clearTimeout(timer);
      process.off('exit', endAtExit);
    },
  };
}

/** The only address it is told of is the model server's; whatever else it might try ends at a closed port. */
export function toEnvironment(home: string): NodeJS.ProcessEnv {
  const nowhere = 'http://127.0.0.1:9';
  return {
    ...{ PATH: process.env['PATH'], HOME: home, CODEX_HOME: home },
    ...{ HTTP_PROXY: nowhere, HTTPS_PROXY: nowhere, ALL_PROXY: nowhere, NO_PROXY: '127.0.0.1' },
  };
}

export function toConfig(modelUrl: string): string {
  return `model = "bobbin-offline"
model_provider = "offline"
approval_policy = "never"
sandbox_mode = "workspace-write"
check_for_update_on_startup = false
web_search = "disabled"

[analytics]
enabled = false

[feedback]
enabled = false

[otel]
exporter = "none"
trace_exporter = "none"
metrics_exporter = "none"

[features]
apps = false
plugins = false
remote_plugin = false

[model_providers.offline]
name = "offline"
base_url = "${modelUrl}/v1"
wire_api = "responses"
requires_openai_auth = false
supports_websockets = false
`;
}
