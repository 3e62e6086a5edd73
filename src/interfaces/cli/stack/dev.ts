/**
 * The body of `bobbin dev`: starts the embedded stack, or joins the one that this person is running, runs a first turn on a
 * new thread of this repository, and on a terminal continues as a chat. The stack stays up in the process that started it.
 */
import { randomUUID } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { type Bobbin, BobbinError, type ThreadHandle } from '../../../client/index.ts';
import type { Workspace } from '../../../contract/index.ts';
import { toTemporalUrl } from '../../../contract/plain/temporal-ui.ts';
import { rememberThread } from '../../../dev/dev-state.ts';
import { findFormerData } from '../../../dev/former-data.ts';
import { openStack } from '../../../dev/one-stack.ts';
import type { Stack, StackAddresses } from '../../../dev/stack.ts';
import { connectTarget } from '../../../dev/temporal-service/run/connect-target.ts';
import { isInside } from '../../../folders/folders.ts';
import { findOwnSettings } from '../../../folders/own-settings.ts';
import { PACKAGE_ROOT } from '../../../folders/program-files.ts';
import { type CommonOptions, dataDirectoryOf, interruptSignal } from '../command.ts';
import { onClosedOutput } from '../closed-output.ts';
import { EXIT, exitCodeOfTurn } from '../exit-codes.ts';
import { asStarted } from '../invocation.ts';
import type { Output } from '../text/output.ts';
import type { Part } from '../text/terminal-text.ts';
import { type WorkspaceOptions, toWorkspaceFlags } from '../thread/new-workspace.ts';
import { watchThread } from '../thread/watch.ts';
import { addressWithToken, connectToStack, startPage } from './dev-page.ts';
import { chooseThread } from './dev-thread.ts';
import { folderHere, toKey, workspaceOf, worksIn } from './dev-workspace.ts';
import { readVariable } from '../../../folders/variables.ts';

/** The checkout or the installed package that runs. */
const PROGRAM = realpathSync(PACKAGE_ROOT);

const FIRST_PROMPT = 'describe this repository';
const TITLE_CHARS = 200;

export interface DevOptions extends CommonOptions, WorkspaceOptions {
  once?: string;
  /** Whether a new thread begins with a turn. */
  turn: boolean;
}

export async function dev(options: DevOptions, output: Output): Promise<number> {
  const dataDirectory = dataDirectoryOf(options);
  const workspace = workspaceOf(options);
  const folder = folderHere(workspace);
  if (folder !== undefined) {
    requireOutside(folder, dataDirectory);
    requireNoSettings(folder);
  }
  const signal = interruptSignal();
  onClosedOutput(leave);
  // A terminal that goes away says so in several ways; the stack still has to be stopped.
  if (isChat(options)) process.once('SIGHUP', leave).on('SIGHUP', () => undefined);
  const notices = createNotices(output);
  const opened = await openStack({
    dataDirectory,
    env: process.env,
    onProgress: (text) => notices.say(text),
    signal,
    ...(options.once === undefined
      ? { startPage: (stack) => startPage(stack, dataDirectory, (text) => notices.say(text)) }
      : {}),
  });
  const run = { options, dataDirectory, workspace, output, signal, notices };
  if (opened.type === 'joined') return await withJoined(opened.stack, run);
  try {
    return await withStarted(opened.stack, run);
  } finally {
    output.say('stopping …');
    await opened.stack.stop();
    output.say('stopped');
  }
}

/** As if the person had ended it. */
function leave(): void {
  process.kill(process.pid, 'SIGTERM');
}

interface Run {
  options: DevOptions;
  dataDirectory: string;
  /** Of the thread. */
  workspace: Workspace;
  output: Output;
  signal: AbortSignal;
  notices: Notices;
}

/** What the stack says while it runs: on standard error, or in the chat. */
interface Notices {
  say(text: string): void;
  /** Null: back to standard error. */
  sayWith(say: ((line: Part) => void) | null): void;
}

function createNotices(output: Output): Notices {
  const onError = (line: Part) => output.progress(line);
  let say = onError;
  return { say: (text) => say(text), sayWith: (next) => (say = next ?? onError) };
}

/** `--once` and `--json` are for programs. */
function isChat({ once, json }: DevOptions): boolean {
  return once === undefined && json !== true && process.stdin.isTTY && process.stdout.isTTY;
}

/** Sandboxes hide the data folder, so such a workspace would be empty. */
function requireOutside(folder: string, dataDirectory: string): void {
  if (!isInside(folder, dataDirectory)) return;
  const message = `${folder} is inside Bobbin's data folder ${dataDirectory}. Start in another folder, or use another data folder.`;
  throw new BobbinError('invalid', message);
}

/** Fails early: the first turn would fail with the same reason. */
function requireNoSettings(folder: string): void {
  const mode = readVariable(process.env, 'BOBBIN_SANDBOX') ?? 'workspace-write';
  const reason = mode === 'workspace-write' ? findOwnSettings(folder) : undefined;
  if (reason !== undefined) throw new BobbinError('invalid', `${reason} BOBBIN_SANDBOX sets the mode.`);
}

async function withStarted(stack: Stack, run: Run): Promise<number> {
  const { options, output, signal } = run;
  for (const part of stack.parts) output.say(`${part.name.padEnd(9)} ${part.text}`);
  const status = await useThread(stack, run, (model) => stack.canUse(model));
  if (options.once !== undefined || isChat(options)) return status;
  output.say('');
  output.say(
    `It stays up: \`${asStarted('run "<prompt>"')}\` and \`${asStarted('thread list')}\` work from another terminal. Ctrl-C stops it.`,
  );
  await new Promise<void>((resolve) =>
    signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve()),
  );
  return EXIT.ok;
}

