/** The body of `bobbin chat`: a conversation with one thread, on a terminal or in lines. */
import { realpathSync } from 'node:fs';
import { setImmediate as round } from 'node:timers/promises';
import { BobbinError } from '../../../client/bobbin-error.ts';
import type { Bobbin, NewThread, ThreadHandle } from '../../../client/index.ts';
import type { ThreadSettings } from '../../../contract/index.ts';
import { toWorkspaceWords } from '../../../contract/plain/words/managed-words.ts';
import { connectTarget } from '../../../dev/temporal-service/run/connect-target.ts';
import { findWorkTree } from '../../../folders/work-tree.ts';
import { watchOutput } from '../closed-output.ts';
import { runningStack } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { asStarted } from '../invocation.ts';
import type { Output } from '../text/output.ts';
import { shellWord } from '../text/shell-word.ts';
import { type Part, line, paint, toCopy } from '../text/terminal-text.ts';
import { type WorkspaceOptions, newWorkspace } from '../thread/new-workspace.ts';
import { type ModelFlags, modelFlagsOf } from '../model-options.ts';
import { threadsOf } from './commands.ts';
import { openLines } from './lines.ts';
import { readPrompts, writePrompts } from './prompt-file.ts';
import { openSession } from './session.ts';

export interface ChatOptions extends ModelFlags, WorkspaceOptions {
  dataDirectory: string;
  dataDir?: string;
  thread?: string;
  continue?: boolean;
  pick?: boolean;
}

export async function chat(bobbin: Bobbin, output: Output, options: ChatOptions): Promise<number> {
  const workspace = await newWorkspace(bobbin, options, folderOfPerson());
  const start: NewThread = { workspace, ...modelFlagsOf(options) };
  const thread = await chooseThread(bobbin, workspace.cwd, options);
  const stack = await describeStack(options);
  return await talk(bobbin, output, {
    thread,
    start,
    pick: options.pick === true,
    dataDirectory: options.dataDirectory,
    onLeave: ({ threadId }) => [...toContinue(threadId, `chat --thread ${shellWord(threadId)}`), ...stack],
  });
}

/** The lines that say where the thread goes on, and how to end that. */
async function describeStack(options: ChatOptions): Promise<Part[]> {
  const address = connectTarget(process.env)?.connectionOptions.address;
  if (address !== undefined) return [`what runs goes on at the Temporal service ${address}`];
  return toStop((await runningStack(options)).pid);
}

export function toStop(pid: number): Part[] {
  return [`the stack goes on in process ${pid}; Ctrl-C there stops it, and from here:`, toCopy(line`  kill ${pid}`)];
}

export function toContinue(threadId: string, command: string): Part[] {
  return [`thread ${threadId} stays; to continue it:`, toCopy(line`  ${asStarted(command)}`)];
}

export interface Talk {
  thread: ThreadHandle | null;
  start: NewThread;
  dataDirectory: string;
  /** A prompt to begin with. */
  first?: string;
  /** Whether the person chooses a thread first. */
  pick?: boolean;
  /** Returns what to say after the person has left the thread. */
  onLeave(thread: ThreadHandle, settings: ThreadSettings | undefined): readonly Part[];
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
  if (isTerminal)
    output.say(paint.dim(line`chat in ${toWorkspaceWords(options.start.workspace)}; /help lists the commands`));
  else watchOutput();
  const shell = isTerminal
    ? (await import('./terminal.ts')).openTerminal(session.store)
    : openLines(session, process.stdin, process.stdout);
  const onSignal = () => session.leave();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  await session.ended;
  session.store.dispatch({ type: 'left' });
  await round();
  await shell.close();
  await session.close();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, onSignal);
  const thread = session.thread();
  if (thread === null) output.say('nothing was started');
  else for (const one of options.onLeave(thread, session.store.state().view?.settings)) output.say(one);
  return EXIT.ok;
}

async function chooseThread(bobbin: Bobbin, folder = '', options: ChatOptions): Promise<ThreadHandle | null> {
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
