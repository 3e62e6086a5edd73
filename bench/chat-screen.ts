/** A chat as it draws on a terminal, in this process, on streams that pass for one. */
import { PassThrough } from 'node:stream';
import { render } from 'ink';
import { createElement as h } from 'react';
import type { Bobbin, ThreadHandle } from '../src/client/index.ts';
import { openSession } from '../src/interfaces/cli/chat/session.ts';
import { Chat } from '../src/interfaces/cli/chat/terminal.ts';
import { now } from './clock.ts';

export interface ChatScreen {
  /** When that text is drawn, from the call on. */
  shows(text: string): Promise<number>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Resolves as soon as the chat shows the state of the thread. */
export async function openChatScreen(bobbin: Bobbin, thread: ThreadHandle, cwd: string): Promise<ChatScreen> {
  const session = openSession({
    bobbin,
    thread,
    start: { workspace: { cwd } },
    prompts: [],
    remember: () => undefined,
  });
  const pass = () => undefined;
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: pass, ref: pass, unref: pass });
  const stdout = Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY: true, columns: 100, rows: 30 });
  const expected = new Map<string, (at: number) => void>();
  stdout.on('data', (drawn: string) => {
    for (const [text, resolve] of expected) {
      if (!drawn.includes(text)) continue;
      expected.delete(text);
      resolve(now());
    }
  });
  const streams = { stdin, stdout } as unknown as { stdin: NodeJS.ReadStream; stdout: NodeJS.WriteStream };
  const shows = (text: string) => new Promise<number>((resolve) => expected.set(text, resolve));
  const ready = shows('ready');
  const ink = render(h(Chat, { store: session.store }), { ...streams, exitOnCtrlC: false, interactive: true });
  await ready;
  return {
    shows,
    async [Symbol.asyncDispose]() {
      ink.unmount();
      await session.close();
    },
  };
}