async function withJoined(stack: StackAddresses & { pid: number }, run: Run): Promise<number> {
  const named = connectTarget(process.env)?.connectionOptions.address;
  if (named !== undefined && named !== stack.address) {
    throw new BobbinError(
      'threadBusy',
      `A stack with the service at ${stack.address} is already running on ${run.dataDirectory} (process ${stack.pid}). ` +
        `Stop it first, or use another data folder for the service at ${named}.`,
    );
  }
  run.output.say(`Stack     of process ${stack.pid}, with the service at ${stack.address} (joined)`);
  // A stack of an earlier release has no page.
  const page = stack.pageUrl ?? null;
  if (page !== null) run.output.say(`Page      ${await addressWithToken(page, run.dataDirectory)} (joined)`);
  // The process that runs the stack knows which models it has.
  const status = await useThread(stack, run, () => true);
  run.output.say('');
  const { toStop } = await import('../chat/chat.ts');
  for (const line of toStop(stack.pid)) run.output.say(line);
  return status;
}

/** Talks with the thread of this folder, or runs a turn on it. Returns the exit code. */
async function useThread(stack: StackAddresses, run: Run, canUse: (model: string) => boolean): Promise<number> {
  const { options, output } = run;
  const bobbin = await connectToStack(stack, dataDirectoryOf(options));
  try {
    sayWhatToKnow(run);
    const first = options.once ?? (options.turn ? FIRST_PROMPT : undefined);
    const { thread, isNew } = await chooseThread(bobbin, { ...run, canUse, title: first?.slice(0, TITLE_CHARS) });
    const prompt = isNew ? first : options.once;
    if (isChat(options)) return await converse(bobbin, stack, run, { thread, prompt });
    const after = isNew ? 0 : (await thread.view()).lastSeq;
    const status =
      prompt === undefined ? EXIT.ok : await runTurn(thread, prompt, { output, after, signal: run.signal });
    if (isNew && prompt === undefined) await opened(thread, run.signal);
    if (run.signal.aborted) return EXIT.interrupted;
    await sayWhere(thread, stack, isNew, output);
    return status;
  } finally {
    await bobbin.close();
  }
}

async function converse(
  bobbin: Bobbin,
  stack: StackAddresses,
  { options, dataDirectory, workspace, output, notices }: Run,
  { thread, prompt }: { thread: ThreadHandle; prompt: string | undefined },
): Promise<number> {
  const { talk, toContinue } = await import('../chat/chat.ts');
  if (stack.uiUrl !== null) output.say(`UI        ${toTemporalUrl(stack.uiUrl, stack.namespace, thread)}`);
  const start = { workspace };
  const first = prompt === undefined ? {} : { first: prompt };
  try {
    return await talk(bobbin, output, {
      thread,
      start,
      ...first,
      dataDirectory,
      onOpen: (say) => notices.sayWith(say),
      onLeave({ threadId }, settings) {
        // The next start continues it.
        if (settings !== undefined && worksIn(settings, workspace))
          rememberThread(dataDirectory, toKey(workspace), threadId);
        return toContinue(threadId, ['dev', ...toWorkspaceFlags(options)].join(' '));
      },
    });
  } finally {
    notices.sayWith(null);
  }
}

/** A clone can contain a data folder, so Bobbin uses one only if a person imports it. */
function sayWhatToKnow({ workspace, dataDirectory, output }: Run): void {
  const folder = folderHere(workspace);
  if (folder === undefined) return;
  if (isInside(PROGRAM, folder)) {
    output.say(
      'Note      the Bobbin that runs lies in this folder: a turn that changes it changes what runs outside the sandbox next time',
    );
  }
  const former = findFormerData(folder, dataDirectory);
  if (former !== null)
    output.say(`Note      ${former} is not used; \`${asStarted('data import')}\` shows what is in it.`);
}

async function runTurn(
  thread: ThreadHandle,
  prompt: string,
  { output, after, signal }: { output: Output; after: number; signal: AbortSignal },
): Promise<number> {
  const turnId = `turn-${randomUUID()}`;
  await thread.submit({ turnId, kind: 'regular', input: [{ type: 'text', text: prompt }] });
  const end = await watchThread(thread, output, { after, signal, untilTurn: turnId });
  if (end !== undefined) return exitCodeOfTurn(end);
  return signal.aborted ? EXIT.interrupted : EXIT.turnAborted;
}

/** A repository may have to be fetched first. Rejects with `threadRefused`. */
async function opened(thread: ThreadHandle, signal: AbortSignal): Promise<void> {
  for await (const _ of thread.events({ signal })) return;
}

async function sayWhere(thread: ThreadHandle, stack: StackAddresses, isNew: boolean, output: Output): Promise<void> {
  const { agentTask } = await thread.view();
  output.say('');
  output.say(`thread      ${thread.threadId}`);
  if (agentTask.status === 'registered') {
    output.say(
      `agent task  ${agentTask.task.taskId}${isNew ? '' : ' (the same as before)'} of ${agentTask.task.agentRuntimeId}`,
    );
  }
  const url = stack.uiUrl === null ? null : toTemporalUrl(stack.uiUrl, stack.namespace, thread);
  if (url !== null) output.say(`Temporal UI ${url}`);
}
