/** What `bobbin dev` does: the embedded stack, a thread on this repository, one turn, and then it stays up. */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import { type Bobbin, BobbinError, type ThreadHandle, connectBobbin } from '../../client/index.ts';
import type { StartThread } from '../../contract/index.ts';
import { sandboxOfThisMachine } from '../../dev/checks/sandbox.ts';
import { readDevState, writeDevState } from '../../dev/dev-state.ts';
import { type Stack, startStack } from '../../dev/stack.ts';
import { connectTarget } from '../../dev/temporal-service/connect-target.ts';
import { findOnPath } from '../../dev/temporal-service/program.ts';
import { type CommonOptions, dataDirectoryOf, interruptSignal } from './command.ts';
import { EXIT, exitCodeOfTurn } from './exit-codes.ts';
import type { Output } from './output.ts';
import { watchThread } from './watch.ts';

const FIRST_PROMPT = 'describe this repository';

export interface DevOptions extends CommonOptions {
  once?: string;
}

export async function dev(options: DevOptions, output: Output): Promise<number> {
  const dataDirectory = dataDirectoryOf(options);
  const signal = interruptSignal();
  const { running } = readDevState(dataDirectory);
  if (running !== null) {
    throw new BobbinError(
      'threadBusy',
      `A stack runs on ${dataDirectory} already (process ${running.pid}). Use it with \`bobbin run\`, or stop it first.`,
    );
  }
  const stack = await startStack({
    dataDirectory,
    env: process.env,
    onProgress: (line) => output.progress(line),
    signal,
  });
  try {
    const { address, namespace, taskQueue, uiUrl } = stack;
    writeDevState(dataDirectory, { running: { address, namespace, taskQueue, uiUrl, pid: process.pid } });
    return await withStack(stack, options, dataDirectory, output, signal);
  } finally {
    writeDevState(dataDirectory, { running: null });
    output.say('stopping …');
    await stack.stop();
    output.say('stopped');
  }
}

async function withStack(
  stack: Stack,
  options: DevOptions,
  dataDirectory: string,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  for (const part of stack.parts) output.say(`${part.name.padEnd(9)} ${part.text}`);
  const bobbin = await connectBobbin({
    // A service that was named may want TLS or a key.
    connection: connectTarget(process.env)?.connectionOptions ?? { address: stack.address },
    namespace: stack.namespace,
    taskQueue: stack.taskQueue,
  });
  try {
    const { thread, isNew } = await openThread(bobbin, dataDirectory, output);
    const status = await runTurn(thread, options.once ?? FIRST_PROMPT, output, signal);
    await sayWhere(thread, stack, isNew, output);
    if (options.once !== undefined) return status;
    output.say(
      '\nIt stays up: bobbin run "<prompt>" and bobbin thread list work from another terminal. Ctrl-C stops it.',
    );
    await new Promise<void>((resolve) =>
      signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve()),
    );
    return EXIT.ok;
  } finally {
    await bobbin.close();
  }
}

/** The thread of last time, where it is still open; else a new one on this repository. */
async function openThread(
  bobbin: Bobbin,
  dataDirectory: string,
  output: Output,
): Promise<{ thread: ThreadHandle; isNew: boolean }> {
  const last = readDevState(dataDirectory).threadId;
  if (last !== null && (await isOpen(bobbin, last))) {
    output.say(`Thread    ${last} (continued)`);
    return { thread: bobbin.threads.get(last), isNew: false };
  }
  const cwd = repositoryRoot();
  const threadId = `${basename(cwd).replace(/[^A-Za-z0-9._-]/g, '-')}-${randomUUID().slice(0, 8)}`;
  const start: StartThread = { threadId, workspace: { cwd }, title: `bobbin dev in ${basename(cwd)}` };
  const thread = await bobbin.threads.start({ ...start, ...(await withoutSandbox(output)) });
  writeDevState(dataDirectory, { threadId });
  output.say(`Thread    ${threadId} (new)`);
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
  const git = findOnPath('git', process.env);
  if (git === undefined) return process.cwd();
  try {
    return execFileSync(git, ['rev-parse', '--show-toplevel'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return process.cwd();
  }
}

/** Where no sandbox works, commands that are known to only read still run; every other one asks. */
async function withoutSandbox(output: Output): Promise<Partial<StartThread>> {
  const sandbox = await sandboxOfThisMachine();
  if (sandbox.available) return {};
  output.say(
    `Sandbox   none (${sandbox.reason}): only commands that are known to only read run unasked. See \`bobbin doctor\`.`,
  );
  return { sandbox: 'danger-full-access', approvalPolicy: 'untrusted' };
}

async function runTurn(thread: ThreadHandle, prompt: string, output: Output, signal: AbortSignal): Promise<number> {
  const { lastSeq } = await thread.view();
  const turnId = `turn-${randomUUID()}`;
  await thread.submit({ turnId, kind: 'regular', input: [{ type: 'text', text: prompt }] });
  const end = await watchThread(thread, output, { after: lastSeq, signal, untilTurn: turnId });
  return end === undefined ? EXIT.interrupted : exitCodeOfTurn(end);
}

async function sayWhere(thread: ThreadHandle, stack: Stack, isNew: boolean, output: Output): Promise<void> {
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
