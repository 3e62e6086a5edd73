/**
 * The body of `bobbin dev`: starts the embedded stack, or joins the one that this person is running, and runs one turn on a
 * thread of this repository. The stack stays up in the process that started it.
 */
import { randomUUID } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { type Bobbin, BobbinError, type NewThread, type ThreadHandle, connectBobbin } from '../../../client/index.ts';
import type { StartThread } from '../../../contract/index.ts';
import { findWorkTree } from '../../../folders/work-tree.ts';
import { sandboxOfThisMachine } from '../../../dev/checks/sandbox.ts';
import { readDevState, rememberThread } from '../../../dev/dev-state.ts';
import { findFormerData } from '../../../dev/former-data.ts';
import { openStack } from '../../../dev/one-stack.ts';
import { offerInstall, type Person } from '../../../dev/sandbox-install.ts';
import type { Stack, StackAddresses } from '../../../dev/stack.ts';
import { connectTarget } from '../../../dev/temporal-service/run/connect-target.ts';
import { isInside } from '../../../folders/folders.ts';
import { findOwnSettings } from '../../../folders/own-settings.ts';
import { PACKAGE_ROOT } from '../../../folders/program-files.ts';
import { type CommonOptions, dataDirectoryOf, interruptSignal } from '../command.ts';
import { EXIT, exitCodeOfTurn } from '../exit-codes.ts';
import { asStarted } from '../invocation.ts';
import type { Output } from '../text/output.ts';
import { watchThread } from '../thread/watch.ts';

/** The checkout or the installed package that runs. */
const PROGRAM = realpathSync(PACKAGE_ROOT);

const FIRST_PROMPT = 'describe this repository';
const TITLE_CHARS = 200;

export interface DevOptions extends CommonOptions {
  once?: string;
}

export async function dev(options: DevOptions, output: Output): Promise<number> {
  const dataDirectory = dataDirectoryOf(options);
  const folder = realpathSync(repositoryRoot());
  requireOutside(folder, dataDirectory);
  requireNoSettings(folder);
  const signal = interruptSignal();
  const opened = await openStack({
    dataDirectory,
    env: process.env,
    onProgress: (line) => output.progress(line),
    signal,
  });
  const run = { options, dataDirectory, folder, output, signal };
  if (opened.type === 'joined') return await withJoined(opened.stack, run);
  try {
    return await withStarted(opened.stack, run);
  } finally {
    output.say('stopping …');
    await opened.stack.stop();
    output.say('stopped');
  }
}

interface Run {
  options: DevOptions;
  dataDirectory: string;
  /** Real path of the thread's workspace. */
  folder: string;
  output: Output;
  signal: AbortSignal;
}

/** Sandboxes hide the data folder, so such a workspace would be empty. */
function requireOutside(folder: string, dataDirectory: string): void {
  if (!isInside(folder, dataDirectory)) return;
  const message = `${folder} is inside Bobbin's data folder ${dataDirectory}. Start in another folder, or use another data folder.`;
  throw new BobbinError('invalid', message);
}

/** Fails early: the first turn would fail with the same reason. */
function requireNoSettings(folder: string): void {
  const mode = process.env['BOBBIN_SANDBOX'] || 'workspace-write';
  const reason = mode === 'workspace-write' ? findOwnSettings(folder) : undefined;
  if (reason !== undefined) throw new BobbinError('invalid', `${reason} BOBBIN_SANDBOX sets the mode.`);
}

async function withStarted(stack: Stack, run: Run): Promise<number> {
  const { options, output, signal } = run;
  for (const part of stack.parts) output.say(`${part.name.padEnd(9)} ${part.text}`);
  const status = await oneTurn(stack, run);
  if (options.once !== undefined) return status;
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
  const status = await oneTurn(stack, run);
  run.output.say('');
  run.output.say(`The stack keeps running in process ${stack.pid}; Ctrl-C there stops it.`);
  return status;
}

/** Runs a turn on the thread of this folder. Returns its exit code. */
async function oneTurn(stack: StackAddresses, run: Run): Promise<number> {
  const { options, output, signal } = run;
  const bobbin = await connectBobbin({
    // A configured service may need TLS or a key.
    connection: connectTarget(process.env)?.connectionOptions ?? { address: stack.address },
    namespace: stack.namespace,
    taskQueue: stack.taskQueue,
  });
  try {
    sayWhatToKnow(run);
    const { thread, isNew } = await openThread(bobbin, run);
    const status = await runTurn(thread, options.once ?? FIRST_PROMPT, output, signal);
    await sayWhere(thread, stack, isNew, output);
    return status;
  } finally {
    await bobbin.close();
  }
}

