/** The body of `bobbin chat`: a conversation with one thread, on a terminal or in lines. */
import { realpathSync } from 'node:fs';
import { setImmediate as round } from 'node:timers/promises';
import { BobbinError } from '../../../client/bobbin-error.ts';
import type { Bobbin, NewThread, ThreadHandle } from '../../../client/index.ts';
import { findWorkTree } from '../../../folders/work-tree.ts';
import { EXIT } from '../exit-codes.ts';
import { asStarted } from '../invocation.ts';
import type { Output } from '../text/output.ts';
import { shellWord } from '../text/shell-word.ts';
import { type Part, line, paint, toCopy } from '../text/terminal-text.ts';
import { threadsOf } from './commands.ts';
import { openLines } from './lines.ts';
import { readPrompts, writePrompts } from './prompt-file.ts';
import { openSession } from './session.ts';

export interface ChatOptions {
  dataDirectory: string;
  thread?: string;
  continue?: boolean;
  pick?: boolean;
  model?: string;
}

export async function chat(bobbin: Bobbin, output: Output, options: ChatOptions): Promise<number> {
  const folder = folderOfPerson();
  const start: NewThread = {
    workspace: { cwd: folder },
    ...(options.model === undefined ? {} : { model: options.model }),
  };
  const thread = await chooseThread(bobbin, folder, options);
  return await talk(bobbin, output, {
    thread,
    start,
    pick: options.pick === true,
    dataDirectory: options.dataDirectory,
  });
}

export interface Talk {
  thread: ThreadHandle | null;
  start: NewThread;
  dataDirectory: string;
  /** A prompt to begin with. */
  first?: string;
  /** Whether the person chooses a thread first. */
  pick?: boolean;
  /** Gets what prints a line in the chat. */
  onOpen?: (say: (line: Part) => void) => void;
}

export async function talk(bobbin: Bobbin, output: Output, { dataDirectory, ...options }: Talk): Promise<number> {
  const session = openSession({
    bobbin,
    ...options,
    prompts: readPrompts(dataDirectory),
    remember: (prompts) => writePrompts(dataDirectory, prompts),
  });
  options.onOpen?.((line) => session.store.dispatch({ type: 'said', lines: [line] }));
  const isTerminal = process.stdin.isTTY && process.stdout.isTTY;
  // Not the first row of the screen: some terminals keep what is erased from there on.
  if (isTerminal) output.say(paint.dim(`chat in ${options.start.workspace.cwd}; /help lists the commands`));
  const shell = isTerminal
    ? (await import('./terminal.ts')).openTerminal(session.store)
    : openLines(session, process.stdin, process.stdout);
  const onSignal = () => session.leave();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  await session.ended;
  await round();
  await shell.close();
  await session.close();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, onSignal);
  const { threadId } = session.thread() ?? { threadId: null };
  if (threadId === null) output.say('nothing was started');
  else {
    output.say(`thread ${threadId} stays; to continue it:`);
    output.say(toCopy(line`  ${asStarted(`chat --thread ${shellWord(threadId)}`)}`));
  }
  return EXIT.ok;
}

async function chooseThread(bobbin: Bobbin, folder: string, options: ChatOptions): Promise<ThreadHandle | null> {
  if (options.thread !== undefined) {
    const { thread } = await bobbin.threads.resume(await bobbin.threads.find(options.thread));
    return thread;
  }
  if (options.continue !== true) return null;
  const [newest] = await threadsOf(bobbin, folder);
  if (newest !== undefined) return (await bobbin.threads.resume(newest.threadId)).thread;
  throw new BobbinError('threadNotFound', `There is no thread in ${folder} yet. \`${asStarted('chat')}\` starts one.`);
}

function folderOfPerson(): string {
  return realpathSync(findWorkTree(process.cwd()) ?? process.cwd());
}
