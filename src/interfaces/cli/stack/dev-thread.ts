/** The thread that `bobbin dev` uses in a folder: its last one if that is open and its model can be used, else a new one. */
import { basename } from 'node:path';
import { type Bobbin, BobbinError, type NewThread, type ThreadHandle } from '../../../client/index.ts';
import type { StartThread } from '../../../contract/index.ts';
import { sandboxOfThisMachine } from '../../../dev/checks/sandbox.ts';
import { readDevState, rememberThread } from '../../../dev/dev-state.ts';
import { offerInstall, type Person } from '../../../dev/sandbox-install.ts';
import { asStarted } from '../invocation.ts';
import { type Output, askPerson } from '../text/output.ts';

export interface ChosenThread {
  thread: ThreadHandle;
  isNew: boolean;
}

interface Choice {
  folder: string;
  dataDirectory: string;
  output: Output;
  /** Of a new thread. */
  title: string | undefined;
  /** Whether the stack has what this model needs. */
  canUse(model: string): boolean;
}

export async function chooseThread(bobbin: Bobbin, choice: Choice): Promise<ChosenThread> {
  const { folder, dataDirectory, output, title } = choice;
  const last = lastThread(choice);
  const model = last === undefined ? undefined : await modelOfOpen(bobbin, last);
  if (last !== undefined && model !== undefined && choice.canUse(model)) {
    rememberThread(dataDirectory, folder, last);
    output.say(`Thread    ${last} (continued)`);
    return { thread: bobbin.threads.get(last), isNew: false };
  }
  const start: NewThread = { workspace: { cwd: folder }, ...(title === undefined ? {} : { title }) };
  const thread = await bobbin.threads.start({ ...start, ...(await withoutSandbox(output)) });
  rememberThread(dataDirectory, folder, thread.threadId);
  const why = model === undefined ? '' : `, since ${last ?? ''} uses ${model}, which cannot be used now`;
  output.say(`Thread    ${thread.threadId} (new${why})`);
  return { thread, isNew: true };
}

function lastThread({ folder, dataDirectory }: Choice): string | undefined {
  const name = basename(folder).replace(/[^A-Za-z0-9._-]/g, '-');
  const { threads, threadId: former } = readDevState(dataDirectory);
  return threads[folder] ?? (former?.startsWith(`${name}-`) === true ? former : undefined);
}

/** Undefined for a thread that is closed or was never started. */
async function modelOfOpen(bobbin: Bobbin, threadId: string): Promise<string | undefined> {
  try {
    const { status, settings } = await bobbin.threads.get(threadId).view();
    return status === 'closed' || status === 'closing' ? undefined : settings.model;
  } catch (error) {
    if (error instanceof BobbinError && error.code === 'threadNotFound') return undefined;
    throw error;
  }
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
    ask: askPerson,
  };
}