/** A clone can contain a data folder, so Bobbin uses one only if a person imports it. */
function sayWhatToKnow({ folder, dataDirectory, output }: Run): void {
  if (isInside(PROGRAM, folder)) {
    output.say(
      'Note      the Bobbin that runs lies in this folder: a turn that changes it changes what runs outside the sandbox next time',
    );
  }
  const former = findFormerData(folder, dataDirectory);
  if (former !== null)
    output.say(`Note      ${former} is not used; \`${asStarted('data import')}\` shows what is in it.`);
}

/** The last thread of this folder if it is still open, else a new one. */
async function openThread(
  bobbin: Bobbin,
  { options, folder, dataDirectory, output }: Run,
): Promise<{ thread: ThreadHandle; isNew: boolean }> {
  const name = basename(folder).replace(/[^A-Za-z0-9._-]/g, '-');
  const { threads, threadId: former } = readDevState(dataDirectory);
  const last = threads[folder] ?? (former?.startsWith(`${name}-`) ? former : undefined);
  if (last !== undefined && (await isOpen(bobbin, last))) {
    rememberThread(dataDirectory, folder, last);
    output.say(`Thread    ${last} (continued)`);
    return { thread: bobbin.threads.get(last), isNew: false };
  }
  const title = (options.once ?? FIRST_PROMPT).slice(0, TITLE_CHARS);
  const start: NewThread = { workspace: { cwd: folder }, title };
  const thread = await bobbin.threads.start({ ...start, ...(await withoutSandbox(output)) });
  rememberThread(dataDirectory, folder, thread.threadId);
  output.say(`Thread    ${thread.threadId} (new)`);
  return { thread, isNew: true };
}

async function isOpen(bobbin: Bobbin, threadId: string): Promise<boolean> {
  try {
    const { status } = await bobbin.threads.get(threadId).view();
    return status !== 'closed' && status !== 'closing';
  } catch (error) {
    if (error instanceof BobbinError && error.code === 'threadNotFound') return false;
    throw error;
  }
}

function repositoryRoot(): string {
  return findWorkTree(process.cwd()) ?? process.cwd();
}

/** Without a sandbox, only commands that are known to only read run without approval. */
async function withoutSandbox(output: Output): Promise<Partial<StartThread>> {
  let sandbox = await sandboxOfThisMachine();
  if (!sandbox.available && (await offerInstall(onTerminal(output)))) sandbox = await sandboxOfThisMachine();
  if (sandbox.available) return {};
  output.say(
    `Sandbox   none (${sandbox.reason}): only commands that are known to only read run without approval. See \`${asStarted('doctor')}\`.`,
  );
  return { sandbox: 'danger-full-access', approvalPolicy: 'untrusted' };
}

/** Without a terminal the answer is no. */
function onTerminal(output: Output): Person {
  return {
    say: (text) => output.say(text),
    async ask(question) {
      if (!process.stdin.isTTY || !process.stdout.isTTY) return false;
      const reader = createInterface({ input: process.stdin, output: process.stdout });
      const answer = await reader.question(`${question} [y/N] `);
      reader.close();
      return /^y(es)?$/i.test(answer.trim());
    },
  };
}

async function runTurn(thread: ThreadHandle, prompt: string, output: Output, signal: AbortSignal): Promise<number> {
  const { lastSeq } = await thread.view();
  const turnId = `turn-${randomUUID()}`;
  await thread.submit({ turnId, kind: 'regular', input: [{ type: 'text', text: prompt }] });
  const end = await watchThread(thread, output, { after: lastSeq, signal, untilTurn: turnId });
  return end === undefined ? EXIT.interrupted : exitCodeOfTurn(end);
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
  const url = stack.uiUrl === null ? null : workflowUrl(stack.uiUrl, stack.namespace, thread.workflowId);
  if (url !== null) output.say(`Temporal UI ${url}`);
}

export function workflowUrl(uiUrl: string, namespace: string, workflowId: string): string {
  return `${uiUrl.replace(/\/+$/, '')}/namespaces/${namespace}/workflows/${encodeURIComponent(workflowId)}`;
}
